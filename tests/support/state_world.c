#include "state_world.h"

#include "errors.h"
#include "state_heap.h"
#include "state_info.h"
#include "state_rocks.h"

#include <stdio.h>

#define ENGINE_BYTES ((uint64_t)32 << 20)

static const keyed_state_options whole = {.max_parallelism = STATE_WORLD_PARALLELISM,
                                          .range = {0, STATE_WORLD_PARALLELISM - 1}};

#define STATES (STATE_HANDLES + 4) /* with those that a test opens besides */

static cairn_code open_rocks(const char *path, state_engine **out, cairn_error *err)
{
    static const rocks_options options = {.memory_bytes = ENGINE_BYTES, .background_jobs = 1};

    return state_rocks_open(path, &options, STATE_WORLD_PARALLELISM, out, err);
}

static cairn_code open_heap(const char *path, state_engine **out, cairn_error *err)
{
    static const heap_options options = {.range = {0, STATE_WORLD_PARALLELISM - 1}};

    return state_heap_open(path, &options, out, err);
}

const state_engine_kind state_engine_kinds[] = {{"rocksdb", open_rocks}, {"hashmap", open_heap}};
const size_t state_engine_kind_count = CAIRN_ARRAY_LEN(state_engine_kinds);

cairn_ttl state_ttl_of(unsigned handle)
{
    static const cairn_ttl groups[STATE_GROUPS] = {
        [STATE_GROUP_WRITES] = {.ttl_ms = STATE_TTL_MS},
        [STATE_GROUP_READS] = {.ttl_ms = STATE_TTL_MS, .update = CAIRN_TTL_ON_READ_AND_WRITE},
        [STATE_GROUP_SHOWS] = {.ttl_ms = STATE_TTL_MS,
                               .visibility = CAIRN_TTL_RETURN_EXPIRED_IF_NOT_CLEANED_UP},
    };

    return groups[handle / STATE_KINDS];
}

static uint64_t world_now(void *context)
{
    return atomic_load(&((state_world *)context)->now_ms);
}

/* --- life cycle ------------------------------------------------------------------------------- */

static cairn_code open_handle(state_world *world, unsigned index, cairn_error *err)
{
    state_world_handle *to = &world->handles[index];
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    descriptor.name = state_handle_name(index);
    descriptor.ttl = state_ttl_of(index);
    switch (index % STATE_KINDS) {
    case CAIRN_STATE_VALUE:
        return keyed_state_open_value(world->states, &descriptor, &to->value, err);
    case CAIRN_STATE_LIST:
        return keyed_state_open_list(world->states, &descriptor, &to->list, err);
    case CAIRN_STATE_MAP:
        return keyed_state_open_map(world->states, &descriptor, &to->map, err);
    case CAIRN_STATE_REDUCING:
        return keyed_state_open_reducing(world->states, &descriptor, &state_reduce, &to->reducing,
                                         err);
    default:
        return keyed_state_open_aggregating(world->states, &descriptor, &state_aggregate,
                                            &to->aggregating, err);
    }
}

static cairn_code open_group(state_world *world, unsigned group, cairn_error *err)
{
    for (unsigned i = 0; i < STATE_KINDS; i++) {
        CAIRN_TRY(open_handle(world, group * STATE_KINDS + i, err));
    }
    world->has_group[group] = true;
    return CAIRN_OK;
}

/* The next folder of an engine; it does not exist. */
static const char *next_folder(state_world *world, char path[TMPDIR_PATH_BYTES])
{
    char name[32];

    (void)snprintf(name, sizeof(name), "engine-%u", world->folders++);
    return tmpdir_join(world->dir, name, path);
}

static cairn_code open_missing_groups(state_world *world, cairn_error *err)
{
    for (unsigned group = 0; group < STATE_GROUPS; group++) {
        if (!world->has_group[group]) {
            CAIRN_TRY(open_group(world, group, err));
        }
    }
    return CAIRN_OK;
}

static cairn_code open_states(state_world *world, const char *path, const keyed_state_options *from,
                              cairn_error *err)
{
    keyed_state_options options = *from;

    CAIRN_TRY(world->kind->open(path, &world->engine, err));
    options.engine = world->engine;
    options.clock = (cairn_clock){world_now, world};
    CAIRN_TRY(keyed_state_new(&options, &world->states, err));
    for (unsigned group = 0; group < STATE_GROUPS; group++) {
        if (group < STATE_GROUP_WRITES || world->has_group[group]) {
            CAIRN_TRY(open_group(world, group, err));
        }
    }
    return CAIRN_OK;
}

