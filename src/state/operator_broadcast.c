/* Broadcast maps: a log of puts and removes (operator_log.h), and an index of what lives in it. */
#include "bounds.h"
#include "errors.h"
#include "hash.h"
#include "operator_log.h"
#include "operator_states_impl.h"
#include "state_elements.h"
#include "state_handle.h"

_Static_assert(4 * CAIRN_OPERATOR_BYTES_MAX + CAIRN_OPERATOR_DEAD_BYTES < UINT32_MAX,
               "a place in a log has 32 bits");

static cairn_code check(const cairn_broadcast *state, bool valid, cairn_error *err)
{
    if (state == NULL || !valid) {
        return error_set(err, CAIRN_E_INVALID, "broadcast map: an argument is NULL");
    }
    return CAIRN_OK;
}

static uint32_t hash_of(cairn_slice key)
{
    return hash_murmur3_x86_32(key, 0);
}

static operator_slot *find(const operator_state *self, cairn_slice key)
{
    const operator_lookup wanted = {.key = key,
                                    .hash = hash_of(key),
                                    .key_at = operator_record_key,
                                    .bytes = operator_bytes_slice(&self->bytes)};

    return operator_index_find(&self->index, &wanted);
}

static operator_record record_of(const operator_state *self, const operator_slot *slot)
{
    return operator_record_at(operator_bytes_slice(&self->bytes), slot->place - 1);
}

cairn_code cairn_broadcast_get(const cairn_broadcast *state, cairn_slice key, cairn_slice *out,
                               bool *out_found, cairn_error *err)
{
    const operator_state *self = (const operator_state *)state;

    CAIRN_TRY(check(state, out != NULL && out_found != NULL, err));
    CAIRN_TRY(operator_slice_check(self, key, err));
    const operator_slot *slot = find(self, key);
    *out_found = slot != NULL;
    if (slot != NULL) {
        *out = record_of(self, slot).value;
    }
    return CAIRN_OK;
}

uint64_t cairn_broadcast_count(const cairn_broadcast *state)
{
    return state == NULL ? 0 : ((const operator_state *)state)->info.elements;
}

/* --- the log ---------------------------------------------------------------------------------- */

/* Appends the record that stands encoded in the scratch buffer. Nothing fails any more. */
static void append(operator_state *self)
{
    const cairn_slice encoded = cairn_buf_slice(&self->scratch);
    const operator_record record = operator_record_at(encoded, 0);
    operator_slot *slot = find(self, record.key);

    if (record.removed) {
        operator_index_remove(&self->index, slot);
    } else if (slot != NULL) {
        slot->place = (uint32_t)self->bytes.len + 1;
    } else {
        operator_index_insert(&self->index, hash_of(record.key), (uint32_t)self->bytes.len);
    }
    operator_bytes_append(&self->bytes, encoded);
}

/* A record has one byte more than its elements in the file. */
static size_t live_bytes(const operator_state *self)
{
    return self->file_bytes + (size_t)self->info.elements;
}

/* The live records alone, in new bytes; shares of the old ones stay. */
static cairn_code rewrite(operator_state *self, cairn_error *err)
{
    CAIRN_AUTO(operator_bytes) bytes = {0};
    const cairn_slice log = operator_bytes_slice(&self->bytes);

    CAIRN_TRY(operator_bytes_reserve(&bytes, live_bytes(self), err));
    for (size_t i = 0; i < self->index.capacity; i++) {
        operator_slot *slot = &self->index.slots[i];

        if (slot->place != 0) {
            const uint32_t place = slot->place - 1;
            const uint8_t *record = (const uint8_t *)log.data + place;

            slot->place = (uint32_t)bytes.len + 1;
            operator_bytes_append(&bytes,
                                  (cairn_slice){record, operator_record_at(log, place).bytes});
        }
    }
    operator_bytes_release(&self->bytes);
    self->bytes = bytes;
    bytes = (operator_bytes){0};
    return CAIRN_OK;
}

/* What is dead takes at most as much as what lives, and a little more. */
static cairn_code make_room(operator_state *self, cairn_error *err)
{
    if (self->bytes.len > 2 * live_bytes(self) + CAIRN_OPERATOR_DEAD_BYTES) {
        CAIRN_TRY(rewrite(self, err));
    }
    CAIRN_TRY(operator_index_reserve(&self->index, err));
    return operator_bytes_reserve(&self->bytes, self->scratch.len, err);
}

