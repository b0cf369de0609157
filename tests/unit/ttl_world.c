#include "test.h"

#include "ttl_world.h"

#include "check.h"
#include "state_elements.h"

#include <string.h>

const state_engine_kind *engine_kind(const char *name)
{
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        if (strcmp(state_engine_kinds[i].name, name) == 0) {
            return &state_engine_kinds[i];
        }
    }
    fail_msg("no engine %s", name);
    return NULL;
}

state_world *ttl_world_new(const char *engine)
{
    state_world *world = state_world_new(engine_kind(engine));

    assert_non_null(world);
    return world;
}

void run_script(state_world *world, const char *script)
{
    const state_subject subject = state_world_subject(world);

    assert_true(state_script_run(script, &subject));
}

cairn_value_state *open_for(state_world *world, const char *name, uint64_t ttl_ms)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *value = NULL;
    cairn_error err = {0};

    descriptor.name = name;
    descriptor.ttl.ttl_ms = ttl_ms;
    ASSERT_OK(keyed_state_open_value(world->states, &descriptor, &value, &err), &err);
    return value;
}

raw_count count_raw(state_engine *engine, const char *state, bool is_list)
{
    state_table *const table = engine->ops->find_table(engine, state);
    raw_count count = {0, 0};
    state_cursor *cursor = NULL;
    cairn_slice key;
    cairn_slice value;
    cairn_slice element;

    if (table == NULL) {
        return count;
    }
    ASSERT_OK(table->ops->scan(table, &cursor, NULL), NULL);
    while (cursor->ops->next(cursor, &key, &value)) {
        count.entries++;
        while (is_list && element_next(&value, &element)) {
            count.elements++;
        }
    }
    ASSERT_OK(cursor->ops->status(cursor, NULL), NULL);
    state_cursor_free(cursor);
    return count;
}

size_t raw_entries(const state_world *world, const char *state)
{
    return count_raw(world->engine, state, false).entries;
}

size_t raw_elements(const state_world *world, const char *state)
{
    return count_raw(world->engine, state, true).elements;
}

void write_old_and_young(state_world *world)
{
    run_script(world,
               "key a;value_t.update 1;list_t.all 1 2;map_t.put x 1;reducing_t.add 1;"
               "aggregating_t.add 1;value.update 1;advance 6;list_t.add 3;map_t.put y 2;advance 4");
}

bool only_young_ones_stand(const state_world *world, size_t others)
{
    return raw_entries(world, "value_t") == others && raw_entries(world, "list_t") == 1 + others &&
           raw_elements(world, "list_t") == 1 + others &&
           raw_entries(world, "map_t") == 1 + others &&
           raw_entries(world, "reducing_t") == others &&
           raw_entries(world, "aggregating_t") == others;
}

void write_snapshot(state_engine *engine, const tmpdir *dir, const char *name)
{
    CAIRN_AUTO_PTR(state_snapshot_free) state_snapshot *snapshot = NULL;
    const cairn_call call = {0};
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    ASSERT_OK(engine->ops->snapshot(engine, &snapshot, &err), &err);
    ASSERT_OK(snapshot->ops->write(snapshot, &call, tmpdir_join(dir, name, path), NULL, NULL, &err),
              &err);
}

/* By which time to live? The program that opens it says. */
