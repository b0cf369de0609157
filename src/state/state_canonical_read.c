#include "bounds.h"
#include "byte_stream.h"
#include "encode.h"
#include "errors.h"
#include "state_canonical.h"
#include "state_canonical_format.h"
#include "state_key.h"

#include <string.h>

#define TIME_BYTES 8 /* of a timer, in front of its key */

struct canonical_reader {
    byte_reader from;
    char *path;
    uint32_t key_group;
    uint32_t width;
    uint64_t entries;
    bool in_state;
    uint64_t state_entries; /* read of it so far */
    cairn_state_kind kind;
    char name[CAIRN_NAME_BYTES_MAX + 1]; /* "": none yet */
    cairn_buf key;                       /* with its key group in front */
    cairn_buf before;
};

void canonical_reader_free(canonical_reader *self)
{
    if (self == NULL) {
        return;
    }
    byte_reader_release(&self->from);
    cairn_buf_release(&self->key);
    cairn_buf_release(&self->before);
    mem_free(self->path);
    mem_free(self);
}

static cairn_code damaged(const canonical_reader *self, const char *what, cairn_error *err)
{
    return byte_reader_damaged(&self->from, what, err);
}

/* --- keys ------------------------------------------------------------------------------------- */

/* Behind the escaped part that begins at *at; false if it has no end. */
static bool skip_part(cairn_slice key, size_t *at)
{
    const uint8_t *const bytes = key.data;

    for (size_t i = *at; i + 1 < key.len; i++) {
        if (bytes[i] != 0x00) {
            continue;
        }
        if (bytes[i + 1] == 0x01) {
            *at = i + 2;
            return true;
        }
        if (bytes[i + 1] != 0xff) {
            return false;
        }
        i++;
    }
    return false;
}

/* How much of the key its table chains entries by (state_place.prefix_bytes). */
static bool measure_key(const canonical_reader *self, cairn_slice key, size_t *out_prefix_bytes)
{
    const bool timer = self->kind == CAIRN_STATE_TIMERS;
    size_t at = self->width + (timer ? TIME_BYTES : 0);

    if (key.len < at || !skip_part(key, &at) || !skip_part(key, &at)) {
        return false;
    }
    if (self->kind != CAIRN_STATE_MAP && at != key.len) {
        return false;
    }
    *out_prefix_bytes = timer ? self->width : at;
    return true;
}

static bool ascends(const canonical_reader *self)
{
    const size_t shared = self->before.len < self->key.len ? self->before.len : self->key.len;
    const int order = memcmp(self->before.data, self->key.data, shared);

    return order < 0 || (order == 0 && self->before.len < self->key.len);
}

static cairn_code set_key(canonical_reader *self, const uint8_t *rest, size_t len, cairn_error *err)
{
    const cairn_buf swapped = self->before;

    self->before = self->key;
    self->key = swapped;
    buf_clear(&self->key);
    for (uint32_t shift = 8 * self->width; shift > 0; shift -= 8) {
        CAIRN_TRY(buf_append_byte(&self->key, (uint8_t)(self->key_group >> (shift - 8)), err));
    }
    return buf_append(&self->key, rest, len, err);
}

/* --- parts of a file -------------------------------------------------------------------------- */

static cairn_code read_head(canonical_reader *self, cairn_error *err)
{
    cairn_slice magic = {0};
    uint64_t number = 0;

    CAIRN_TRY(byte_reader_take(&self->from, CANONICAL_MAGIC_BYTES, &magic, err));
    if (memcmp(magic.data, CANONICAL_MAGIC, CANONICAL_MAGIC_BYTES) != 0) {
        return damaged(self, "no canonical state: it begins otherwise", err);
    }
    CAIRN_TRY(byte_reader_number(&self->from, UINT64_MAX, &number, err));
    if (number != CANONICAL_FILE_VERSION) {
        return error_set(err, number == 0 ? CAIRN_E_INTEGRITY : CAIRN_E_INCOMPATIBLE,
                         "%s: canonical state of version %llu; this cairn reads version %d",
                         self->path, (unsigned long long)number, CANONICAL_FILE_VERSION);
    }
    CAIRN_TRY(byte_reader_number(&self->from, CAIRN_PARALLELISM_MAX - 1, &number, err));
    if (number != self->key_group) {
        return damaged(self, "it is of another key group", err);
    }
    CAIRN_TRY(byte_reader_number(&self->from, UINT64_MAX, &number, err));
    return number == self->width ? CAIRN_OK
                                 : damaged(self, "its key groups have another width", err);
}

