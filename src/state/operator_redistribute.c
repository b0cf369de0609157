#include "operator_redistribute.h"

#include "bounds.h"
#include "errors.h"
#include "state_elements.h"

#include <string.h>

/* All states by name, going through the parents side by side: each is sorted. */
typedef struct merge {
    const operator_image *parents;
    const operator_place *place;
    size_t *next;                            /* of each parent */
    const operator_image_state **of_parents; /* the state of the current name; NULL: it has none */
    uint32_t start; /* the subtask that gets the first chunk of the next list */
    operator_image_state *out;
} merge;

static const operator_image_state *peek(const merge *self, uint32_t parent)
{
    const operator_image *image = &self->parents[parent];

    return self->next[parent] < image->count ? &image->states[self->next[parent]] : NULL;
}

static bool same_form(const cairn_operator_state_info *a, const cairn_operator_state_info *b)
{
    return a->mode == b->mode && a->key_serializer.version == b->key_serializer.version &&
           a->value_serializer.version == b->value_serializer.version &&
           strcmp(a->key_serializer.id, b->key_serializer.id) == 0 &&
           strcmp(a->value_serializer.id, b->value_serializer.id) == 0;
}

/* The least name that is left, and every parent's state of it; NULL at the end. */
static const operator_image_state *advance(merge *self)
{
    const operator_image_state *least = NULL;

    for (uint32_t i = 0; i < self->place->old_parallelism; i++) {
        const operator_image_state *state = peek(self, i);

        if (state != NULL && (least == NULL || strcmp(state->info.name, least->info.name) < 0)) {
            least = state;
        }
    }
    for (uint32_t i = 0; least != NULL && i < self->place->old_parallelism; i++) {
        const operator_image_state *state = peek(self, i);
        const bool is_it = state != NULL && strcmp(state->info.name, least->info.name) == 0;

        self->of_parents[i] = is_it ? state : NULL;
        self->next[i] += is_it;
    }
    return least;
}

static cairn_code check_forms(const merge *self, const operator_image_state *state,
                              cairn_error *err)
{
    for (uint32_t i = 0; i < self->place->old_parallelism; i++) {
        const operator_image_state *other = self->of_parents[i];

        if (other != NULL && !same_form(&state->info, &other->info)) {
            return error_set(err, CAIRN_E_INTEGRITY,
                             "operator state '%s' is of another mode or serializer in subtask %u",
                             state->info.name, i);
        }
    }
    return CAIRN_OK;
}

static cairn_code give(merge *self, cairn_slice bytes, uint64_t elements, cairn_error *err)
{
    cairn_operator_state_info *info = &self->out->info;
    const cairn_code code = buf_append(&self->out->bytes, bytes.data, bytes.len, err);

    info->elements += elements;
    if (code == CAIRN_E_LIMIT || info->elements > CAIRN_OPERATOR_ELEMENTS_MAX) {
        return error_set(err, CAIRN_E_LIMIT,
                         "operator state '%s': a subtask would get more than %zu bytes or %llu "
                         "elements",
                         info->name, CAIRN_OPERATOR_BYTES_MAX,
                         (unsigned long long)CAIRN_OPERATOR_ELEMENTS_MAX);
    }
    return code;
}

static cairn_code give_whole(merge *self, const operator_image_state *state, cairn_error *err)
{
    return state == NULL ? CAIRN_OK
                         : give(self, cairn_buf_slice(&state->bytes), state->info.elements, err);
}

static cairn_code give_all(merge *self, cairn_error *err)
{
    for (uint32_t i = 0; i < self->place->old_parallelism; i++) {
        CAIRN_TRY(give_whole(self, self->of_parents[i], err));
    }
    return CAIRN_OK;
}

/* The (index mod n)-th of the n that have it. */
static cairn_code give_copy(merge *self, cairn_error *err)
{
    const operator_place *place = self->place;
    uint32_t count = 0;
    uint32_t wanted;

    for (uint32_t i = 0; i < place->old_parallelism; i++) {
        count += self->of_parents[i] != NULL;
    }
    CAIRN_ASSERT(count > 0);
    wanted = place->index % count;
    for (uint32_t i = 0; i < place->old_parallelism; i++) {
        if (self->of_parents[i] != NULL && wanted-- == 0) {
            return give_whole(self, self->of_parents[i], err);
        }
    }
    return CAIRN_OK;
}

