/*
 * The bytes of a list: each element is its length in LEB128 (seven bits a byte, the low ones first,
 * the top bit set in all but the last, no longer than it must be) and its bytes. Lists are joined
 * by joining their bytes, so an add is an append. Pure.
 */
#ifndef CAIRN_STATE_STATE_ELEMENTS_H
#define CAIRN_STATE_STATE_ELEMENTS_H

#include "buf.h"

/* Bytes that `element` takes. */
size_t element_bytes(cairn_slice element);
cairn_code element_append(cairn_buf *out, cairn_slice element, cairn_error *err);
/* The length alone: as many bytes must follow. At most CAIRN_LIST_BYTES_MAX. */
cairn_code element_append_length(cairn_buf *out, size_t length, cairn_error *err);

/* Moves *rest behind its first element; false if there is no whole one. */
bool element_next(cairn_slice *rest, cairn_slice *out);

/* CAIRN_E_INTEGRITY if the bytes are not elements from the first to the last. */
cairn_code elements_check(cairn_slice stored, cairn_error *err);

#endif
