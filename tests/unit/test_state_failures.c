/*
 * A call on a state that fails has changed nothing: for every allocation and every call of the
 * engine in it, the one that fails.
 */
#include "test.h"

#include "errors.h"
#include "state_handle.h"
#include "state_world.h"

#define SETUP                                                                   \
    "key a;value.update 1;list.all 1 2;map.put x 1;map.put y 2;reducing.add 1;" \
    "aggregating.add 1;namespace p;list.add 9;reducing.add 9;aggregating.add 9;namespace _"
#define AS_BEFORE                                                              \
    "value.get => 1;list.get => 1,2;map.entries => x=1,y=2;reducing.get => 1;" \
    "aggregating.get => <.1>;namespace p;list.get => 9;reducing.get => 9;"     \
    "aggregating.get => <.9>;namespace q;list.get => -;namespace _"

/* --- an engine's table that fails ------------------------------------------------------------- */

typedef struct failing_table {
    state_table base;
    state_table *inner;
    unsigned calls_left; /* before one fails; all after it work */
    bool failed;
} failing_table;

static cairn_code may_fail(failing_table *table, cairn_error *err)
{
    if (table->calls_left > 0 || table->failed) {
        table->calls_left -= table->failed ? 0 : 1;
        return CAIRN_OK;
    }
    table->failed = true;
    return error_set(err, CAIRN_E_IO, "planted");
}

static cairn_code fail_get(state_table *self, const state_place *place, cairn_slice *out,
                           bool *out_found, cairn_error *err)
{
    failing_table *table = (failing_table *)self;

    CAIRN_TRY(may_fail(table, err));
    return table->inner->ops->get(table->inner, place, out, out_found, err);
}

static cairn_code fail_put(state_table *self, const state_place *place, cairn_slice value,
                           cairn_error *err)
{
    failing_table *table = (failing_table *)self;

    CAIRN_TRY(may_fail(table, err));
    return table->inner->ops->put(table->inner, place, value, err);
}

static cairn_code fail_append(state_table *self, const state_place *place, cairn_slice bytes,
                              cairn_error *err)
{
    failing_table *table = (failing_table *)self;

    CAIRN_TRY(may_fail(table, err));
    return table->inner->ops->append(table->inner, place, bytes, err);
}

static cairn_code fail_remove(state_table *self, const state_place *place, cairn_error *err)
{
    failing_table *table = (failing_table *)self;

    CAIRN_TRY(may_fail(table, err));
    return table->inner->ops->remove(table->inner, place, err);
}

static cairn_code fail_walk(state_table *self, const state_place *prefix, state_cursor **out,
                            cairn_error *err)
{
    failing_table *table = (failing_table *)self;

    CAIRN_TRY(may_fail(table, err));
    return table->inner->ops->walk(table->inner, prefix, out, err);
}

static const state_table_ops failing_ops = {.get = fail_get,
                                            .read = fail_get,
                                            .put = fail_put,
                                            .append = fail_append,
                                            .remove = fail_remove,
                                            .walk = fail_walk};

/* --- operations ------------------------------------------------------------------------------- */

typedef struct operation {
    const char *name;
    cairn_state_kind kind;
    cairn_code (*run)(state_world_handle *handle, cairn_error *err);
    unsigned safe_calls; /* of the table: so many may fail and nothing is changed */
} operation;

static cairn_slice text(const char *of)
{
    return cairn_slice_of(of);
}

static const cairn_slice elements[] = {{"3", 1}, {"a longer element", 16}};
static const cairn_slice sources[] = {{"p", 1}, {"q", 1}};

static cairn_code update_value(state_world_handle *handle, cairn_error *err)
{
    return cairn_value_update(handle->value, elements[1], err);
}

static cairn_code clear_value(state_world_handle *handle, cairn_error *err)
{
    return cairn_value_clear(handle->value, err);
}

static cairn_code add_to_list(state_world_handle *handle, cairn_error *err)
{
    return cairn_list_add_all(handle->list, elements, 2, err);
}

static cairn_code update_list(state_world_handle *handle, cairn_error *err)
{
    return cairn_list_update(handle->list, elements, 2, err);
}

static cairn_code clear_list(state_world_handle *handle, cairn_error *err)
{
    return cairn_list_clear(handle->list, err);
}

static cairn_code merge_list(state_world_handle *handle, cairn_error *err)
{
    return cairn_list_merge_namespaces(handle->list, text(""), sources, 2, err);
}

static cairn_code put_to_map(state_world_handle *handle, cairn_error *err)
{
    return cairn_map_put(handle->map, elements[1], elements[1], err);
}

static cairn_code remove_from_map(state_world_handle *handle, cairn_error *err)
{
    return cairn_map_remove(handle->map, text("x"), err);
}

static cairn_code clear_map(state_world_handle *handle, cairn_error *err)
{
    return cairn_map_clear(handle->map, err);
}

