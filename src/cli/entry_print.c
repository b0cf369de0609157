#include "entry_print.h"

#include <cairn/state.h>

#include "cli_out.h"

#define PLAIN_BYTES "bytes" /* a serializer that is none of the numbers */

static cairn_code append_place(const entry_style *style, const cairn_state_entry *entry,
                               cairn_buf *line, cairn_error *err)
{
    CAIRN_TRY(
        value_append_line(style->state->key_serializer.id, entry->key, style->hex, line, err));
    if (entry->name_space.len > 0) {
        CAIRN_TRY(buf_append_text(line, "\t[", err));
        CAIRN_TRY(value_append_line(PLAIN_BYTES, entry->name_space, style->hex, line, err));
        CAIRN_TRY(buf_append_byte(line, ']', err));
    }
    if (style->state->kind == CAIRN_STATE_MAP) {
        CAIRN_TRY(buf_append_byte(line, '\t', err));
        CAIRN_TRY(value_append_line(PLAIN_BYTES, entry->user_key, style->hex, line, err));
    }
    return buf_append_byte(line, '\t', err);
}

static cairn_code print_line(const entry_style *style, const cairn_state_entry *entry,
                             cairn_slice value, cairn_buf *line, cairn_error *err)
{
    buf_clear(line);
    if (style->whole) {
        CAIRN_TRY(append_place(style, entry, line, err));
    }
    CAIRN_TRY(value_append_line(style->state->value_serializer.id, value, style->hex, line, err));
    CAIRN_TRY(buf_append_byte(line, '\n', err));
    cli_out_bytes(cairn_buf_slice(line));
    return CAIRN_OK;
}

cairn_code entry_print(const entry_style *style, const cairn_state_entry *entry, cairn_buf *line,
                       cairn_error *err)
{
    cairn_list_view elements = {entry->value.data, entry->value.len};
    cairn_slice element;

    if (style->state->kind != CAIRN_STATE_LIST) {
        return print_line(style, entry, entry->value, line, err);
    }
    while (cairn_list_next(&elements, &element)) {
        CAIRN_TRY(print_line(style, entry, element, line, err));
    }
    return CAIRN_OK;
}

cairn_code entry_add_place(json_text *json, const entry_style *style,
                           const cairn_state_entry *entry, cairn_error *err)
{
    CAIRN_TRY(
        value_add_json(json, "key", style->state->key_serializer.id, entry->key, style->hex, err));
    if (entry->name_space.len > 0) {
        CAIRN_TRY(
            value_add_json(json, "namespace", PLAIN_BYTES, entry->name_space, style->hex, err));
    }
    if (style->state->kind == CAIRN_STATE_MAP) {
        CAIRN_TRY(value_add_json(json, "user_key", PLAIN_BYTES, entry->user_key, style->hex, err));
    }
    return CAIRN_OK;
}

/* One time, or one for each element. */
static void add_times(json_text *json, const cairn_state_entry *entry, bool is_list)
{
    if (entry->time_count == 0) {
        return;
    }
    if (!is_list) {
        json_text_member_u64(json, "accessed_ms", entry->times_ms[0]);
        return;
    }
    json_text_name(json, "accessed_ms");
    json_text_begin_array(json);
    for (size_t i = 0; i < entry->time_count; i++) {
        json_text_u64(json, entry->times_ms[i]);
    }
    json_text_end_array(json);
}

cairn_code entry_add_value(json_text *json, const entry_style *style,
                           const cairn_state_entry *entry, cairn_error *err)
{
    const char *serializer = style->state->value_serializer.id;
    cairn_list_view elements = {entry->value.data, entry->value.len};
    cairn_slice element;

    add_times(json, entry, style->state->kind == CAIRN_STATE_LIST);
    if (style->state->kind != CAIRN_STATE_LIST) {
        return value_add_json(json, "value", serializer, entry->value, style->hex, err);
    }
    json_text_name(json, "elements");
    json_text_begin_array(json);
    while (cairn_list_next(&elements, &element)) {
        CAIRN_TRY(value_json(json, serializer, element, style->hex, err));
    }
    json_text_end_array(json);
    return CAIRN_OK;
}
