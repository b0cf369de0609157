#include "test.h"

#include "form_world.h"

#include "buf.h"
#include "errors.h"
#include "state_info.h"

#include <stdio.h>

#define KEY_GROUPS 128
#define TEXT_BYTES 100

const char *const form_names[] = {"value", "list", "map", "reducing", "aggregating"};
static const char *const keys[] = {"a", "b", "c", "d"};
static const char *const namespaces[] = {"", "n"};

/* --- a world that can be started again -------------------------------------------------------- */

static uint64_t world_now_ms(void *context)
{
    return atomic_load(&((form_world *)context)->now_ms);
}

static const char *next_folder(form_world *w, char path[TMPDIR_PATH_BYTES])
{
    char name[32];

    (void)snprintf(name, sizeof(name), "engine-%u", w->folders++);
    return tmpdir_join(w->dir, name, path);
}

static void start(form_world *w, const char *path, const cairn_state_info *infos, size_t count)
{
    keyed_state_options options = {.max_parallelism = KEY_GROUPS,
                                   .range = {0, KEY_GROUPS - 1},
                                   .restored = infos,
                                   .restored_count = count,
                                   .clock = {world_now_ms, w}};
    cairn_error err = {0};

    ASSERT_OK(w->kind->open(path, &w->engine, &err), &err);
    options.engine = w->engine;
    ASSERT_OK(keyed_state_new(&options, &w->states, &err), &err);
}

static void stop(form_world *w)
{
    keyed_state_free(CAIRN_TAKE(w->states));
    state_engine_close(CAIRN_TAKE(w->engine));
}

void form_restart(form_world *w)
{
    cairn_state_info infos[CAIRN_ARRAY_LEN(form_names)] = {0};
    const cairn_call call = {0};
    char path[TMPDIR_PATH_BYTES];
    state_snapshot *snapshot = NULL;
    cairn_error err = {0};
    size_t count = 0;
    const cairn_state_info *const from = keyed_state_infos(w->states, &count);

    assert_true(count <= CAIRN_ARRAY_LEN(infos));
    for (size_t i = 0; i < count; i++) {
        ASSERT_OK(state_info_copy(&from[i], &infos[i], &err), &err);
    }
    (void)next_folder(w, path);
    ASSERT_OK(w->engine->ops->snapshot(w->engine, &snapshot, &err), &err);
    ASSERT_OK(snapshot->ops->write(snapshot, &call, path, NULL, NULL, &err), &err);
    state_snapshot_free(snapshot);
    stop(w);
    start(w, path, infos, count);
    for (size_t i = 0; i < count; i++) {
        state_info_release(&infos[i]);
    }
}

void form_on_each_engine(void (*test)(form_world *w))
{
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        form_world w = {.kind = &state_engine_kinds[i], .dir = tmpdir_new()};
        char path[TMPDIR_PATH_BYTES];

        assert_non_null(w.dir);
        start(&w, next_folder(&w, path), NULL, 0);
        test(&w);
        stop(&w);
        tmpdir_free(w.dir);
    }
}

/* --- states ----------------------------------------------------------------------------------- */

static cairn_code join(void *context, cairn_slice a, cairn_slice b, cairn_buf *out,
                       cairn_error *err)
{
    (void)context;
    CAIRN_TRY(cairn_buf_assign(out, a, err));
    return buf_append(out, b.data, b.len, err);
}

static cairn_code begin_with_nothing(void *context, cairn_buf *out, cairn_error *err)
{
    (void)context;
    (void)out;
    (void)err;
    return CAIRN_OK;
}

static cairn_code result_is_all(void *context, cairn_slice accumulator, cairn_buf *out,
                                cairn_error *err)
{
    (void)context;
    return cairn_buf_assign(out, accumulator, err);
}

static const cairn_reduce_function reduce = {join, NULL};
static const cairn_aggregate_function aggregate = {begin_with_nothing, join, result_is_all, join,
                                                   NULL};

