/* Keyed state at its edges: arguments, bounds, slices that alias, iterators, failures. */
#include "test.h"

#include "bounds.h"
#include "errors.h"
#include "state_elements.h"
#include "state_handle.h"
#include "state_world.h"

#include <stdio.h>

/* --- both engines ----------------------------------------------------------------------------- */

static void on_each_engine(void (*test)(state_world *world))
{
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        state_world *world = state_world_new(&state_engine_kinds[i]);

        assert_non_null(world);
        test(world);
        state_world_free(world);
    }
}

static void assert_script(state_world *world, const char *script)
{
    const state_subject subject = state_world_subject(world);

    if (!state_script_run(script, &subject)) {
        fail_msg("on %s: %s", world->kind->name, script);
    }
}

static cairn_slice text(const char *of)
{
    return cairn_slice_of(of);
}

/* --- opening ---------------------------------------------------------------------------------- */

static cairn_code open_as(keyed_state *states, const char *name, cairn_state_kind kind,
                          state_world_handle *out, cairn_error *err)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    descriptor.name = name;
    switch ((int)kind) {
    case CAIRN_STATE_VALUE:
        return keyed_state_open_value(states, &descriptor, &out->value, err);
    case CAIRN_STATE_LIST:
        return keyed_state_open_list(states, &descriptor, &out->list, err);
    case CAIRN_STATE_MAP:
        return keyed_state_open_map(states, &descriptor, &out->map, err);
    case CAIRN_STATE_REDUCING:
        return keyed_state_open_reducing(states, &descriptor, &state_reduce, &out->reducing, err);
    default:
        return keyed_state_open_aggregating(states, &descriptor, &state_aggregate,
                                            &out->aggregating, err);
    }
}

static void open_each_as_each(state_world *world)
{
    for (unsigned is = 0; is < STATE_KINDS; is++) {
        for (unsigned as = 0; as < STATE_KINDS; as++) {
            state_world_handle handle = {NULL};
            char message[100];
            cairn_error err = {0};
            const cairn_code code =
                open_as(world->states, state_handle_name(is), (cairn_state_kind)as, &handle, &err);

            ASSERT_CODE(code, is == as ? CAIRN_OK : CAIRN_E_INCOMPATIBLE, &err);
            assert_ptr_equal(handle.value, is == as ? world->handles[is].value : NULL);
            if (is != as) {
                (void)snprintf(message, sizeof(message), "open state '%s': its kind is %s, not %s",
                               state_handle_name(is), state_handle_name(is), state_handle_name(as));
                assert_string_equal(err.message, message);
            }
        }
    }
}

static void a_state_of_one_kind_does_not_open_as_another(void **state)
{
    (void)state;
    on_each_engine(open_each_as_each);
}

static void open_without_functions(state_world *world)
{
    static const cairn_reduce_function no_reduce = {NULL, NULL};
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_reducing_state *reducing = NULL;
    cairn_aggregating_state *aggregating = NULL;
    cairn_aggregate_function parts[3] = {state_aggregate, state_aggregate, state_aggregate};
    size_t count = 0;

    parts[0].create = NULL;
    parts[1].add = NULL;
    parts[2].get_result = NULL;
    descriptor.name = "new";
    ASSERT_CODE(keyed_state_open_reducing(world->states, &descriptor, NULL, &reducing, NULL),
                CAIRN_E_INVALID, NULL);
    ASSERT_CODE(keyed_state_open_reducing(world->states, &descriptor, &no_reduce, &reducing, NULL),
                CAIRN_E_INVALID, NULL);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(parts); i++) {
        ASSERT_CODE(
            keyed_state_open_aggregating(world->states, &descriptor, &parts[i], &aggregating, NULL),
            CAIRN_E_INVALID, NULL);
    }
    (void)keyed_state_infos(world->states, &count);
    assert_int_equal(count, STATE_GROUP_WRITES * STATE_KINDS);
}

static void a_state_without_its_functions_is_not_opened(void **state)
{
    (void)state;
    on_each_engine(open_without_functions);
}