state_world *state_world_new(const state_engine_kind *kind)
{
    state_world *world = mem_calloc(1, sizeof(*world));
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    CAIRN_ASSERT(world != NULL);
    world->kind = kind;
    atomic_init(&world->now_ms, STATE_FIRST_MS);
    world->dir = tmpdir_new();
    if (world->dir == NULL ||
        open_states(world, next_folder(world, path), &whole, &err) != CAIRN_OK) {
        (void)fprintf(stderr, "%s: %s\n", kind->name, err.message);
        state_world_free(world);
        return NULL;
    }
    return world;
}

static void close_states(state_world *world)
{
    state_snapshot_free(CAIRN_TAKE(world->snapshot));
    keyed_state_free(CAIRN_TAKE(world->states));
    state_engine_close(CAIRN_TAKE(world->engine));
}

void state_world_free(state_world *world)
{
    if (world != NULL) {
        close_states(world);
        tmpdir_free(world->dir);
        mem_free(world);
    }
}

/* --- snapshots -------------------------------------------------------------------------------- */

/* A new state waits until a snapshot is linked, which is on this thread too: all are opened first.
 */
static cairn_code begin_snapshot(state_world *world, cairn_error *err)
{
    state_snapshot_free(CAIRN_TAKE(world->snapshot));
    CAIRN_TRY(open_missing_groups(world, err));
    return world->engine->ops->snapshot(world->engine, &world->snapshot, err);
}

static cairn_code copy_infos(const keyed_state *states, cairn_state_info to[STATES],
                             size_t *out_count, cairn_error *err)
{
    size_t count = 0;
    const cairn_state_info *infos = keyed_state_infos(states, &count);

    CAIRN_ASSERT(count <= STATES);
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(state_info_copy(&infos[i], &to[i], err));
    }
    *out_count = count;
    return CAIRN_OK;
}

/* Writes the snapshot, as late as that, and goes on from its files alone. */
static cairn_code restore(state_world *world, cairn_error *err)
{
    cairn_state_info infos[STATES] = {0};
    keyed_state_options options = whole;
    const cairn_call call = {0};
    char path[TMPDIR_PATH_BYTES];
    cairn_code code;

    options.restored = infos;
    if (world->snapshot == NULL) {
        CAIRN_TRY(begin_snapshot(world, err));
    }
    (void)next_folder(world, path);
    CAIRN_TRY(world->snapshot->ops->write(world->snapshot, &call, path, NULL, NULL, err));
    CAIRN_TRY(copy_infos(world->states, infos, &options.restored_count, err));
    close_states(world);
    code = open_states(world, path, &options, err);
    for (size_t i = 0; i < options.restored_count; i++) {
        state_info_release(&infos[i]);
    }
    return code;
}

/* --- reads ------------------------------------------------------------------------------------ */

static const cairn_slice nothing = {NULL, 0};

static cairn_code print_list(cairn_list_state *list, cairn_buf *out, cairn_error *err)
{
    cairn_list_view view = {0};
    cairn_slice element;
    bool any = false;

    CAIRN_TRY(cairn_list_get(list, &view, err));
    for (; cairn_list_next(&view, &element); any = true) {
        state_print(out, cairn_slice_of(any ? "," : ""));
        state_print(out, element);
    }
    state_print(out, cairn_slice_of(any ? "" : "-"));
    return CAIRN_OK;
}

static cairn_code run_get(state_world *world, const state_op *op, cairn_buf *out, cairn_error *err)
{
    state_world_handle *handle = &world->handles[op->handle];
    cairn_slice found = cairn_slice_of("-");
    bool is_there = false;
    cairn_code code;

    switch (op->handle % STATE_KINDS) {
    case CAIRN_STATE_VALUE:
        code = cairn_value_get(handle->value, &found, &is_there, err);
        break;
    case CAIRN_STATE_LIST:
        return print_list(handle->list, out, err);
    case CAIRN_STATE_MAP:
        code = cairn_map_get(handle->map, op->word[0], &found, &is_there, err);
        break;
    case CAIRN_STATE_REDUCING:
        code = cairn_reducing_get(handle->reducing, &found, &is_there, err);
        break;
    default:
        code = cairn_aggregating_get(handle->aggregating, &found, &is_there, err);
        break;
    }
    CAIRN_TRY(code);
    CAIRN_ASSERT(is_there || cairn_slice_equal(found, cairn_slice_of("-")));
    state_print(out, found);
    return CAIRN_OK;
}

/* What an operation does with the entry at hand of a map's iterator. */
static cairn_code change_entry(state_world *world, cairn_map_iterator *iterator, const state_op *op,
                               cairn_slice user_key, cairn_error *err)
{
    switch ((int)op->verb) {
    case VERB_DROP:
        return cairn_slice_equal(user_key, op->word[0]) ? cairn_map_iterator_remove(iterator, err)
                                                        : CAIRN_OK;
    case VERB_SET:
        return cairn_slice_equal(user_key, op->word[0])
                   ? cairn_map_iterator_set(iterator, op->word[1], err)
                   : CAIRN_OK;
    case VERB_DROP_ALL:
        return cairn_map_iterator_remove(iterator, err);
    case VERB_ELSEWHERE:
        CAIRN_TRY(keyed_state_set_key(world->states, op->word[0], err));
        return cairn_map_iterator_set(iterator, op->word[1], err);
    default:
        return CAIRN_OK;
    }
}

