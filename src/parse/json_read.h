/*
 * A strict JSON reader: our own walk over the raw bytes first (RFC 8259 grammar, UTF-8, no BOM, no
 * NUL or \u0000, no duplicate members after unescaping, no trailing bytes, depth, string, node and
 * size bounds), then cJSON builds the tree. The only unit that includes <cjson/cJSON.h>.
 *
 * A json_doc is immutable; values are borrowed from it. Errors name the byte offset (scan) or the
 * member path's last name (accessors) and have code CAIRN_E_INTEGRITY, except where said.
 */
#ifndef CAIRN_PARSE_JSON_READ_H
#define CAIRN_PARSE_JSON_READ_H

#include "check.h"

typedef struct json_doc json_doc;
typedef struct json_value json_value;

typedef struct json_limits {
    size_t bytes;        /* of the document */
    size_t string_bytes; /* of one string, unescaped */
    size_t nodes;        /* values in the document */
    unsigned depth;
} json_limits;

/* Larger than limits->bytes: CAIRN_E_LIMIT; everything else that is wrong: CAIRN_E_INTEGRITY. */
cairn_code json_read(cairn_slice text, const json_limits *limits, json_doc **out, cairn_error *err);
void json_doc_free(json_doc *doc);
CAIRN_DEFINE_AUTO_PTR(json_doc, json_doc_free)

const json_value *json_root(const json_doc *doc);

/* Members of an object (CAIRN_E_INTEGRITY if `object` is none, or the member is absent or of
 * another type). */
cairn_code json_get_string(const json_value *object, const char *name, const char **out,
                           cairn_error *err);
cairn_code json_get_u64(const json_value *object, const char *name, uint64_t *out,
                        cairn_error *err); /* a decimal string */
cairn_code json_get_int(const json_value *object, const char *name, int64_t min, int64_t max,
                        int64_t *out, cairn_error *err); /* an integral number in the range */
cairn_code json_get_bool(const json_value *object, const char *name, bool *out, cairn_error *err);
cairn_code json_get_object(const json_value *object, const char *name, const json_value **out,
                           cairn_error *err);
cairn_code json_get_array(const json_value *object, const char *name, const json_value **out,
                          cairn_error *err);
/* The member, or NULL if it is absent or JSON null. */
const json_value *json_find(const json_value *object, const char *name);

/* Refuses members that are not in `known` (NULL-terminated), except "extensions". */
cairn_code json_check_members(const json_value *object, const char *const *known, cairn_error *err);

/* Elements of an array, in order: for (e = json_first(a); e; e = json_next(e)). */
size_t json_count(const json_value *array);
const json_value *json_first(const json_value *array);
const json_value *json_next(const json_value *element);
bool json_is_object(const json_value *value);
/* NULL if it is not a string. */
const char *json_string(const json_value *value);

#endif