static cairn_code keep_last(void *context, cairn_slice a, cairn_slice b, cairn_buf *out,
                            cairn_error *err)
{
    (void)context;
    (void)a;
    return cairn_buf_assign(out, b, err);
}

static void reduce_by_another_function(state_world *world)
{
    static const cairn_reduce_function last = {keep_last, NULL};
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_reducing_state *reducing = NULL;

    descriptor.name = "reducing";
    assert_script(world, "key a;reducing.add 1;reducing.add 2;reducing.get => 1+2");
    ASSERT_OK(keyed_state_open_reducing(world->states, &descriptor, &last, &reducing, NULL), NULL);
    assert_script(world, "reducing.add 3;reducing.get => 3");
}

static void merge_without_function(state_world *world)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_aggregate_function function = state_aggregate;
    cairn_aggregating_state *aggregating = NULL;
    const cairn_slice source = text("p");

    function.merge = NULL;
    descriptor.name = "aggregating";
    assert_script(world, "key a;namespace p;aggregating.add 1");
    ASSERT_OK(
        keyed_state_open_aggregating(world->states, &descriptor, &function, &aggregating, NULL),
        NULL);
    ASSERT_CODE(cairn_aggregating_merge_namespaces(aggregating, text("t"), &source, 1, NULL),
                CAIRN_E_INVALID, NULL);
    assert_script(world, "aggregating.get => <.1>");
    ASSERT_OK(keyed_state_open_aggregating(world->states, &descriptor, &state_aggregate,
                                           &aggregating, NULL),
              NULL);
    assert_script(world, "aggregating.merge t p;namespace t;aggregating.get => <.1>");
}

static void the_functions_named_last_count(void **state)
{
    (void)state;
    on_each_engine(merge_without_function);
    on_each_engine(reduce_by_another_function);
}

/* --- arguments and bounds --------------------------------------------------------------------- */

static void pass_null(state_world *world)
{
    cairn_list_state *list = world->handles[CAIRN_STATE_LIST].list;
    cairn_map_state *map = world->handles[CAIRN_STATE_MAP].map;
    cairn_reducing_state *reducing = world->handles[CAIRN_STATE_REDUCING].reducing;
    cairn_aggregating_state *aggregating = world->handles[CAIRN_STATE_AGGREGATING].aggregating;
    const cairn_slice bad = {NULL, 1};
    cairn_list_view view;
    cairn_slice out;
    bool found;

    assert_script(world, "key a");
#define INVALID(call) ASSERT_CODE(call, CAIRN_E_INVALID, NULL)
    INVALID(cairn_list_get(NULL, &view, NULL));
    INVALID(cairn_list_get(list, NULL, NULL));
    INVALID(cairn_list_add(NULL, text("x"), NULL));
    INVALID(cairn_list_add(list, bad, NULL));
    INVALID(cairn_list_add_all(list, NULL, 1, NULL));
    INVALID(cairn_list_update(list, &bad, 1, NULL));
    INVALID(cairn_list_clear(NULL, NULL));
    INVALID(cairn_list_merge_namespaces(NULL, text("t"), &out, 0, NULL));
    INVALID(cairn_list_merge_namespaces(list, bad, &out, 0, NULL));
    INVALID(cairn_list_merge_namespaces(list, text("t"), NULL, 1, NULL));
    INVALID(cairn_list_merge_namespaces(list, text("t"), &bad, 1, NULL));
    INVALID(cairn_map_get(map, text("k"), NULL, &found, NULL));
    INVALID(cairn_map_get(map, text("k"), &out, NULL, NULL));
    INVALID(cairn_map_get(map, bad, &out, &found, NULL));
    INVALID(cairn_map_contains(map, text("k"), NULL, NULL));
    INVALID(cairn_map_put(NULL, text("k"), text("v"), NULL));
    INVALID(cairn_map_put(map, bad, text("v"), NULL));
    INVALID(cairn_map_put(map, text("k"), bad, NULL));
    INVALID(cairn_map_remove(map, bad, NULL));
    INVALID(cairn_map_is_empty(map, NULL, NULL));
    INVALID(cairn_map_clear(NULL, NULL));
    INVALID(cairn_map_iterate(map, NULL, NULL));
    INVALID(cairn_map_iterator_next(NULL, &out, &out, &found, NULL));
    INVALID(cairn_map_iterator_remove(NULL, NULL));
    INVALID(cairn_reducing_get(reducing, NULL, &found, NULL));
    INVALID(cairn_reducing_add(NULL, text("x"), NULL));
    INVALID(cairn_reducing_add(reducing, bad, NULL));
    INVALID(cairn_reducing_clear(NULL, NULL));
    INVALID(cairn_reducing_merge_namespaces(NULL, text("t"), &out, 0, NULL));
    INVALID(cairn_aggregating_get(aggregating, &out, NULL, NULL));
    INVALID(cairn_aggregating_add(NULL, text("x"), NULL));
    INVALID(cairn_aggregating_add(aggregating, bad, NULL));
    INVALID(cairn_aggregating_clear(NULL, NULL));
    INVALID(cairn_aggregating_merge_namespaces(NULL, text("t"), &out, 0, NULL));
    INVALID(cairn_buf_assign(NULL, text("x"), NULL));
    INVALID(keyed_state_visit_keys(world->states, NULL, NULL, NULL, NULL, NULL));
    INVALID(keyed_state_visit_keys(world->states, "map", NULL, NULL, NULL, NULL));
    INVALID(keyed_state_apply_to_all_keys(world->states, "map", NULL, NULL, NULL, NULL));
#undef INVALID
    assert_script(world, "list.get => -;map.entries => -;reducing.get => -;aggregating.get => -");
}

