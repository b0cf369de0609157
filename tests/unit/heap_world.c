#include "test.h"

#include "heap_world.h"

heap_db *heap_world_open(uint32_t key_groups)
{
    const heap_options options = {.range = {0, key_groups - 1}};
    heap_db *db = NULL;
    cairn_error err = {0};

    ASSERT_OK(heap_open(&options, &db, &err), &err);
    return db;
}

heap_table *heap_world_table(heap_db *db, const char *name, bool grouped)
{
    heap_table *table = NULL;
    cairn_error err = {0};

    ASSERT_OK(heap_table_create(db, name, grouped, &table, &err), &err);
    return table;
}

heap_key heap_world_key(const char *text, uint32_t key_group)
{
    return (heap_key){.bytes = cairn_slice_of(text), .key_group = key_group};
}

heap_key heap_world_number(const uint64_t *number, uint64_t key_group)
{
    return (heap_key){.bytes = {number, sizeof(*number)}, .key_group = (uint32_t)key_group};
}

void heap_world_expect(heap_table *table, const char *key, uint32_t key_group, const char *value)
{
    heap_key at = heap_world_key(key, key_group);
    cairn_slice found = {0};

    assert_int_equal(heap_get(table, &at, &found), value != NULL);
    if (value != NULL) {
        assert_int_equal(found.len, strlen(value));
        assert_memory_equal(found.data, value, found.len);
    }
}

uint8_t *heap_world_noise(void)
{
    static uint8_t noise[(size_t)1 << 20];
    uint64_t random = 88172645463325252;

    for (size_t i = 0; i < sizeof(noise); i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        noise[i] = (uint8_t)random;
    }
    return noise;
}
