#include "test.h"

#include "keyed_world.h"

#define MEMORY_BYTES ((uint64_t)32 << 20)

const keyed_state_options keyed_world_whole = {.max_parallelism = 128, .range = {0, 127}};

static void open_states(keyed_world *world, const cairn_state_info *restored, size_t count)
{
    keyed_state_options options = keyed_world_whole;
    cairn_error err = {0};

    options.engine = world->engine;
    options.restored = restored;
    options.restored_count = count;
    ASSERT_OK(keyed_state_new(&options, &world->states, &err), &err);
}

int keyed_world_setup(void **state)
{
    static const rocks_options options = {.memory_bytes = MEMORY_BYTES, .background_jobs = 1};
    static keyed_world fresh;
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    fresh = (keyed_world){.dir = tmpdir_new()};
    if (fresh.dir == NULL) {
        return 1;
    }
    ASSERT_OK(state_rocks_open(tmpdir_join(fresh.dir, "db", path), &options,
                               keyed_world_whole.max_parallelism, &fresh.engine, &err),
              &err);
    open_states(&fresh, NULL, 0);
    *state = &fresh;
    return 0;
}

int keyed_world_teardown(void **state)
{
    keyed_world *world = *state;

    keyed_state_free(world->states);
    state_engine_close(world->engine);
    tmpdir_free(world->dir);
    return 0;
}

void keyed_world_reopen(keyed_world *world, const cairn_state_info *restored, size_t count)
{
    keyed_state_free(world->states);
    world->states = NULL;
    open_states(world, restored, count);
}

cairn_value_state *open_value(keyed_world *world, const char *name)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *value = NULL;
    cairn_error err = {0};

    descriptor.name = name;
    ASSERT_OK(keyed_state_open_value(world->states, &descriptor, &value, &err), &err);
    return value;
}

void set_key(keyed_world *world, const char *key)
{
    ASSERT_OK(keyed_state_set_key(world->states, cairn_slice_of(key), NULL), NULL);
}

void update(cairn_value_state *value, const char *text)
{
    ASSERT_OK(cairn_value_update(value, cairn_slice_of(text), NULL), NULL);
}

void assert_value(cairn_value_state *value, const char *expected)
{
    cairn_slice found = {"untouched", 9};
    bool is_there = false;

    ASSERT_OK(cairn_value_get(value, &found, &is_there, NULL), NULL);
    assert_int_equal(is_there, expected != NULL);
    assert_true(cairn_slice_equal(found, cairn_slice_of(is_there ? expected : "untouched")));
}
