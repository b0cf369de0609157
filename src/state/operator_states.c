#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "operator_states_impl.h"

#include <string.h>

static void state_free(operator_state *state)
{
    if (state == NULL) {
        return;
    }
    operator_state_info_release(&state->info);
    operator_bytes_release(&state->bytes);
    operator_index_release(&state->index);
    cairn_buf_release(&state->scratch);
    mem_free(state);
}
CAIRN_DEFINE_AUTO_PTR(operator_state, state_free)

void operator_states_free(operator_states *states)
{
    if (states == NULL) {
        return;
    }
    for (size_t i = 0; i < states->count; i++) {
        state_free(states->items[i]);
    }
    mem_free(states->items);
    mem_free(states);
}

/* --- sizes ------------------------------------------------------------------------------------ */

cairn_code operator_change_check(const operator_state *state, const operator_change *change,
                                 cairn_error *err)
{
    const operator_states *owner = state->owner;
    const size_t bytes_kept = owner->file_bytes - change->bytes_gone;
    const uint64_t elements_kept = owner->elements - change->elements_gone;

    if (change->bytes_come > CAIRN_OPERATOR_BYTES_MAX - bytes_kept ||
        change->elements_come > CAIRN_OPERATOR_ELEMENTS_MAX - elements_kept) {
        return error_set(err, CAIRN_E_LIMIT,
                         "write operator state '%s': %zu bytes more than the %zu and %llu elements "
                         "more than the %llu that are there; a subtask holds at most %zu bytes "
                         "and %llu elements",
                         state->info.name, change->bytes_come, bytes_kept,
                         (unsigned long long)change->elements_come,
                         (unsigned long long)elements_kept, CAIRN_OPERATOR_BYTES_MAX,
                         (unsigned long long)CAIRN_OPERATOR_ELEMENTS_MAX);
    }
    return CAIRN_OK;
}

void operator_change_note(operator_state *state, const operator_change *change)
{
    operator_states *owner = state->owner;

    state->file_bytes += change->bytes_come - change->bytes_gone;
    state->info.elements += change->elements_come - change->elements_gone;
    owner->file_bytes += change->bytes_come - change->bytes_gone;
    owner->elements += change->elements_come - change->elements_gone;
}

cairn_code operator_slice_check(const operator_state *state, cairn_slice slice, cairn_error *err)
{
    if (slice.data == NULL && slice.len > 0) {
        return error_set(err, CAIRN_E_INVALID, "operator state '%s': %zu bytes at NULL",
                         state->info.name, slice.len);
    }
    if (slice.len > CAIRN_OPERATOR_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT,
                         "write operator state '%s': %zu bytes; a subtask holds at most %zu",
                         state->info.name, slice.len, CAIRN_OPERATOR_BYTES_MAX);
    }
    return CAIRN_OK;
}

/* --- the states by name ----------------------------------------------------------------------- */

