/*
 * Entries of a checkpoint's state as text and as JSON, by the kind of the state; docs/commands.md
 * has both forms. Namespaces and a map's user keys have no serializer of their own: they are shown
 * as text if they are printable, else as hex digits.
 */
#ifndef CAIRN_CLI_ENTRY_PRINT_H
#define CAIRN_CLI_ENTRY_PRINT_H

#include <cairn/history.h>

#include "value_print.h"

typedef struct entry_style {
    const cairn_state_info *state;
    bool hex;   /* bytes as hex digits, whatever they are */
    bool whole; /* text: key, namespace and user key in front of each value */
} entry_style;

/* Prints the lines of an entry to standard output: one, or one for each element of a list. `line`
 * is used again for each; its limit bounds a line. */
cairn_code entry_print(const entry_style *style, const cairn_state_entry *entry, cairn_buf *line,
                       cairn_error *err);

/* Adds `value`, or `elements` for a list, to the object that is open; with a time to live also
 * `accessed_ms`. */
cairn_code entry_add_value(json_text *json, const entry_style *style,
                           const cairn_state_entry *entry, cairn_error *err);
/* Adds `key`, `namespace` if it is not the void one, and `user_key` for a map. */
cairn_code entry_add_place(json_text *json, const entry_style *style,
                           const cairn_state_entry *entry, cairn_error *err);

#endif