cairn_code form_try_open(form_world *w, cairn_state_kind kind,
                         const cairn_state_descriptor *descriptor, state_world_handle *out,
                         cairn_error *err)
{
    switch ((int)kind) {
    case CAIRN_STATE_VALUE:
        return keyed_state_open_value(w->states, descriptor, &out->value, err);
    case CAIRN_STATE_LIST:
        return keyed_state_open_list(w->states, descriptor, &out->list, err);
    case CAIRN_STATE_MAP:
        return keyed_state_open_map(w->states, descriptor, &out->map, err);
    case CAIRN_STATE_REDUCING:
        return keyed_state_open_reducing(w->states, descriptor, &reduce, &out->reducing, err);
    default:
        return keyed_state_open_aggregating(w->states, descriptor, &aggregate, &out->aggregating,
                                            err);
    }
}

cairn_state_descriptor form_describe(cairn_state_kind kind, uint32_t version)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    descriptor.name = form_names[kind];
    descriptor.value_serializer = "text";
    descriptor.value_serializer_version = version;
    return descriptor;
}

state_world_handle form_open(form_world *w, cairn_state_kind kind,
                             const cairn_state_descriptor *descriptor)
{
    state_world_handle handle = {NULL};
    cairn_error err = {0};

    ASSERT_OK(form_try_open(w, kind, descriptor, &handle, &err), &err);
    return handle;
}

static void set_pair(form_world *w, size_t pair)
{
    const char *const key = keys[pair % CAIRN_ARRAY_LEN(keys)];
    const char *const name_space = namespaces[pair / CAIRN_ARRAY_LEN(keys)];

    ASSERT_OK(keyed_state_set_key(w->states, cairn_slice_of(key), NULL), NULL);
    ASSERT_OK(keyed_state_set_namespace(w->states, cairn_slice_of(name_space), NULL), NULL);
}

static cairn_code write_pair(cairn_state_kind kind, const state_world_handle *to, cairn_slice value,
                             cairn_error *err)
{
    const cairn_slice elements[] = {value, {NULL, 0}, {"z", 1}};

    switch ((int)kind) {
    case CAIRN_STATE_VALUE:
        return cairn_value_update(to->value, value, err);
    case CAIRN_STATE_LIST:
        return cairn_list_add_all(to->list, elements, CAIRN_ARRAY_LEN(elements), err);
    case CAIRN_STATE_MAP:
        CAIRN_TRY(cairn_map_put(to->map, cairn_slice_of(""), value, err));
        return cairn_map_put(to->map, cairn_slice_of("k"), (cairn_slice){NULL, 0}, err);
    case CAIRN_STATE_REDUCING:
        return cairn_reducing_add(to->reducing, value, err);
    default:
        return cairn_aggregating_add(to->aggregating, value, err);
    }
}

static cairn_slice pair_text(size_t pair, char out[TEXT_BYTES])
{
    return (cairn_slice){out, (size_t)snprintf(out, TEXT_BYTES, "text-%zu", pair)};
}

void form_fill_pairs(form_world *w, const cairn_state_descriptor *descriptor, cairn_state_kind kind,
                     size_t first, size_t end)
{
    const state_world_handle handle = form_open(w, kind, descriptor);
    char text[TEXT_BYTES];

    for (size_t pair = first; pair < end; pair++) {
        set_pair(w, pair);
        ASSERT_OK(write_pair(kind, &handle, pair_text(pair, text), NULL), NULL);
    }
}

void form_fill(form_world *w, cairn_state_kind kind)
{
    const cairn_state_descriptor descriptor = form_describe(kind, 1);

    form_fill_pairs(w, &descriptor, kind, 0, FORM_PAIRS);
}

static void print_found(cairn_code code, bool found, cairn_slice bytes, cairn_buf *out)
{
    ASSERT_OK(code, NULL);
    assert_true(found);
    ASSERT_OK(buf_append(out, bytes.data, bytes.len, NULL), NULL);
}

static void print_list(cairn_list_state *list, cairn_buf *out)
{
    cairn_list_view view = {0};
    cairn_slice element;

    ASSERT_OK(cairn_list_get(list, &view, NULL), NULL);
    while (cairn_list_next(&view, &element)) {
        print_found(CAIRN_OK, true, element, out);
        ASSERT_OK(buf_append_byte(out, ',', NULL), NULL);
    }
}

