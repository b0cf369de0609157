/* Names of the files, and what writes one. */
#include "state_canonical.h"

#include "bounds.h"
#include "byte_stream.h"
#include "encode.h"
#include "errors.h"
#include "state_canonical_format.h"
#include "state_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define GROUP_DIGITS 5
#define WIDTH_MAX    2

_Static_assert(CAIRN_PARALLELISM_MAX <= 99999, "a key group has five digits");

bool state_canonical_reads(const char *version)
{
    return strcmp(version, STATE_CANONICAL_VERSION) == 0;
}

void state_canonical_name_file(uint32_t key_group, char out[STATE_CANONICAL_NAME_BYTES])
{
    (void)snprintf(out, STATE_CANONICAL_NAME_BYTES, "kg-%0*" PRIu32 ".state", GROUP_DIGITS,
                   key_group);
}

bool state_canonical_is_file(const char *name, uint32_t *out_key_group)
{
    char canonical[STATE_CANONICAL_NAME_BYTES];
    uint32_t key_group = 0;

    if (strncmp(name, "kg-", 3) != 0) {
        return false;
    }
    for (size_t i = 0; i < GROUP_DIGITS; i++) {
        const char digit = name[3 + i];

        if (digit < '0' || digit > '9') {
            return false;
        }
        key_group = 10 * key_group + (uint32_t)(digit - '0');
    }
    state_canonical_name_file(key_group, canonical);
    if (strcmp(name, canonical) != 0 || key_group >= CAIRN_PARALLELISM_MAX) {
        return false;
    }
    *out_key_group = key_group;
    return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

typedef struct group_writer {
    byte_writer *to;
    uint32_t key_group;
    uint32_t width; /* of the key group in front of keys */
    uint64_t entries;
    cairn_buf before; /* the key of the entry before, of the same state */
} group_writer;

static void put_group(uint32_t key_group, uint32_t width, uint8_t out[WIDTH_MAX])
{
    CAIRN_ASSERT(width >= 1 && width <= WIDTH_MAX);
    out[0] = (uint8_t)(width == 1 ? key_group : key_group >> 8);
    out[1] = (uint8_t)key_group;
}

static cairn_code put_head(group_writer *self, cairn_error *err)
{
    CAIRN_TRY(byte_writer_put(self->to, cairn_slice_of(CANONICAL_MAGIC), err));
    CAIRN_TRY(byte_writer_put_number(self->to, CANONICAL_FILE_VERSION, err));
    CAIRN_TRY(byte_writer_put_number(self->to, self->key_group, err));
    return byte_writer_put_number(self->to, self->width, err);
}

/* The file is a digest of its content only if the engine gives each entry once and in order. */
static cairn_code check_order(group_writer *self, const cairn_state_info *info, cairn_slice key,
                              cairn_error *err)
{
    const cairn_slice before = cairn_buf_slice(&self->before);
    const size_t shared = before.len < key.len ? before.len : key.len;
    const int order = shared == 0 ? 0 : memcmp(before.data, key.data, shared);

    if (order > 0 || (order == 0 && before.len >= key.len)) {
        return error_set(err, CAIRN_E_INTERNAL, "state %s: the engine's keys are not in order",
                         info->name);
    }
    buf_clear(&self->before);
    return buf_append(&self->before, key.data, key.len, err);
}

/* No reader takes more. An engine may hold it: a list grows by elements that nobody sums up. */
static cairn_code check_size(const cairn_state_info *info, cairn_slice key, cairn_slice value,
                             cairn_error *err)
{
    if (key.len > CAIRN_HEAP_KEY_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT,
                         "state %s: a key of %zu bytes, the canonical form takes at most %zu",
                         info->name, key.len, CAIRN_HEAP_KEY_BYTES_MAX);
    }
    if (value.len > CAIRN_VALUE_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT,
                         "state %s: a value of %zu bytes, the canonical form takes at most %zu",
                         info->name, value.len, CAIRN_VALUE_BYTES_MAX);
    }
    return CAIRN_OK;
}