static cairn_code run_entries(state_world *world, const state_op *op, state_lines *lines,
                              cairn_error *err)
{
    cairn_map_iterator *iterator = NULL;
    cairn_code code = cairn_map_iterate(world->handles[op->handle].map, &iterator, err);
    bool found = code == CAIRN_OK;

    while (code == CAIRN_OK && found) {
        cairn_slice user_key = nothing;
        cairn_slice value = nothing;

        code = cairn_map_iterator_next(iterator, &user_key, &value, &found, err);
        if (code == CAIRN_OK && found) {
            state_lines_add(lines, user_key, "=", value);
            code = change_entry(world, iterator, op, user_key, err);
        }
    }
    cairn_map_iterator_free(iterator);
    if (code == CAIRN_OK && op->verb == VERB_ELSEWHERE) {
        code = keyed_state_set_key(world->states, op->word[0], err);
    }
    return code;
}

static cairn_code run_question(state_world *world, const state_op *op, cairn_buf *out,
                               cairn_error *err)
{
    cairn_map_state *map = world->handles[op->handle].map;
    bool yes = false;

    CAIRN_TRY(op->verb == VERB_CONTAINS ? cairn_map_contains(map, op->word[0], &yes, err)
                                        : cairn_map_is_empty(map, &yes, err));
    state_print(out, cairn_slice_of(yes ? "yes" : "no"));
    return CAIRN_OK;
}

/* --- writes ----------------------------------------------------------------------------------- */

static cairn_code run_update(state_world *world, const state_op *op, cairn_error *err)
{
    state_world_handle *handle = &world->handles[op->handle];

    return op->handle % STATE_KINDS == CAIRN_STATE_LIST
               ? cairn_list_update(handle->list, op->word, op->words, err)
               : cairn_value_update(handle->value, op->word[0], err);
}

static cairn_code run_clear(state_world *world, const state_op *op, cairn_error *err)
{
    state_world_handle *handle = &world->handles[op->handle];

    switch (op->handle % STATE_KINDS) {
    case CAIRN_STATE_VALUE:
        return cairn_value_clear(handle->value, err);
    case CAIRN_STATE_LIST:
        return cairn_list_clear(handle->list, err);
    case CAIRN_STATE_MAP:
        return cairn_map_clear(handle->map, err);
    case CAIRN_STATE_REDUCING:
        return cairn_reducing_clear(handle->reducing, err);
    default:
        return cairn_aggregating_clear(handle->aggregating, err);
    }
}

static cairn_code run_add(state_world *world, const state_op *op, cairn_error *err)
{
    state_world_handle *handle = &world->handles[op->handle];

    switch (op->handle % STATE_KINDS) {
    case CAIRN_STATE_LIST:
        return op->verb == VERB_ADD ? cairn_list_add(handle->list, op->word[0], err)
                                    : cairn_list_add_all(handle->list, op->word, op->words, err);
    case CAIRN_STATE_REDUCING:
        return cairn_reducing_add(handle->reducing, op->word[0], err);
    default:
        return cairn_aggregating_add(handle->aggregating, op->word[0], err);
    }
}

static cairn_code run_merge(state_world *world, const state_op *op, cairn_error *err)
{
    state_world_handle *handle = &world->handles[op->handle];
    const cairn_slice *sources = op->word + 1;
    const size_t count = op->words - 1;

    switch (op->handle % STATE_KINDS) {
    case CAIRN_STATE_LIST:
        return cairn_list_merge_namespaces(handle->list, op->word[0], sources, count, err);
    case CAIRN_STATE_REDUCING:
        return cairn_reducing_merge_namespaces(handle->reducing, op->word[0], sources, count, err);
    default:
        return cairn_aggregating_merge_namespaces(handle->aggregating, op->word[0], sources, count,
                                                  err);
    }
}

static cairn_code run_write(state_world *world, const state_op *op, cairn_error *err)
{
    cairn_map_state *map = world->handles[op->handle].map;

    switch ((int)op->verb) {
    case VERB_UPDATE:
        return run_update(world, op, err);
    case VERB_CLEAR:
        return run_clear(world, op, err);
    case VERB_PUT:
        return cairn_map_put(map, op->word[0], op->word[1], err);
    case VERB_REMOVE:
        return cairn_map_remove(map, op->word[0], err);
    case VERB_MERGE:
        return run_merge(world, op, err);
    default:
        return run_add(world, op, err);
    }
}