static cairn_code read_name(canonical_reader *self, cairn_error *err)
{
    char name[CAIRN_NAME_BYTES_MAX + 1];
    uint64_t len = 0;
    cairn_slice bytes = {0};

    CAIRN_TRY(byte_reader_number(&self->from, CAIRN_NAME_BYTES_MAX, &len, err));
    CAIRN_TRY(byte_reader_take(&self->from, (size_t)len, &bytes, err));
    if (!is_safe_name(bytes)) {
        return damaged(self, "a state has no safe name", err);
    }
    memcpy(name, bytes.data, bytes.len);
    name[bytes.len] = '\0';
    if (strcmp(self->name, name) >= 0) {
        return damaged(self, "its states are not in order", err);
    }
    memcpy(self->name, name, bytes.len + 1);
    self->in_state = true;
    self->state_entries = 0;
    return CAIRN_OK;
}

static cairn_code read_end(canonical_reader *self, cairn_error *err)
{
    uint64_t entries = 0;

    CAIRN_TRY(byte_reader_number(&self->from, UINT64_MAX, &entries, err));
    if (entries != self->entries || entries == 0) {
        return damaged(self, "it has another number of entries than it says", err);
    }
    return byte_reader_finish(&self->from, err);
}

static cairn_code end_state(canonical_reader *self, cairn_error *err)
{
    self->in_state = false;
    return self->state_entries > 0 ? CAIRN_OK
                                   : damaged(self, "it names a state without entries", err);
}

static cairn_code read_entry(canonical_reader *self, size_t key_bytes, canonical_entry *out,
                             cairn_error *err)
{
    uint64_t value_bytes = 0;
    size_t prefix_bytes = 0;
    cairn_slice both = {0};

    CAIRN_TRY(byte_reader_number(&self->from, CAIRN_VALUE_BYTES_MAX, &value_bytes, err));
    CAIRN_TRY(byte_reader_take(&self->from, key_bytes + (size_t)value_bytes, &both, err));
    CAIRN_TRY(set_key(self, both.data, key_bytes, err));
    const cairn_slice key = cairn_buf_slice(&self->key);
    if (!measure_key(self, key, &prefix_bytes)) {
        return damaged(self, "a key is not one of its kind of state", err);
    }
    if (self->state_entries > 0 && !ascends(self)) {
        return damaged(self, "its keys are not in order", err);
    }
    self->state_entries++;
    self->entries++;
    *out = (canonical_entry){.state = self->name,
                             .kind = self->kind,
                             .place = {key, self->key_group, prefix_bytes},
                             .value = {(const uint8_t *)both.data + key_bytes, value_bytes}};
    return CAIRN_OK;
}

/* To the next state; *out_any is false behind the last. */
static cairn_code enter_state(canonical_reader *self, bool *out_any, cairn_error *err)
{
    uint64_t mark = 0;

    CAIRN_TRY(byte_reader_number(&self->from, CAIRN_STATE_TIMERS + 1, &mark, err));
    *out_any = mark != CANONICAL_END;
    if (mark == CANONICAL_END) {
        return read_end(self, err);
    }
    self->kind = (cairn_state_kind)(mark - 1);
    return read_name(self, err);
}

cairn_code canonical_reader_next(canonical_reader *self, canonical_entry *out, bool *out_found,
                                 cairn_error *err)
{
    uint64_t key_bytes = 0;
    bool any = true;

    for (;;) {
        if (!self->in_state) {
            CAIRN_TRY(enter_state(self, &any, err));
        }
        if (!any) {
            *out_found = false;
            return CAIRN_OK;
        }
        CAIRN_TRY(byte_reader_number(&self->from, CAIRN_HEAP_KEY_BYTES_MAX - self->width + 1,
                                     &key_bytes, err));
        if (key_bytes > 0) {
            CAIRN_TRY(read_entry(self, (size_t)key_bytes - 1, out, err));
            *out_found = true;
            return CAIRN_OK;
        }
        CAIRN_TRY(end_state(self, err));
    }
}

cairn_code canonical_reader_open(const char *path, const canonical_states *states,
                                 uint32_t key_group, canonical_reader **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(canonical_reader_free) canonical_reader *self = mem_calloc(1, sizeof *self);

    if (self == NULL) {
        return error_no_memory(err, path);
    }
    self->path = mem_strdup(path);
    if (self->path == NULL) {
        return error_no_memory(err, path);
    }
    self->key_group = key_group;
    self->width = state_key_group_bytes(states->max_parallelism);
    CAIRN_TRY(byte_reader_init(&self->from, self->path,
                               CAIRN_HEAP_KEY_BYTES_MAX + CAIRN_VALUE_BYTES_MAX, err));
    CAIRN_TRY(read_head(self, err));
    *out = CAIRN_TAKE(self);
    return CAIRN_OK;
}