static cairn_code log_record(operator_state *self, const operator_record *record, cairn_error *err)
{
    state_scratch_clear(&self->scratch);
    CAIRN_TRY(operator_record_append(&self->scratch, record, err));
    CAIRN_TRY(make_room(self, err));
    append(self);
    return CAIRN_OK;
}

/* --- changes ---------------------------------------------------------------------------------- */

static operator_change without(const operator_state *self, const operator_slot *slot)
{
    operator_change change = {0};

    if (slot != NULL) {
        const operator_record record = record_of(self, slot);

        change.bytes_gone = operator_record_file_bytes(&record);
        change.elements_gone = 1;
    }
    return change;
}

cairn_code cairn_broadcast_put(cairn_broadcast *state, cairn_slice key, cairn_slice value,
                               cairn_error *err)
{
    operator_state *self = (operator_state *)state;
    const operator_record record = {.key = key, .value = value};

    CAIRN_TRY(check(state, true, err));
    CAIRN_TRY(operator_slice_check(self, key, err));
    CAIRN_TRY(operator_slice_check(self, value, err));
    operator_change change = without(self, find(self, key));
    change.bytes_come = operator_record_file_bytes(&record);
    change.elements_come = 1;
    CAIRN_TRY(operator_change_check(self, &change, err));
    CAIRN_TRY(log_record(self, &record, err));
    operator_change_note(self, &change);
    return CAIRN_OK;
}

cairn_code cairn_broadcast_remove(cairn_broadcast *state, cairn_slice key, cairn_error *err)
{
    operator_state *self = (operator_state *)state;
    const operator_record record = {.key = key, .removed = true};

    CAIRN_TRY(check(state, true, err));
    CAIRN_TRY(operator_slice_check(self, key, err));
    const operator_change change = without(self, find(self, key));
    if (change.elements_gone == 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(log_record(self, &record, err));
    operator_change_note(self, &change);
    return CAIRN_OK;
}

cairn_code cairn_broadcast_clear(cairn_broadcast *state, cairn_error *err)
{
    operator_state *self = (operator_state *)state;

    CAIRN_TRY(check(state, true, err));
    const operator_change change = {.bytes_gone = self->file_bytes,
                                    .elements_gone = self->info.elements};
    operator_bytes_release(&self->bytes);
    operator_index_release(&self->index);
    operator_change_note(self, &change);
    return CAIRN_OK;
}

cairn_code operator_broadcast_load(operator_state *state, cairn_slice bytes, cairn_error *err)
{
    cairn_slice rest = bytes;
    operator_record record = {0};

    while (element_next(&rest, &record.key) && element_next(&rest, &record.value)) {
        const operator_change change = {.bytes_come = operator_record_file_bytes(&record),
                                        .elements_come = 1};

        CAIRN_TRY(log_record(state, &record, err));
        operator_change_note(state, &change);
    }
    return CAIRN_OK;
}

/* --- visit ------------------------------------------------------------------------------------ */

cairn_code cairn_broadcast_visit(const cairn_broadcast *state, cairn_broadcast_visit_fn visit,
                                 void *context, cairn_error *err)
{
    CAIRN_AUTO(operator_bytes) bytes = {0};
    const operator_state *self = (const operator_state *)state;
    size_t count = 0;

    CAIRN_TRY(check(state, visit != NULL, err));
    uint32_t *places CAIRN_AUTO_FREE = mem_calloc(self->index.count, sizeof(*places));
    if (places == NULL) {
        return error_no_memory(err, "broadcast map");
    }
    for (size_t i = 0; i < self->index.capacity; i++) {
        if (self->index.slots[i].place != 0) {
            places[count++] = self->index.slots[i].place - 1;
        }
    }
    bytes = operator_bytes_share(&self->bytes); /* stays while `visit` changes the map */
    for (size_t i = 0; i < count; i++) {
        const operator_record record = operator_record_at(operator_bytes_slice(&bytes), places[i]);

        CAIRN_TRY(visit(context, record.key, record.value, err));
    }
    return CAIRN_OK;
}
