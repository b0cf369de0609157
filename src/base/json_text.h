/*
 * A streaming JSON writer: stable order (that of the calls), two blanks of indent or one line,
 * strings escaped, u64 as decimal strings (a JSON number is a double in most readers).
 * Errors stick: check json_text_status once at the end. Misnesting asserts.
 */
#ifndef CAIRN_BASE_JSON_TEXT_H
#define CAIRN_BASE_JSON_TEXT_H

#include "buf.h"

#define JSON_TEXT_DEPTH_MAX 32

typedef struct json_text {
    cairn_buf *out; /* borrowed */
    cairn_code code;
    cairn_error error;
    bool pretty;
    int depth;
    bool is_object[JSON_TEXT_DEPTH_MAX];
    bool has_members[JSON_TEXT_DEPTH_MAX];
    bool has_root;
    bool after_name;
} json_text;

void json_text_init(json_text *json, cairn_buf *out, bool pretty);
void json_text_begin_object(json_text *json);
void json_text_end_object(json_text *json);
void json_text_begin_array(json_text *json);
void json_text_end_array(json_text *json);
void json_text_name(json_text *json, const char *name);
void json_text_string(json_text *json, const char *text);
/* Bytes that may not be UTF-8: bad bytes become U+FFFD. */
void json_text_bytes(json_text *json, cairn_slice bytes);
void json_text_u64(json_text *json, uint64_t value);  /* "123" */
void json_text_int(json_text *json, int64_t value);   /* 123, |value| < 2^53 asserted */
void json_text_double(json_text *json, double value); /* shortest that reads back; not NaN */
void json_text_bool(json_text *json, bool value);
void json_text_null(json_text *json);
/* name + value in one call */
void json_text_member_string(json_text *json, const char *name, const char *text);
void json_text_member_u64(json_text *json, const char *name, uint64_t value);
void json_text_member_int(json_text *json, const char *name, int64_t value);
void json_text_member_bool(json_text *json, const char *name, bool value);
cairn_code json_text_status(const json_text *json, cairn_error *err);

#endif
