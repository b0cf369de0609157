/*
 * Bytes of state as text, by the serializer that the manifest records: "u64", "i64" and "double" as
 * numbers (state.h tells their bytes), everything else as text if it is printable UTF-8, else as
 * hex digits. All pure.
 */
#ifndef CAIRN_CLI_VALUE_PRINT_H
#define CAIRN_CLI_VALUE_PRINT_H

#include "bounds.h"
#include "json_text.h"

/* Of one key or value as text: hex digits and "0x". */
#define VALUE_TEXT_BYTES_MAX (2 * CAIRN_VALUE_BYTES_MAX + 2)

typedef enum value_form {
    CAIRN_VALUE_U64,
    CAIRN_VALUE_I64,
    CAIRN_VALUE_DOUBLE,
    CAIRN_VALUE_TEXT,
    CAIRN_VALUE_HEX
} value_form;

/* The form that `bytes` are shown in. A number of another size than 8 bytes is shown as hex. */
value_form value_form_of(const char *serializer, cairn_slice bytes);
/* "u64", "i64", "double", "text", "hex"; static storage. */
const char *value_form_name(value_form form);

/* Appends `bytes` in `form`, which value_form_of gave or which is CAIRN_VALUE_HEX; hex digits are
 * bare. */
cairn_code value_append(value_form form, cairn_slice bytes, cairn_buf *out, cairn_error *err);

/* As value_append in value_form_of's form, for a terminal: hex begins with "0x" unless `hex` asks
 * for nothing but hex. */
cairn_code value_append_line(const char *serializer, cairn_slice bytes, bool hex, cairn_buf *out,
                             cairn_error *err);

/* As the next value {"form": ..., "value": "..."}; the value is a string in every form. */
cairn_code value_json(json_text *json, const char *serializer, cairn_slice bytes, bool hex,
                      cairn_error *err);
/* Adds that as the member `name`. */
cairn_code value_add_json(json_text *json, const char *name, const char *serializer,
                          cairn_slice bytes, bool hex, cairn_error *err);

/* The bytes of what a user typed: a number for the number serializers (else CAIRN_E_INVALID), the
 * text itself for all others. */
cairn_code value_parse(const char *serializer, const char *text, cairn_buf *out, cairn_error *err);

#endif