static cairn_code put_entry(group_writer *self, cairn_slice key, cairn_slice value,
                            cairn_error *err)
{
    const cairn_slice rest = {(const uint8_t *)key.data + self->width, key.len - self->width};

    CAIRN_TRY(byte_writer_put_number(self->to, rest.len + 1, err));
    CAIRN_TRY(byte_writer_put_number(self->to, value.len, err));
    CAIRN_TRY(byte_writer_put(self->to, rest, err));
    self->entries++;
    return byte_writer_put(self->to, value, err);
}

static cairn_code put_name(group_writer *self, const cairn_state_info *info, cairn_error *err)
{
    CAIRN_TRY(byte_writer_put_number(self->to, (uint64_t)info->kind + 1, err));
    CAIRN_TRY(byte_writer_put_number(self->to, strlen(info->name), err));
    return byte_writer_put(self->to, cairn_slice_of(info->name), err);
}

static bool is_of_group(cairn_slice key, const uint8_t *group, uint32_t width)
{
    return key.len >= width && memcmp(key.data, group, width) == 0;
}

/* Nothing of a state without entries in the key group. */
static cairn_code put_rows(group_writer *self, const cairn_state_info *info, state_cursor *rows,
                           cairn_error *err)
{
    uint8_t group[WIDTH_MAX];
    cairn_slice key;
    cairn_slice value;
    bool named = false;

    put_group(self->key_group, self->width, group);
    buf_clear(&self->before);
    while (rows->ops->next(rows, &key, &value)) {
        if (!is_of_group(key, group, self->width)) {
            continue;
        }
        if (!named) {
            CAIRN_TRY(put_name(self, info, err));
            named = true;
        }
        CAIRN_TRY(check_size(info, key, value, err));
        CAIRN_TRY(check_order(self, info, key, err));
        CAIRN_TRY(put_entry(self, key, value, err));
    }
    CAIRN_TRY(rows->ops->status(rows, err));
    return named ? byte_writer_put_number(self->to, 0, err) : CAIRN_OK;
}

static cairn_code put_state(group_writer *self, state_engine *engine, const cairn_state_info *info,
                            cairn_error *err)
{
    CAIRN_AUTO_PTR(state_cursor_free) state_cursor *rows = NULL;
    state_table *const table = engine->ops->find_table(engine, info->name);
    uint8_t group[WIDTH_MAX];
    const state_place place = {{group, self->width}, self->key_group, self->width};

    if (table == NULL) {
        return engine->ops->keeps_empty_tables
                   ? error_set(err, CAIRN_E_INTEGRITY, "state %s has no table", info->name)
                   : CAIRN_OK;
    }
    put_group(self->key_group, self->width, group);
    CAIRN_TRY(engine->ops->walks_in_order ? table->ops->walk(table, &place, &rows, err)
                                          : table->ops->scan(table, &rows, err));
    return put_rows(self, info, rows, err);
}

static cairn_code put_all(group_writer *self, state_engine *engine, const canonical_states *states,
                          cairn_error *err)
{
    CAIRN_TRY(put_head(self, err));
    for (size_t i = 0; i < states->count; i++) {
        CAIRN_ASSERT(i == 0 || strcmp(states->items[i - 1].name, states->items[i].name) < 0);
        CAIRN_TRY(put_state(self, engine, &states->items[i], err));
    }
    if (self->entries == 0) {
        return CAIRN_OK; /* no byte has reached the disk */
    }
    CAIRN_TRY(byte_writer_put_number(self->to, CANONICAL_END, err));
    CAIRN_TRY(byte_writer_put_number(self->to, self->entries, err));
    return byte_writer_finish(self->to, err);
}

cairn_code state_canonical_write(state_engine *engine, const canonical_states *states,
                                 uint32_t key_group, const char *path, uint64_t *out_entries,
                                 cairn_error *err)
{
    CAIRN_AUTO(byte_writer) to = {0};
    group_writer self = {
        .to = &to, .key_group = key_group, .width = state_key_group_bytes(states->max_parallelism)};

    CAIRN_TRY(byte_writer_init(&to, path, err));
    const cairn_code code = put_all(&self, engine, states, err);
    cairn_buf_release(&self.before);
    CAIRN_TRY(code);
    *out_entries = self.entries;
    return CAIRN_OK;
}