/* --- keys ------------------------------------------------------------------------------------- */

typedef struct keys_run {
    state_world *world;
    const state_op *op;
    state_lines lines;
} keys_run;

/* Adds an entry to the state, under the key with an x added and the void namespace. */
static cairn_code grow(keys_run *run, const cairn_state_key *key, cairn_error *err)
{
    static const state_verb verbs[STATE_KINDS] = {VERB_UPDATE, VERB_ADD, VERB_PUT, VERB_ADD,
                                                  VERB_ADD};
    CAIRN_AUTO(cairn_buf) longer = {0};
    const cairn_slice entry = cairn_slice_of("x");
    const state_op op = {verbs[run->op->handle % STATE_KINDS], run->op->handle, 1, {entry, entry}};

    state_print(&longer, key->key);
    state_print(&longer, entry);
    CAIRN_TRY(keyed_state_set_key(run->world->states, cairn_buf_slice(&longer), err));
    return run_write(run->world, &op, err);
}

static cairn_code visit_key(void *context, const cairn_state_key *key, cairn_error *err)
{
    keys_run *run = context;

    CAIRN_ASSERT(key->key_group == cairn_key_group_of(key->key, STATE_WORLD_PARALLELISM));
    state_lines_add(&run->lines, key->key, "/", key->name_space);
    if (run->op->verb == VERB_WIPE) {
        return run_clear(run->world, run->op, err);
    }
    return run->op->verb == VERB_GROW ? grow(run, key, err) : CAIRN_OK;
}

static cairn_code run_keys(state_world *world, const state_op *op, state_lines *lines,
                           cairn_error *err)
{
    keys_run run = {world, op, {0}};
    const char *name = state_handle_name(op->handle);
    const cairn_slice *name_space = op->words > 0 ? &op->word[0] : NULL;
    cairn_code code =
        op->verb == VERB_WIPE
            ? keyed_state_apply_to_all_keys(world->states, name, name_space, visit_key, &run, err)
            : keyed_state_visit_keys(world->states, name, name_space, visit_key, &run, err);

    *lines = run.lines;
    return code;
}

/* --- all operations --------------------------------------------------------------------------- */

static cairn_code run_whole(state_world *world, const state_op *op, cairn_error *err)
{
    switch ((int)op->verb) {
    case VERB_KEY:
        return keyed_state_set_key(world->states, op->word[0], err);
    case VERB_NAMESPACE:
        return keyed_state_set_namespace(world->states, op->word[0], err);
    case VERB_SNAPSHOT:
        return begin_snapshot(world, err);
    case VERB_ADVANCE:
        atomic_fetch_add(&world->now_ms, state_op_ms(op));
        return CAIRN_OK;
    default:
        return restore(world, err);
    }
}

static void print_done(cairn_code code, const cairn_error *err, cairn_buf *out)
{
    state_print_code(code, out);
    if (code != CAIRN_OK && code != CAIRN_E_STATE && code != CAIRN_E_FAILED) {
        state_print(out, cairn_slice_of(" "));
        state_print(out, cairn_slice_of(err->message));
    }
}

static void run_lines(state_world *world, const state_op *op, cairn_buf *out)
{
    state_lines lines = {0};
    CAIRN_AUTO(cairn_buf) text = {0};
    cairn_error err = {0};
    const cairn_code code = op->verb >= VERB_KEYS ? run_keys(world, op, &lines, &err)
                                                  : run_entries(world, op, &lines, &err);

    state_lines_finish(&lines, code == CAIRN_OK ? out : &text);
    if (code != CAIRN_OK) {
        print_done(code, &err, out);
    }
}

static void run(void *self, const state_op *op, cairn_buf *out)
{
    state_world *world = self;
    cairn_error err = {0};
    cairn_code code;

    if (state_verb_has_handle(op->verb) && !world->has_group[op->handle / STATE_KINDS]) {
        CAIRN_ASSERT(open_group(world, op->handle / STATE_KINDS, &err) == CAIRN_OK);
    }
    if (op->verb >= VERB_ENTRIES) {
        run_lines(world, op, out);
    } else if (op->verb == VERB_GET || op->verb == VERB_CONTAINS || op->verb == VERB_IS_EMPTY) {
        code = op->verb == VERB_GET ? run_get(world, op, out, &err)
                                    : run_question(world, op, out, &err);
        if (code != CAIRN_OK) {
            print_done(code, &err, out);
        }
    } else {
        code = state_verb_has_handle(op->verb) ? run_write(world, op, &err)
                                               : run_whole(world, op, &err);
        print_done(code, &err, out);
    }
}

state_subject state_world_subject(state_world *world)
{
    return (state_subject){run, world};
}
