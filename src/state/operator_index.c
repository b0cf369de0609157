#include "operator_index.h"

#include "errors.h"

#define FIRST_CAPACITY 16

void operator_index_release(operator_index *index)
{
    mem_free(index->slots);
    *index = (operator_index){0};
}

static size_t next_slot(const operator_index *index, size_t at)
{
    return (at + 1) & (index->capacity - 1);
}

operator_slot *operator_index_find(const operator_index *index, const operator_lookup *wanted)
{
    if (index->capacity == 0) {
        return NULL;
    }
    for (size_t at = wanted->hash & (index->capacity - 1); index->slots[at].place != 0;
         at = next_slot(index, at)) {
        operator_slot *slot = &index->slots[at];

        if (slot->hash == wanted->hash &&
            cairn_slice_equal(wanted->key_at(wanted->bytes, slot->place - 1), wanted->key)) {
            return slot;
        }
    }
    return NULL;
}

void operator_index_insert(operator_index *index, uint32_t hash, uint32_t place)
{
    CAIRN_ASSERT(index->count < index->capacity);
    size_t at = hash & (index->capacity - 1);

    while (index->slots[at].place != 0) {
        at = next_slot(index, at);
    }
    index->slots[at] = (operator_slot){hash, place + 1};
    index->count++;
}

/* At most three quarters full, so that a search ends. */
cairn_code operator_index_reserve(operator_index *index, cairn_error *err)
{
    operator_index grown = {.capacity = index->capacity == 0 ? FIRST_CAPACITY
                                                             : 2 * index->capacity};

    if (4 * (index->count + 1) <= 3 * index->capacity) {
        return CAIRN_OK;
    }
    grown.slots = mem_calloc(grown.capacity, sizeof(*grown.slots));
    if (grown.slots == NULL) {
        return error_no_memory(err, "operator state");
    }
    for (size_t i = 0; i < index->capacity; i++) {
        if (index->slots[i].place != 0) {
            operator_index_insert(&grown, index->slots[i].hash, index->slots[i].place - 1);
        }
    }
    operator_index_release(index);
    *index = grown;
    return CAIRN_OK;
}

/* Moves back what stands behind it and could not be found over a hole. */
void operator_index_remove(operator_index *index, operator_slot *slot)
{
    const size_t mask = index->capacity - 1;
    size_t hole = (size_t)(slot - index->slots);

    for (size_t at = next_slot(index, hole); index->slots[at].place != 0;
         at = next_slot(index, at)) {
        const size_t from_home = (at - index->slots[at].hash) & mask;

        if (from_home >= ((at - hole) & mask)) {
            index->slots[hole] = index->slots[at];
            hole = at;
        }
    }
    index->slots[hole] = (operator_slot){0};
    index->count--;
}