static void null_arguments_are_invalid(void **state)
{
    (void)state;
    on_each_engine(pass_null);
}

/* Slices beyond a bound are refused before they are read: their bytes need not be there. */
static void pass_too_much(state_world *world)
{
    cairn_list_state *list = world->handles[CAIRN_STATE_LIST].list;
    cairn_map_state *map = world->handles[CAIRN_STATE_MAP].map;
    const cairn_slice long_key = {"x", CAIRN_MAP_KEY_BYTES_MAX + 1};
    const cairn_slice huge = {"x", CAIRN_VALUE_BYTES_MAX + 1};
    const cairn_slice halves[2] = {{"x", CAIRN_LIST_BYTES_MAX / 2},
                                   {"x", CAIRN_LIST_BYTES_MAX / 2}};
    static const cairn_slice sources[CAIRN_MERGE_SOURCES_MAX + 1];
    cairn_slice out;
    bool found;

    assert_script(world, "key a;list.add 1;map.put k 1;reducing.add 1;aggregating.add 1");
#define LIMIT(call) ASSERT_CODE(call, CAIRN_E_LIMIT, NULL)
    LIMIT(cairn_list_add(list, huge, NULL));
    LIMIT(cairn_list_add(list, (cairn_slice){"x", CAIRN_LIST_BYTES_MAX}, NULL));
    LIMIT(cairn_list_add_all(list, halves, 2, NULL));
    LIMIT(cairn_list_update(list, halves, 2, NULL));
    LIMIT(cairn_list_merge_namespaces(list, text("t"), sources, CAIRN_MERGE_SOURCES_MAX + 1, NULL));
    LIMIT(cairn_map_put(map, long_key, text("v"), NULL));
    LIMIT(cairn_map_get(map, long_key, &out, &found, NULL));
    LIMIT(cairn_map_remove(map, long_key, NULL));
    LIMIT(cairn_map_put(map, text("k"), huge, NULL));
    LIMIT(cairn_reducing_add(world->handles[CAIRN_STATE_REDUCING].reducing, huge, NULL));
    LIMIT(cairn_aggregating_add(world->handles[CAIRN_STATE_AGGREGATING].aggregating, huge, NULL));
#undef LIMIT
    assert_script(world, "list.get => 1;map.entries => k=1;reducing.get => 1;"
                         "aggregating.get => <.1>");
}

