#include <cairn/state.h>

#include "bounds.h"
#include "hash.h"

/* Fixed for ever: another seed would scatter the keys of every stored checkpoint. */
#define KEY_GROUP_SEED 0

uint32_t cairn_key_group_of(cairn_slice key, uint32_t max_parallelism)
{
    return max_parallelism == 0 ? 0 : hash_murmur3_x86_32(key, KEY_GROUP_SEED) % max_parallelism;
}

cairn_key_group_range cairn_key_groups_of_subtask(uint32_t index, uint32_t parallelism,
                                                  uint32_t max_parallelism)
{
    uint64_t max = max_parallelism;

    if (index >= parallelism || parallelism > max_parallelism ||
        max_parallelism > CAIRN_PARALLELISM_MAX) {
        return (cairn_key_group_range){1, 0};
    }
    return (cairn_key_group_range){(uint32_t)((index * max + parallelism - 1) / parallelism),
                                   (uint32_t)(((index + UINT64_C(1)) * max - 1) / parallelism)};
}
