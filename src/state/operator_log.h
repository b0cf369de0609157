/*
 * A broadcast map as a log: each put and remove appends a record, so a share of the bytes fixes the
 * map as it is (operator_bytes.h). The owner finds the live records by an index.
 *
 * A record is one byte (1 put, 0 removed), the key as an element, and of a put the value as one.
 * Pure.
 */
#ifndef CAIRN_STATE_OPERATOR_LOG_H
#define CAIRN_STATE_OPERATOR_LOG_H

#include "buf.h"

typedef struct operator_record {
    cairn_slice key;
    cairn_slice value; /* of a put */
    bool removed;
    size_t bytes; /* that it takes in the log */
} operator_record;

cairn_code operator_record_append(cairn_buf *out, const operator_record *record, cairn_error *err);
/* The record at `place`, which is one's first byte. */
operator_record operator_record_at(cairn_slice log, uint32_t place);
/* Its key: for an index. */
cairn_slice operator_record_key(cairn_slice log, uint32_t place);
/* Bytes of a put as elements in a file: key and value. */
size_t operator_record_file_bytes(const operator_record *record);

/* Appends the entries that live at the end of the log, key and value as elements, sorted by key.
 * `entries`: how many they are. */
cairn_code operator_log_write(cairn_slice log, uint64_t entries, cairn_buf *out, cairn_error *err);

#endif