static void what_is_beyond_a_bound_is_refused(void **state)
{
    (void)state;
    on_each_engine(pass_too_much);
}

static void use_the_longest(state_world *world)
{
    cairn_map_state *map = world->handles[CAIRN_STATE_MAP].map;
    uint8_t *bytes = mem_calloc(CAIRN_KEY_BYTES_MAX + 1, 1); /* zeros: each is escaped */
    const cairn_slice longest = {bytes, CAIRN_KEY_BYTES_MAX};
    cairn_slice out = {NULL, 0};
    bool found = false;
    cairn_error err = {0};

    assert_non_null(bytes);
    ASSERT_OK(keyed_state_set_key(world->states, longest, &err), &err);
    ASSERT_OK(keyed_state_set_namespace(world->states, longest, &err), &err);
    ASSERT_OK(cairn_map_put(map, longest, text("v"), &err), &err);
    ASSERT_OK(cairn_map_get(map, longest, &out, &found, &err), &err);
    assert_true(found && cairn_slice_equal(out, text("v")));
    ASSERT_CODE(keyed_state_set_namespace(
                    world->states, (cairn_slice){bytes, CAIRN_NAMESPACE_BYTES_MAX + 1}, &err),
                CAIRN_E_LIMIT, &err);
    ASSERT_CODE(cairn_map_get(map, longest, &out, &found, NULL), CAIRN_E_STATE, NULL);
    assert_script(world, "key a");
    ASSERT_CODE(keyed_state_set_namespace(world->states, (cairn_slice){NULL, 1}, NULL),
                CAIRN_E_INVALID, NULL);
    mem_free(bytes);
}

static void keys_as_long_as_they_may_be_work(void **state)
{
    (void)state;
    on_each_engine(use_the_longest);
}

/* --- the bytes of a list ---------------------------------------------------------------------- */

static void elements_have_lengths_in_leb128(void **state)
{
    static const struct {
        size_t len;
        const char *head;
        size_t head_bytes;
    } cases[] = {{0, "\x00", 1},       {1, "\x01", 1},         {127, "\x7f", 1},
                 {128, "\x80\x01", 2}, {16383, "\xff\x7f", 2}, {16384, "\x80\x80\x01", 3}};
    static uint8_t zeros[16384];

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) out = {0};
        const cairn_slice element = {zeros, cases[i].len};
        cairn_slice found = {NULL, 0};

        ASSERT_OK(element_append(&out, element, NULL), NULL);
        assert_int_equal(out.len, cases[i].head_bytes + cases[i].len);
        assert_int_equal(out.len, element_bytes(element));
        assert_memory_equal(out.data, cases[i].head, cases[i].head_bytes);
        ASSERT_OK(elements_check(cairn_buf_slice(&out), NULL), NULL);
        cairn_slice rest = cairn_buf_slice(&out);
        assert_true(element_next(&rest, &found));
        assert_true(cairn_slice_equal(found, element));
        assert_false(element_next(&rest, &found));
    }
}

static void damaged_elements_are_found(void **state)
{
    static const cairn_slice cases[] = {
        {"\x01", 1},                         /* no bytes */
        {"\x01x\x02y", 4},                   /* the second is cut */
        {"\x80", 1},                         /* the length is cut */
        {"\x80\x00", 2},                     /* needless zero */
        {"\x81\x80\x80\x80\x80\x00x", 7},    /* too long a length */
        {"\xff\xff\xff\xff\x7fx", 6},        /* too large a length */
        {"\xff\xff\xff\xff\xff\xff\xff", 7}, /* endless */
    };

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        ASSERT_CODE(elements_check(cases[i], NULL), CAIRN_E_INTEGRITY, NULL);
    }
}

