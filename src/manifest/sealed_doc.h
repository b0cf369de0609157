/*
 * What all sealed documents share: they open with `format` and `version`, end with the seal, and
 * are read in the same order: size, seal, JSON, format, version, members. Pure.
 */
#ifndef CAIRN_MANIFEST_SEALED_DOC_H
#define CAIRN_MANIFEST_SEALED_DOC_H

#include <cairn/manifest.h>

#include "json_read.h"
#include "json_text.h"

typedef struct sealed_kind {
    const char *format; /* "cairn-manifest" */
    int version;        /* the newest that is known */
    size_t bytes_max;
    size_t string_bytes_max;
    const char *const *members; /* of the root, "format", "version", "sha256" included; NULL ends */
} sealed_kind;

/* Writing: between begin and end the caller prints the members of the root to `json`. `version`:
 * the oldest whose readers understand what is to come. */
void sealed_doc_begin(const sealed_kind *kind, int version, json_text *json, cairn_buf *scratch);
/* On CAIRN_OK `out` holds the document, and only it; else `out` is untouched. */
cairn_code sealed_doc_end(const sealed_kind *kind, json_text *json, cairn_buf *out,
                          cairn_error *err);

/*
 * Reading: everything up to the members. CAIRN_E_LIMIT: too large; CAIRN_E_INCOMPATIBLE: a newer
 * version, even with unknown members; CAIRN_E_INTEGRITY: all else.
 */
cairn_code sealed_doc_read(const sealed_kind *kind, cairn_slice document, json_doc **out,
                           cairn_error *err);

/* CAIRN_E_INTEGRITY if the document claims a version older than `needed`, that of what it holds. */
cairn_code sealed_doc_check_version(const json_value *root, int needed, cairn_error *err);

/* Values that are null or an object {id, sha256}: a checkpoint and the digest of its manifest. */
void sealed_doc_print_reference(json_text *json, const char *name, uint64_t id,
                                const char *sha256_hex);
cairn_code sealed_doc_read_reference(const json_value *object, const char *name, uint64_t *out_id,
                                     char out_sha256[CAIRN_SHA256_HEX_SIZE], cairn_error *err);

/* Text for humans: cut, and bytes that are no UTF-8 replaced, so that any text can be written. */
void sealed_doc_print_text(json_text *json, const char *name, const char *text);

/* A string member, copied. */
cairn_code sealed_doc_read_text(const json_value *object, const char *name, char **out,
                                cairn_error *err);
/* A string member of exactly size - 1 bytes; what they are is for the check functions below. */
cairn_code sealed_doc_read_hex(const json_value *object, const char *name, char *out, size_t size,
                               cairn_error *err);
/* An integer number of 0..max. */
cairn_code sealed_doc_read_u32(const json_value *object, const char *name, uint32_t max,
                               uint32_t *out, cairn_error *err);

/* Reads every element of an array member into zeroed memory. */
typedef cairn_code (*sealed_doc_element)(const json_value *value, void *element, cairn_error *err);
typedef struct sealed_array {
    const char *name;
    size_t max;
    size_t element_bytes;
    sealed_doc_element read;
} sealed_array;
/* *out_items and *out_count are the caller's to release also on failure: what is unread is zero. */
cairn_code sealed_doc_read_array(const json_value *object, const sealed_array *array,
                                 void **out_items, size_t *out_count, cairn_error *err);

/* Rules of values, for what is read and what is written; `what` names the value in the message. */
cairn_code sealed_doc_check_name(const char *what, const char *text, cairn_error *err);
cairn_code sealed_doc_check_sha256(const char *what, const char *hex, cairn_error *err);
cairn_code sealed_doc_check_attempt(const char *what, const char *hex, cairn_error *err);
/* "" goes with id 0, a digest with any other. */
cairn_code sealed_doc_check_reference(const char *what, uint64_t id, const char *hex,
                                      cairn_error *err);

#endif