static size_t find(const operator_states *states, const char *name, bool *out_found)
{
    size_t low = 0;
    size_t high = states->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (strcmp(states->items[middle]->info.name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_found = low < states->count && strcmp(states->items[low]->info.name, name) == 0;
    return low;
}

static cairn_code reserve(operator_states *states, cairn_error *err)
{
    const size_t capacity = states->capacity == 0 ? 4 : 2 * states->capacity;

    if (states->count == CAIRN_STATES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "more than %d operator states", CAIRN_STATES_MAX);
    }
    if (states->count < states->capacity) {
        return CAIRN_OK;
    }
    operator_state **items = mem_realloc_array(states->items, capacity, sizeof(operator_state *));
    if (items == NULL) {
        return error_no_memory(err, "operator state");
    }
    states->items = items;
    states->capacity = capacity;
    return CAIRN_OK;
}

static cairn_code add_new(operator_states *states, size_t place,
                          const cairn_operator_state_info *info, cairn_error *err)
{
    CAIRN_AUTO_PTR(state_free) operator_state *state = mem_calloc(1, sizeof(*state));

    if (state == NULL) {
        return error_no_memory(err, "operator state");
    }
    state->owner = states;
    cairn_buf_init(&state->scratch, 2 * CAIRN_OPERATOR_BYTES_MAX);
    CAIRN_TRY(operator_state_info_copy(info, &state->info, err));
    state->info.elements = 0;
    CAIRN_TRY(reserve(states, err));
    memmove(states->items + place + 1, states->items + place,
            (states->count - place) * sizeof(operator_state *));
    states->items[place] = CAIRN_TAKE(state);
    states->count++;
    return CAIRN_OK;
}

/* --- restored --------------------------------------------------------------------------------- */

static cairn_code load_list(operator_state *state, const operator_change *change, cairn_slice bytes,
                            cairn_error *err)
{
    CAIRN_TRY(operator_bytes_reserve(&state->bytes, bytes.len, err));
    operator_bytes_append(&state->bytes, bytes);
    operator_change_note(state, change);
    return CAIRN_OK;
}

static cairn_code load(operator_states *states, const operator_image_state *from, cairn_error *err)
{
    const cairn_slice bytes = cairn_buf_slice(&from->bytes);
    const operator_change change = {.bytes_come = bytes.len, .elements_come = from->info.elements};
    bool found = false;
    const size_t place = find(states, from->info.name, &found);

    CAIRN_ASSERT(!found);
    CAIRN_TRY(add_new(states, place, &from->info, err));
    operator_state *state = states->items[place];
    CAIRN_TRY(operator_change_check(state, &change, err));
    return from->info.mode == CAIRN_OPERATOR_BROADCAST ? operator_broadcast_load(state, bytes, err)
                                                       : load_list(state, &change, bytes, err);
}

cairn_code operator_states_new(const operator_image *image, operator_states **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(operator_states_free) operator_states *states = mem_calloc(1, sizeof(*states));

    if (states == NULL) {
        return error_no_memory(err, "operator state");
    }
    for (size_t i = 0; image != NULL && i < image->count; i++) {
        CAIRN_TRY(load(states, &image->states[i], err));
    }
    *out = CAIRN_TAKE(states);
    return CAIRN_OK;
}

/* --- open ------------------------------------------------------------------------------------- */

static cairn_code check_name(const char *what, const char *name, cairn_error *err)
{
    if (name == NULL || !is_safe_name(cairn_slice_of(name))) {
        return error_set(err, CAIRN_E_INVALID,
                         "open an operator state: its %s must match [A-Za-z0-9._-]{1,255}", what);
    }
    return CAIRN_OK;
}

static cairn_code check_descriptor(const cairn_operator_descriptor *descriptor, cairn_error *err)
{
    if (descriptor == NULL || descriptor->version != CAIRN_OPERATOR_DESCRIPTOR_VERSION) {
        return error_set(err, CAIRN_E_INVALID,
                         "open an operator state: it needs a descriptor of version %d",
                         CAIRN_OPERATOR_DESCRIPTOR_VERSION);
    }
    CAIRN_TRY(check_name("name", descriptor->name, err));
    CAIRN_TRY(check_name("key serializer", descriptor->key_serializer, err));
    return check_name("value serializer", descriptor->value_serializer, err);
}

/* Borrows the texts of the descriptor. */
static cairn_operator_state_info describe(const cairn_operator_descriptor *from,
                                          cairn_operator_mode mode)
{
    return (cairn_operator_state_info){
        .name = (char *)(uintptr_t)from->name,
        .mode = mode,
        .key_serializer = {(char *)(uintptr_t)from->key_serializer, from->key_serializer_version},
        .value_serializer = {(char *)(uintptr_t)from->value_serializer,
                             from->value_serializer_version},
    };
}

static cairn_code compare_serializer(const char *state, const char *what,
                                     const cairn_serializer_id *stored,
                                     const cairn_serializer_id *asked, cairn_error *err)
{
    if (stored->version != asked->version || strcmp(stored->id, asked->id) != 0) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "open operator state '%s': its %s serializer is %s version %u, not %s "
                         "version %u",
                         state, what, stored->id, stored->version, asked->id, asked->version);
    }
    return CAIRN_OK;
}

static cairn_code compare(const cairn_operator_state_info *stored,
                          const cairn_operator_state_info *asked, cairn_error *err)
{
    if (stored->mode != asked->mode) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "open operator state '%s': its mode is %s, not %s", stored->name,
                         operator_mode_name(stored->mode), operator_mode_name(asked->mode));
    }
    CAIRN_TRY(compare_serializer(stored->name, "key", &stored->key_serializer,
                                 &asked->key_serializer, err));
    return compare_serializer(stored->name, "value", &stored->value_serializer,
                              &asked->value_serializer, err);
}

static cairn_code open_state(operator_states *states, const cairn_operator_descriptor *descriptor,
                             cairn_operator_mode mode, operator_state **out, cairn_error *err)
{
    bool found = false;

    CAIRN_TRY(check_descriptor(descriptor, err));
    const cairn_operator_state_info asked = describe(descriptor, mode);
    const size_t place = find(states, descriptor->name, &found);
    CAIRN_TRY(found ? compare(&states->items[place]->info, &asked, err)
                    : add_new(states, place, &asked, err));
    *out = states->items[place];
    return CAIRN_OK;
}

cairn_code operator_states_open_list(operator_states *states,
                                     const cairn_operator_descriptor *descriptor,
                                     cairn_operator_mode mode, cairn_operator_list **out,
                                     cairn_error *err)
{
    operator_state *state = NULL;

    CAIRN_TRY(open_state(states, descriptor, mode, &state, err));
    *out = (cairn_operator_list *)state;
    return CAIRN_OK;
}

cairn_code operator_states_open_broadcast(operator_states *states,
                                          const cairn_operator_descriptor *descriptor,
                                          cairn_broadcast **out, cairn_error *err)
{
    operator_state *state = NULL;

    CAIRN_TRY(open_state(states, descriptor, CAIRN_OPERATOR_BROADCAST, &state, err));
    *out = (cairn_broadcast *)state;
    return CAIRN_OK;
}