static void print_map(cairn_map_state *map, cairn_buf *out)
{
    static const char *const user_keys[] = {"", "k"};
    cairn_slice value = {NULL, 0};
    bool found = false;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(user_keys); i++) {
        const cairn_code code =
            cairn_map_get(map, cairn_slice_of(user_keys[i]), &value, &found, NULL);

        print_found(code, found, value, out);
        ASSERT_OK(buf_append_byte(out, ',', NULL), NULL);
    }
}

static void print_pair(cairn_state_kind kind, const state_world_handle *of, cairn_buf *out)
{
    cairn_slice value = {NULL, 0};
    cairn_code code = CAIRN_OK;
    bool found = false;

    switch ((int)kind) {
    case CAIRN_STATE_LIST:
        print_list(of->list, out);
        return;
    case CAIRN_STATE_MAP:
        print_map(of->map, out);
        return;
    case CAIRN_STATE_VALUE:
        code = cairn_value_get(of->value, &value, &found, NULL);
        break;
    case CAIRN_STATE_REDUCING:
        code = cairn_reducing_get(of->reducing, &value, &found, NULL);
        break;
    default:
        code = cairn_aggregating_get(of->aggregating, &value, &found, NULL);
        break;
    }
    print_found(code, found, value, out);
}

static void append(cairn_buf *out, const char *text)
{
    ASSERT_OK(buf_append_text(out, text, NULL), NULL);
}

static void append_value(cairn_buf *out, const char *before, const char *value, const char *after)
{
    append(out, before);
    append(out, value);
    append(out, after);
}

/* What print_pair gives of what form_fill wrote, with each value between `before` and `after`. */
static void make_wanted(cairn_state_kind kind, size_t pair, const char *before, const char *after,
                        cairn_buf *out)
{
    static const char *const more[][3] = {[CAIRN_STATE_LIST] = {"", "z", NULL},
                                          [CAIRN_STATE_MAP] = {"", NULL},
                                          [CAIRN_STATE_AGGREGATING] = {NULL}};
    const bool has_many = kind == CAIRN_STATE_LIST || kind == CAIRN_STATE_MAP;
    char text[TEXT_BYTES];

    (void)pair_text(pair, text);
    append_value(out, before, text, after);
    append(out, has_many ? "," : "");
    for (size_t i = 0; more[kind][i] != NULL; i++) {
        append_value(out, before, more[kind][i], after);
        append(out, ",");
    }
}

void form_expect_pairs(form_world *w, cairn_state_kind kind, const state_world_handle *handle,
                       size_t first, const char *before, const char *after)
{
    for (size_t pair = first; pair < FORM_PAIRS; pair++) {
        CAIRN_AUTO(cairn_buf) shown = {0};
        CAIRN_AUTO(cairn_buf) wanted = {0};

        set_pair(w, pair);
        print_pair(kind, handle, &shown);
        make_wanted(kind, pair, before, after, &wanted);
        assert_string_equal(buf_text(&shown), buf_text(&wanted));
    }
}

void form_expect(form_world *w, cairn_state_kind kind, const state_world_handle *handle,
                 const char *before, const char *after)
{
    form_expect_pairs(w, kind, handle, 0, before, after);
}

/* --- migrations ------------------------------------------------------------------------------- */

static cairn_code put_in_brackets(void *context, cairn_slice old_bytes, cairn_buf *out,
                                  cairn_error *err)
{
    form_brackets *const self = context;

    if (self->calls++ == self->calls_left) {
        return error_set(err, CAIRN_E_FAILED, "planted");
    }
    CAIRN_TRY(cairn_buf_assign(out, cairn_slice_of("["), err));
    CAIRN_TRY(buf_append(out, old_bytes.data, old_bytes.len, err));
    return buf_append_byte(out, ']', err);
}

cairn_migration form_from(const char *serializer, uint32_t version, form_brackets *context)
{
    return (cairn_migration){serializer, version, put_in_brackets, context};
}