static cairn_code set_by_iterator(state_world_handle *handle, cairn_error *err)
{
    cairn_map_iterator *iterator = NULL;
    cairn_slice key;
    cairn_slice value;
    bool found = false;
    cairn_code code;

    CAIRN_TRY(cairn_map_iterate(handle->map, &iterator, err));
    code = cairn_map_iterator_next(iterator, &key, &value, &found, err);
    if (code == CAIRN_OK) {
        code = cairn_map_iterator_set(iterator, elements[1], err);
    }
    cairn_map_iterator_free(iterator);
    return code;
}

static cairn_code add_to_reducing(state_world_handle *handle, cairn_error *err)
{
    return cairn_reducing_add(handle->reducing, elements[1], err);
}

static cairn_code merge_reducing(state_world_handle *handle, cairn_error *err)
{
    return cairn_reducing_merge_namespaces(handle->reducing, text(""), sources, 2, err);
}

static cairn_code add_to_aggregating(state_world_handle *handle, cairn_error *err)
{
    return cairn_aggregating_add(handle->aggregating, elements[1], err);
}

static cairn_code merge_aggregating(state_world_handle *handle, cairn_error *err)
{
    return cairn_aggregating_merge_namespaces(handle->aggregating, text(""), sources, 2, err);
}

/* A merge reads its namespaces and writes the target; a clear of a map begins a walk and removes
 * one entry: what fails after that is beyond the promise of state.h. */
static const operation operations[] = {
    {"value.update", CAIRN_STATE_VALUE, update_value, 1},
    {"value.clear", CAIRN_STATE_VALUE, clear_value, 1},
    {"list.add", CAIRN_STATE_LIST, add_to_list, 1},
    {"list.update", CAIRN_STATE_LIST, update_list, 1},
    {"list.clear", CAIRN_STATE_LIST, clear_list, 1},
    {"list.merge", CAIRN_STATE_LIST, merge_list, 3},
    {"map.put", CAIRN_STATE_MAP, put_to_map, 1},
    {"map.remove", CAIRN_STATE_MAP, remove_from_map, 1},
    {"map.clear", CAIRN_STATE_MAP, clear_map, 2},
    {"map.set", CAIRN_STATE_MAP, set_by_iterator, 2},
    {"reducing.add", CAIRN_STATE_REDUCING, add_to_reducing, 2},
    {"reducing.merge", CAIRN_STATE_REDUCING, merge_reducing, 4},
    {"aggregating.add", CAIRN_STATE_AGGREGATING, add_to_aggregating, 2},
    {"aggregating.merge", CAIRN_STATE_AGGREGATING, merge_aggregating, 4},
};

/* --- sweeps ----------------------------------------------------------------------------------- */

static void assert_script(state_world *world, const operation *op, const char *script)
{
    const state_subject subject = state_world_subject(world);

    if (!state_script_run(script, &subject)) {
        fail_msg("%s on %s", op->name, world->kind->name);
    }
}

static void fail_each_allocation(state_world *world, const operation *op)
{
    bool done = false;

    assert_script(world, op, SETUP);
    for (uint64_t nth = 1; !done; nth++) {
        cairn_error err = {0};
        cairn_code code;

        mem_fail_nth(nth, 0);
        code = op->run(&world->handles[op->kind], &err);
        done = mem_alloc_count() < nth;
        mem_fail_nth(0, 0);
        ASSERT_CODE(code, done ? CAIRN_OK : CAIRN_E_NO_MEMORY, &err);
        if (!done) {
            assert_script(world, op, AS_BEFORE);
        }
    }
}

static void fail_each_call(state_world *world, const operation *op)
{
    state_handle *handle = (state_handle *)world->handles[op->kind].value;
    state_table *const whole = handle->table;

    assert_script(world, op, SETUP);
    for (unsigned nth = 0; nth < op->safe_calls; nth++) {
        failing_table table = {{&failing_ops}, whole, nth, false};
        cairn_error err = {0};
        cairn_code code;

        handle->table = &table.base;
        code = op->run(&world->handles[op->kind], &err);
        handle->table = whole;
        ASSERT_CODE(code, CAIRN_E_IO, &err);
        assert_script(world, op, AS_BEFORE);
    }
}

static void sweep(void (*each)(state_world *world, const operation *op))
{
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        for (size_t j = 0; j < CAIRN_ARRAY_LEN(operations); j++) {
            state_world *world = state_world_new(&state_engine_kinds[i]);

            assert_non_null(world);
            each(world, &operations[j]);
            state_world_free(world);
        }
    }
}

static void a_call_that_is_short_of_memory_changes_nothing(void **state)
{
    (void)state;
    sweep(fail_each_allocation);
}

static void a_call_whose_engine_fails_changes_nothing(void **state)
{
    (void)state;
    sweep(fail_each_call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_is_short_of_memory_changes_nothing),
        cmocka_unit_test(a_call_whose_engine_fails_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
