/* Times to live in RocksDB: what compactions drop, and when. */
#include "test.h"

#include "check.h"
#include "clock.h"
#include "fsutil.h"
#include "rocks_internal.h"
#include "state_stamp.h"
#include "state_ttl_form.h"
#include "ttl_world.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS_MAX     400
#define ROUND_SLEEP_MS 5

/* A file in level 0 of each family with a time to live. */
static void flush_round(state_world *world, int round)
{
    char name[32];

    run_script(world, "key b;value_t.update 1;list_t.update 1;map_t.put x 1;reducing_t.clear;"
                      "reducing_t.add 1;aggregating_t.clear;aggregating_t.add 1;value.update 1");
    (void)snprintf(name, sizeof(name), "round-%d", round);
    write_snapshot(world->engine, world->dir, name);
}

static void compactions_of_rocksdb_drop_what_has_expired(void **state)
{
    state_world *world = ttl_world_new("rocksdb");
    int round = 0;

    (void)state;
    write_old_and_young(world);

    /* The first compaction joins the appends of a list, a later one looks into it. */
    for (; round < ROUNDS_MAX && !only_young_ones_stand(world, 1); round++) {
        flush_round(world, round);
        clock_sleep_ms(ROUND_SLEEP_MS);
    }

    assert_true(only_young_ones_stand(world, 1));
    assert_int_equal(raw_entries(world, "value"), 2);
    run_script(world, "key a;list_t.get => 3;map_t.entries => y=2;value.get => 1;restore;key a;"
                      "list_t.get => 3;map_t.entries => y=2;value.get => 1");
    state_world_free(world);
}

/* How often the newest options file of a database says so. */
static size_t count_in_options(const char *dir, const char *text)
{
    CAIRN_AUTO(fs_names) names = {0};
    CAIRN_AUTO(cairn_buf) options = {0};
    CAIRN_AUTO_FREE char *path = NULL;
    const char *newest = NULL;
    size_t count = 0;

    ASSERT_OK(fs_list(dir, &names, NULL), NULL);
    for (size_t i = 0; i < names.count; i++) {
        newest = strncmp(names.items[i], "OPTIONS-", 8) == 0 ? names.items[i] : newest;
    }
    assert_non_null(newest);
    ASSERT_OK(fs_join(dir, newest, &path, NULL), NULL);
    ASSERT_OK(fs_read_file(path, (size_t)16 << 20, &options, NULL), NULL);
    for (const char *at = buf_text(&options); (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

static void files_of_families_that_expire_are_compacted_by_age(void **state)
{
    state_world *world = ttl_world_new("rocksdb");
    char path[TMPDIR_PATH_BYTES];

    (void)state;
    run_script(world, "key a;value_t.update 1;value_r.update 1;value_s.update 1");
    write_snapshot(world->engine, world->dir, "links");
    (void)tmpdir_join(world->dir, "links", path);

    /* Those of the states with a time to live, of all and of the family that RocksDB makes. */
    assert_int_equal(count_in_options(path, "periodic_compaction_seconds=2592000"),
                     (STATE_GROUPS - STATE_GROUP_WRITES) * STATE_KINDS);
    assert_int_equal(count_in_options(path, "periodic_compaction_seconds=0"),
                     STATE_GROUP_WRITES * STATE_KINDS + 1);
    state_world_free(world);
}

static void no_compaction_judges_by_a_time_after_the_barrier(void **state)
{
    CAIRN_AUTO_PTR(rocks_close) rocks_db *db = NULL;
    tmpdir *dir = tmpdir_new();
    static const rocks_options small = {.memory_bytes = (uint64_t)32 << 20};
    static const uint8_t stamped[STATE_STAMP_BYTES] = {0};
    const entry_filter filter = {ttl_judge_value, 1, {NULL, NULL}};
    const cairn_slice key = cairn_slice_of("k");
    rocks_family *family = NULL;
    cairn_slice value;
    char path[TMPDIR_PATH_BYTES];
    bool found = false;

    (void)state;
    ASSERT_OK(rocks_open(tmpdir_join(dir, "db", path), &small, &db, NULL), NULL);
    ASSERT_OK(rocks_family_create(db, "f", &family, NULL), NULL);
    ASSERT_OK(rocks_put(db, family, key, (cairn_slice){stamped, sizeof(stamped)}, NULL), NULL);
    rocks_filter_hold(family->filter); /* before there is a judge: nothing expires */
    rocks_family_set_filter(db, family, &filter);

    rocksdb_compact_range_cf(db->handle, family->handle, NULL, 0, NULL, 0);
    ASSERT_OK(rocks_get(db, family, key, &value, &found, NULL), NULL);
    assert_true(found);

    rocks_filter_release(family->filter);
    rocksdb_compact_range_cf(db->handle, family->handle, NULL, 0, NULL, 0);
    ASSERT_OK(rocks_get(db, family, key, &value, &found, NULL), NULL);
    assert_false(found);
    rocks_close(CAIRN_TAKE(db));
    tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compactions_of_rocksdb_drop_what_has_expired),
        cmocka_unit_test(no_compaction_judges_by_a_time_after_the_barrier),
        cmocka_unit_test(files_of_families_that_expire_are_compacted_by_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