/* Elements [first, end) of one list, whose first one has the number `at`. */
static cairn_code give_part(merge *self, const operator_image_state *state, uint64_t at,
                            const uint64_t range[2], cairn_error *err)
{
    cairn_slice rest = cairn_buf_slice(&state->bytes);
    cairn_slice before = rest;
    cairn_slice element;

    for (; element_next(&rest, &element); at++) {
        const cairn_slice whole = {before.data, before.len - rest.len};

        if (at >= range[0] && at < range[1]) {
            CAIRN_TRY(give(self, whole, 1, err));
        }
        before = rest;
    }
    return CAIRN_OK;
}

/* The same of all parents' lists, joined. */
static cairn_code give_range(merge *self, const uint64_t range[2], cairn_error *err)
{
    uint64_t at = 0;

    for (uint32_t i = 0; i < self->place->old_parallelism; i++) {
        const operator_image_state *state = self->of_parents[i];

        if (state != NULL) {
            CAIRN_TRY(give_part(self, state, at, range, err));
            at += state->info.elements;
        }
    }
    return CAIRN_OK;
}

/* Chunk c goes to subtask (start + c) mod parallelism; the first `longer` chunks hold one more. */
static cairn_code give_chunk(merge *self, cairn_error *err)
{
    const operator_place *place = self->place;
    uint64_t elements = 0;

    for (uint32_t i = 0; i < place->old_parallelism; i++) {
        elements += self->of_parents[i] == NULL ? 0 : self->of_parents[i]->info.elements;
    }
    const uint64_t least = elements / place->parallelism;
    const uint64_t longer = elements % place->parallelism;
    const uint64_t chunk = ((uint64_t)place->index + place->parallelism - self->start) %
                           place->parallelism;
    const uint64_t first = chunk * least + (chunk < longer ? chunk : longer);
    self->start = (uint32_t)((self->start + longer) % place->parallelism);
    return give_range(self, (const uint64_t[]){first, first + least + (chunk < longer)}, err);
}

static cairn_code share_out(merge *self, cairn_error *err)
{
    const operator_place *place = self->place;
    const bool same = place->parallelism == place->old_parallelism;

    switch (self->out->info.mode) {
    case CAIRN_OPERATOR_UNION:
        return give_all(self, err);
    case CAIRN_OPERATOR_LIST:
        return same ? give_whole(self, self->of_parents[place->index], err) : give_chunk(self, err);
    case CAIRN_OPERATOR_BROADCAST:
        return same ? give_whole(self, self->of_parents[place->index], err) : give_copy(self, err);
    }
    return error_set(err, CAIRN_E_INTERNAL, "operator state '%s' has no mode",
                     self->out->info.name);
}

static cairn_code merge_all(merge *self, operator_image *out, cairn_error *err)
{
    for (const operator_image_state *state = advance(self); state != NULL; state = advance(self)) {
        CAIRN_TRY(check_forms(self, state, err));
        if (out->count == CAIRN_STATES_MAX) {
            return error_set(err, CAIRN_E_LIMIT, "more than %d operator states", CAIRN_STATES_MAX);
        }
        self->out = &out->states[out->count];
        CAIRN_TRY(operator_state_info_copy(&state->info, &self->out->info, err));
        out->count++;
        self->out->info.elements = 0;
        cairn_buf_init(&self->out->bytes, CAIRN_OPERATOR_BYTES_MAX);
        CAIRN_TRY(share_out(self, err));
    }
    return CAIRN_OK;
}

cairn_code operator_redistribute(const operator_image *parents, const operator_place *place,
                                 operator_image *out, cairn_error *err)
{
    CAIRN_AUTO(operator_image) image = {0};
    size_t *next CAIRN_AUTO_FREE = mem_calloc(place->old_parallelism, sizeof(*next));
    const operator_image_state **of_parents CAIRN_AUTO_FREE =
        mem_calloc(place->old_parallelism, sizeof(operator_image_state *));
    merge self = {.parents = parents, .place = place, .next = next, .of_parents = of_parents};

    CAIRN_ASSERT(place->index < place->parallelism);
    image.states = mem_calloc(CAIRN_STATES_MAX, sizeof(*image.states));
    if (next == NULL || of_parents == NULL || image.states == NULL) {
        return error_no_memory(err, "operator state");
    }
    CAIRN_TRY(merge_all(&self, &image, err));
    *out = operator_image_take(&image);
    return CAIRN_OK;
}