static void damage_a_list(state_world *world)
{
    cairn_list_state *list = world->handles[CAIRN_STATE_LIST].list;
    const cairn_slice source = {NULL, 0};
    cairn_list_view view = {"untouched", 9};
    cairn_error err = {0};

    assert_script(world, "key a");
    ASSERT_OK(state_put(&list->base, (cairn_slice){"\x01x\x05y", 4}, NULL), NULL);
    ASSERT_CODE(cairn_list_get(list, &view, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "byte 2 of its 4");
    assert_int_equal(view.bytes, 9);
    ASSERT_CODE(cairn_list_merge_namespaces(list, text("t"), &source, 1, NULL), CAIRN_E_INTEGRITY,
                NULL);
    assert_script(world, "list.clear;list.get => -");
}

static void a_damaged_list_is_not_read(void **state)
{
    (void)state;
    on_each_engine(damage_a_list);
}

static cairn_code get_too_much(state_table *self, const state_place *place, cairn_slice *out,
                               bool *out_found, cairn_error *err)
{
    (void)self;
    (void)place;
    (void)err;
    *out = (cairn_slice){"x", CAIRN_LIST_BYTES_MAX + 1};
    *out_found = true;
    return CAIRN_OK;
}

static void a_list_that_grew_beyond_its_bound_is_not_read(void **state)
{
    static const state_table_ops ops = {.read = get_too_much};
    state_table table = {&ops};
    const current_key current = {.place = {.bytes = {"k", 1}}};
    cairn_list_state list = {
        .base = {.kind = CAIRN_STATE_LIST, .table = &table, .current = &current}};
    cairn_list_view view;
    cairn_error err = {0};

    (void)state;
    ASSERT_CODE(cairn_list_get(&list, &view, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "clear or replace it");
}

/* --- slices that a state gave go back into it ------------------------------------------------- */

static void give_back(state_world *world)
{
    state_world_handle *handles = world->handles;
    cairn_list_view view = {0};
    cairn_slice elements[3] = {{NULL, 0}};
    cairn_slice out = {NULL, 0};
    bool found = false;

    assert_script(world, "key a;value.update v;list.all 1 2 3;map.put k 1;reducing.add 1;"
                         "aggregating.add 1");
    ASSERT_OK(cairn_value_get(handles[CAIRN_STATE_VALUE].value, &out, &found, NULL), NULL);
    ASSERT_OK(cairn_value_update(handles[CAIRN_STATE_VALUE].value, out, NULL), NULL);
    ASSERT_OK(cairn_list_get(handles[CAIRN_STATE_LIST].list, &view, NULL), NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_true(cairn_list_next(&view, &elements[2 - i]));
    }
    ASSERT_OK(cairn_list_update(handles[CAIRN_STATE_LIST].list, elements, 3, NULL), NULL);
    ASSERT_OK(cairn_map_get(handles[CAIRN_STATE_MAP].map, text("k"), &out, &found, NULL), NULL);
    ASSERT_OK(cairn_map_put(handles[CAIRN_STATE_MAP].map, out, out, NULL), NULL);
    ASSERT_OK(cairn_reducing_get(handles[CAIRN_STATE_REDUCING].reducing, &out, &found, NULL), NULL);
    ASSERT_OK(cairn_reducing_add(handles[CAIRN_STATE_REDUCING].reducing, out, NULL), NULL);
    ASSERT_OK(
        cairn_aggregating_get(handles[CAIRN_STATE_AGGREGATING].aggregating, &out, &found, NULL),
        NULL);
    ASSERT_OK(cairn_aggregating_add(handles[CAIRN_STATE_AGGREGATING].aggregating, out, NULL), NULL);
    assert_script(world, "value.get => v;list.get => 3,2,1;map.entries => 1=1,k=1;"
                         "reducing.get => 1+1;aggregating.get => <.1.<.1>>");
}

static void what_a_state_gave_may_go_back_into_it(void **state)
{
    (void)state;
    on_each_engine(give_back);
}

/* --- iterators -------------------------------------------------------------------------------- */

static void misuse_an_iterator(state_world *world)
{
    cairn_map_state *map = world->handles[CAIRN_STATE_MAP].map;
    cairn_map_iterator *iterator = NULL;
    cairn_map_iterator *second = NULL;
    cairn_slice key = {NULL, 0};
    cairn_slice value = {NULL, 0};
    bool yes = false;

    assert_script(world, "key a;map.put x 1");
    ASSERT_OK(cairn_map_iterate(map, &iterator, NULL), NULL);
    ASSERT_CODE(cairn_map_iterator_remove(iterator, NULL), CAIRN_E_STATE, NULL);
    ASSERT_CODE(cairn_map_iterate(map, &second, NULL), CAIRN_E_STATE, NULL);
    ASSERT_CODE(cairn_map_is_empty(map, &yes, NULL), CAIRN_E_STATE, NULL);
    ASSERT_CODE(cairn_map_clear(map, NULL), CAIRN_E_STATE, NULL);
    ASSERT_OK(cairn_map_iterator_next(iterator, &key, &value, &yes, NULL), NULL);
    assert_true(yes && cairn_slice_equal(key, text("x")));
    ASSERT_OK(cairn_map_iterator_set(iterator, value, NULL), NULL);
    ASSERT_OK(cairn_map_remove(map, key, NULL), NULL);
    ASSERT_OK(cairn_map_iterator_set(iterator, text("back"), NULL), NULL);
    ASSERT_OK(cairn_map_iterator_remove(iterator, NULL), NULL);
    ASSERT_CODE(cairn_map_iterator_remove(iterator, NULL), CAIRN_E_STATE, NULL);
    ASSERT_CODE(cairn_map_iterator_set(iterator, text("2"), NULL), CAIRN_E_STATE, NULL);
    for (int i = 0; i < 2; i++) {
        ASSERT_OK(cairn_map_iterator_next(iterator, &key, &value, &yes, NULL), NULL);
        assert_false(yes);
        ASSERT_CODE(cairn_map_iterator_remove(iterator, NULL), CAIRN_E_STATE, NULL);
    }
    cairn_map_iterator_free(iterator);
    cairn_map_iterator_free(NULL);
    ASSERT_CODE(cairn_map_iterator_next(iterator, &key, &value, &yes, NULL), CAIRN_E_STATE, NULL);
    assert_script(world, "map.entries => -;map.put y 1;map.clear");
}

static void an_iterator_changes_the_entry_at_hand_only(void **state)
{
    (void)state;
    on_each_engine(misuse_an_iterator);
}

static void pass_the_end(state_world *world)
{
    cairn_map_iterator *iterator = NULL;
    cairn_slice key;
    cairn_slice value;
    bool found = true;

    assert_script(world, "key a;map.put x 1");
    ASSERT_OK(cairn_map_iterate(world->handles[CAIRN_STATE_MAP].map, &iterator, NULL), NULL);
    while (found) {
        ASSERT_OK(cairn_map_iterator_next(iterator, &key, &value, &found, NULL), NULL);
    }
    ASSERT_CODE(cairn_map_iterator_remove(iterator, NULL), CAIRN_E_STATE, NULL);
    cairn_map_iterator_free(iterator);
    assert_script(world, "map.entries => x=1");
}

static void at_the_end_there_is_no_entry_to_change(void **state)
{
    (void)state;
    on_each_engine(pass_the_end);
}

static void leave_an_iterator_open(state_world *world)
{
    cairn_map_iterator *iterator = NULL;

    assert_script(world, "key a;map.put x 1");
    ASSERT_OK(cairn_map_iterate(world->handles[CAIRN_STATE_MAP].map, &iterator, NULL), NULL);
}

static void an_iterator_that_is_left_open_ends_with_the_state(void **state)
{
    (void)state;
    on_each_engine(leave_an_iterator_open);
}

/* --- visits ----------------------------------------------------------------------------------- */

static cairn_code visit_and_fail(void *context, const cairn_state_key *key, cairn_error *err)
{
    unsigned *count = context;

    (void)key;
    return ++*count == 2 ? error_set(err, CAIRN_E_CANCELLED, "enough") : CAIRN_OK;
}

static void stop_a_visit(state_world *world)
{
    unsigned count = 0;
    cairn_error err = {0};

    assert_script(world, "key a;list.add 1;key b;list.add 1;key c;list.add 1");
    ASSERT_CODE(keyed_state_visit_keys(world->states, "list", NULL, visit_and_fail, &count, &err),
                CAIRN_E_CANCELLED, &err);
    ASSERT_MESSAGE_HAS(&err, "enough");
    assert_int_equal(count, 2);
    assert_script(world, "list.get => !STATE");
    count = 5;
    ASSERT_OK(keyed_state_visit_keys(world->states, "unknown", NULL, visit_and_fail, &count, &err),
              &err);
    assert_int_equal(count, 5);
}

static void a_visit_ends_with_the_code_of_its_function(void **state)
{
    (void)state;
    on_each_engine(stop_a_visit);
}

static cairn_code open_another(void *context, const cairn_state_key *key, cairn_error *err)
{
    state_world *world = context;
    state_world_handle handle = {NULL};
    char name[] = "opened-?";

    name[sizeof(name) - 2] = *(const char *)key->key.data;
    CAIRN_TRY(open_as(world->states, name, CAIRN_STATE_LIST, &handle, err));
    return cairn_list_add(handle.list, text("x"), err);
}

static void open_in_a_visit(state_world *world)
{
    cairn_error err = {0};

    assert_script(world, "key a;map.put k 1;key b;map.put k 1;key c;map.put k 1");
    ASSERT_OK(keyed_state_apply_to_all_keys(world->states, "map", NULL, open_another, world, &err),
              &err);
    assert_script(world, "map.keys => a/,b/,c/");
}

static void states_may_be_opened_in_a_visit(void **state)
{
    (void)state;
    on_each_engine(open_in_a_visit);
}

/* The list under the target names the namespaces that are merged into it. */
static void merge_by_own_elements(state_world *world)
{
    cairn_list_state *list = world->handles[CAIRN_STATE_LIST].list;
    cairn_slice names[2];
    cairn_list_view view;

    assert_script(world, "key k; namespace one; list.add a; namespace two; list.add b;"
                         "namespace all; list.all one two");
    ASSERT_OK(cairn_list_get(list, &view, NULL), NULL);
    assert_true(cairn_list_next(&view, &names[0]));
    assert_true(cairn_list_next(&view, &names[1]));

    ASSERT_OK(cairn_list_merge_namespaces(list, text("all"), names, 2, NULL), NULL);

    assert_script(world, "list.get => one,two,a,b; namespace one; list.get => -;"
                         "namespace two; list.get => -");
}

static void the_names_of_a_merge_may_be_what_the_list_gave(void **state)
{
    (void)state;
    on_each_engine(merge_by_own_elements);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_of_one_kind_does_not_open_as_another),
        cmocka_unit_test(a_state_without_its_functions_is_not_opened),
        cmocka_unit_test(the_functions_named_last_count),
        cmocka_unit_test(null_arguments_are_invalid),
        cmocka_unit_test(what_is_beyond_a_bound_is_refused),
        cmocka_unit_test(keys_as_long_as_they_may_be_work),
        cmocka_unit_test(elements_have_lengths_in_leb128),
        cmocka_unit_test(damaged_elements_are_found),
        cmocka_unit_test(a_damaged_list_is_not_read),
        cmocka_unit_test(a_list_that_grew_beyond_its_bound_is_not_read),
        cmocka_unit_test(what_a_state_gave_may_go_back_into_it),
        cmocka_unit_test(an_iterator_changes_the_entry_at_hand_only),
        cmocka_unit_test(at_the_end_there_is_no_entry_to_change),
        cmocka_unit_test(an_iterator_that_is_left_open_ends_with_the_state),
        cmocka_unit_test(a_visit_ends_with_the_code_of_its_function),
        cmocka_unit_test(the_names_of_a_merge_may_be_what_the_list_gave),
        cmocka_unit_test(states_may_be_opened_in_a_visit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
