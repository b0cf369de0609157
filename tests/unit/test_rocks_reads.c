/*
 * What a get reads from disk when the cache is much smaller than the filters: pieces of a table's
 * index and filter, never the whole of them. Counted in bytes that the process has read.
 */
#include "test.h"

#include "bounds.h"
#include "rocks.h"
#include "rocks_internal.h"
#include "tmpdir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define KEYS      350000 /* at 10 bits each their filter is larger than the smallest cache */
#define GETS      200
#define BYTES_MAX ((uint64_t)64 << 10) /* of a get, on average */

/* Bijective, so that keys of one table lie all over the range and none comes twice. */
static void make_key(uint64_t number, uint8_t key[8])
{
    const uint64_t mixed = number * 0x9e3779b97f4a7c15U;

    memcpy(key, &mixed, 8);
}

static void open_with(const char *path, uint64_t memory_bytes, rocks_db **out)
{
    cairn_error err = {0};
    const rocks_options options = {.memory_bytes = memory_bytes};

    ASSERT_OK(rocks_open(path, &options, out, &err), &err);
}

/* Filters of level 0 are kept in the cache, so all is moved below it. */
static void load(const char *path)
{
    rocks_db *db = NULL;
    cairn_error err = {0};
    uint8_t key[8];

    open_with(path, 0, &db);
    rocks_family *family = rocks_family_find(db, "default");
    for (uint64_t i = 0; i < KEYS; i++) {
        make_key(i, key);
        ASSERT_OK(rocks_put(db, family, (cairn_slice){key, 8}, (cairn_slice){key, 8}, &err), &err);
    }
    rocksdb_compact_range_cf(db->handle, family->handle, NULL, 0, NULL, 0);
    rocks_close(db);
}

/* By this process so far, from files and pipes, whether the kernel had them in memory or not. */
static uint64_t bytes_read(void)
{
    static const char label[] = "rchar: ";
    FILE *file = fopen("/proc/self/io", "re");
    char line[64] = "";

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    assert_int_equal(fclose(file), 0);
    assert_memory_equal(line, label, strlen(label));
    return strtoull(line + strlen(label), NULL, 10);
}

static void a_get_reads_little_though_the_filters_do_not_fit_in_the_cache(void **state)
{
    tmpdir *dir = tmpdir_new();
    char path[TMPDIR_PATH_BYTES];
    rocks_db *db = NULL;
    cairn_error err = {0};
    uint8_t key[8];
    (void)state;
    load(tmpdir_join(dir, "db", path));
    open_with(path, CAIRN_ROCKS_MEMORY_BYTES_MIN, &db);
    rocks_family *family = rocks_family_find(db, "default");

    const uint64_t before = bytes_read();
    for (uint64_t i = 0; i < GETS; i++) {
        cairn_slice value = {0};
        bool found = false;
        make_key(i * 2741 % KEYS, key);
        ASSERT_OK(rocks_get(db, family, (cairn_slice){key, 8}, &value, &found, &err), &err);
        assert_true(found);
    }
    const uint64_t each = (bytes_read() - before) / GETS;

    print_message("%" PRIu64 " bytes a get\n", each);
    assert_true(each > 0);
    assert_true(each <= BYTES_MAX);
    rocks_close(db);
    tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_get_reads_little_though_the_filters_do_not_fit_in_the_cache),
    };

    return cmocka_run_group_tests_name("rocks_reads", tests, NULL, NULL);
}
