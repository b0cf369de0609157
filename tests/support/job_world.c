#include "test.h"

#include "job_world.h"

#include "gc_plan.h"
#include "layout.h"

#include <stdio.h>
#include <stdlib.h>

#define VALUE_BYTES_MAX 128

int job_world_new(job_world **out)
{
    job_world *world = calloc(1, sizeof *world);
    char path[TMPDIR_PATH_BYTES];

    if (world == NULL) {
        return 1;
    }
    world->dir = tmpdir_new();
    if (world->dir == NULL || cairn_dir_store_new(tmpdir_join(world->dir, "store", path), NULL,
                                                  &world->directory, NULL) != CAIRN_OK) {
        return 1;
    }
    world->store = world->directory;
    world->keys = JOB_KEYS;
    *out = world;
    return 0;
}

void job_world_free(job_world *world)
{
    cairn_store_free(world->directory);
    tmpdir_free(world->dir);
    free(world);
}

cairn_backend_options job_options(const job_world *world)
{
    cairn_backend_options options = CAIRN_BACKEND_OPTIONS_INIT;

    options.store = world->store;
    options.job = JOB_NAME;
    options.operator_uid = "op";
    options.memory_bytes = (uint64_t)32 << 20;
    options.state_backend = world->state_backend;
    return options;
}

cairn_code job_try_open(job_world *world, const char *name, const cairn_backend_options *options,
                        cairn_backend **out, cairn_error *err)
{
    cairn_backend_options used = options == NULL ? job_options(world) : *options;
    char local[64];
    char path[TMPDIR_PATH_BYTES];

    (void)snprintf(local, sizeof local, "local-%s", name);
    used.local_dir = tmpdir_join(world->dir, local, path);
    return cairn_backend_open(&used, out, err);
}

cairn_backend *job_open(job_world *world, const char *name, const cairn_backend_options *options)
{
    cairn_backend *backend = NULL;
    cairn_error err = {0};

    ASSERT_OK(job_try_open(world, name, options, &backend, &err), &err);
    return backend;
}

static cairn_code try_open_state(cairn_backend *backend, cairn_value_state **out, cairn_error *err)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    descriptor.name = "values";
    return cairn_value_state_open(backend, &descriptor, out, err);
}

static cairn_value_state *open_state(cairn_backend *backend)
{
    cairn_value_state *state = NULL;
    cairn_error err = {0};

    ASSERT_OK(try_open_state(backend, &state, &err), &err);
    return state;
}

static cairn_slice make_key(uint64_t number, char out[32])
{
    int length = snprintf(out, 32, "key-%c%llu", '\0', (unsigned long long)number);

    return (cairn_slice){out, (size_t)length};
}

static bool clears(uint64_t operation)
{
    return operation % 13 == 12;
}

static cairn_slice make_value(uint64_t operation, char out[VALUE_BYTES_MAX])
{
    int width = (int)(operation % 100);
    int length =
        snprintf(out, VALUE_BYTES_MAX, "v%llu%*s", (unsigned long long)operation, width, "");

    return (cairn_slice){out, (size_t)length};
}

cairn_code job_try_write(job_world *world, cairn_backend *backend, uint64_t first, uint64_t end,
                         cairn_error *err)
{
    cairn_value_state *state = NULL;
    char key[32];
    char value[VALUE_BYTES_MAX];

    CAIRN_TRY(try_open_state(backend, &state, err));
    for (uint64_t n = first; n < end; n++) {
        CAIRN_TRY(cairn_backend_set_key(backend, make_key(n % world->keys, key), err));
        CAIRN_TRY(clears(n) ? cairn_value_clear(state, err)
                            : cairn_value_update(state, make_value(n, value), err));
    }
    return CAIRN_OK;
}

void job_write(job_world *world, cairn_backend *backend, uint64_t first, uint64_t end)
{
    cairn_error err = {0};

    ASSERT_OK(job_try_write(world, backend, first, end, &err), &err);
}

/* The last operation on a key among the first `end`, or UINT64_MAX. */
static uint64_t last_operation(const job_world *world, uint64_t number, uint64_t end)
{
    return number >= end ? UINT64_MAX : number + (end - 1 - number) / world->keys * world->keys;
}

void job_expect_prefix(job_world *world, cairn_backend *backend, uint64_t end)
{
    cairn_value_state *state = open_state(backend);
    cairn_error err = {0};
    char key[32];
    char value[VALUE_BYTES_MAX];

    for (uint64_t number = 0; number < world->keys; number++) {
        cairn_slice stored = {0};
        bool found = false;
        uint64_t last = last_operation(world, number, end);
        bool expected = last != UINT64_MAX && !clears(last);
        ASSERT_OK(cairn_backend_set_key(backend, make_key(number, key), &err), &err);
        ASSERT_OK(cairn_value_get(state, &stored, &found, &err), &err);
        if (found != expected) {
            fail_msg("key %llu is %s after %llu operations", (unsigned long long)number,
                     found ? "a phantom" : "lost", (unsigned long long)end);
        }
        if (found && !cairn_slice_equal(stored, make_value(last, value))) {
            fail_msg("key %llu holds %.*s, expected operation %llu", (unsigned long long)number,
                     (int)stored.len, (const char *)stored.data, (unsigned long long)last);
        }
    }
}

static cairn_code try_take(cairn_backend *backend, const cairn_checkpoint_request *request,
                           cairn_checkpoint_stats *out, cairn_error *err)
{
    cairn_checkpoint *checkpoint = NULL;

    CAIRN_TRY(cairn_checkpoint_begin(backend, request, &checkpoint, err));
    const cairn_code code = cairn_checkpoint_wait(checkpoint, 60000, err);
    cairn_checkpoint_get_stats(checkpoint, out);
    cairn_checkpoint_free(checkpoint);
    return code;
}

static void take(cairn_backend *backend, const cairn_checkpoint_request *request,
                 cairn_checkpoint_stats *out)
{
    cairn_error err = {0};

    ASSERT_OK(try_take(backend, request, out, &err), &err);
}

static cairn_code try_at(cairn_backend *backend, uint64_t records, cairn_checkpoint_stats *out,
                         cairn_error *err)
{
    cairn_source_position position = {(char[]){"input"}, records * 10, records};
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;

    request.positions = &position;
    request.position_count = 1;
    return try_take(backend, &request, out, err);
}

void job_checkpoint_stats(cairn_backend *backend, uint64_t records, cairn_checkpoint_stats *out)
{
    cairn_error err = {0};

    ASSERT_OK(try_at(backend, records, out, &err), &err);
}

cairn_code job_try_checkpoint(cairn_backend *backend, uint64_t records, uint64_t *out_id,
                              cairn_error *err)
{
    cairn_checkpoint_stats stats = {0};
    const cairn_code code = try_at(backend, records, &stats, err);

    if (out_id != NULL) {
        *out_id = stats.id;
    }
    return code;
}

uint64_t job_checkpoint(cairn_backend *backend, uint64_t records)
{
    cairn_checkpoint_stats stats = {0};

    job_checkpoint_stats(backend, records, &stats);
    return stats.id;
}

void job_checkpoint_with_output(job_world *world, cairn_backend *backend, const char *text)
{
    cairn_source_position position = {(char[]){"input"}, 77, 7};
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint_stats stats;
    char path[TMPDIR_PATH_BYTES];
    cairn_output_file output = {"segment-0", tmpdir_join(world->dir, "segment", path)};
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    request.positions = &position;
    request.position_count = 1;
    request.operator_state = cairn_slice_of("abc");
    request.outputs = &output;
    request.output_count = 1;
    take(backend, &request, &stats);
}

static cairn_history *load(job_world *world)
{
    cairn_history *history = NULL;
    cairn_error err = {0};

    ASSERT_OK(cairn_history_load(world->directory, NULL, JOB_NAME, &history, &err), &err);
    return history;
}

static void expect(job_world *world, const uint64_t *ids, bool counting)
{
    cairn_history *history = load(world);
    size_t next = 0;

    for (size_t i = 0; i < cairn_history_count(history); i++) {
        const cairn_history_entry *entry = cairn_history_at(history, i);
        bool commit = entry->manifest != NULL && entry->manifest->kind == CAIRN_MANIFEST_CHECKPOINT;
        if (commit && (entry->counts || !counting)) {
            assert_int_equal(entry->id, ids[next]);
            next++;
        }
    }
    assert_int_equal(ids[next], 0);
    cairn_history_free(history);
}

void job_expect_ids(job_world *world, const uint64_t *ids)
{
    expect(world, ids, false);
}

void job_expect_counting(job_world *world, const uint64_t *ids)
{
    expect(world, ids, true);
}

static cairn_code check_object(void *context, const char *key, const cairn_object_info *info,
                               cairn_error *err)
{
    const key_list *named = context;
    const char *below = key + strlen(JOB_NAME "/");
    layout_object object = layout_parse(below);

    (void)info;
    (void)err;
    if (object.kind == CAIRN_LAYOUT_PRIVATE || object.kind == CAIRN_LAYOUT_SHARED ||
        object.kind == CAIRN_LAYOUT_OTHER) {
        if (!key_list_contains(named, below)) {
            fail_msg("%s is garbage: no standing checkpoint names it", below);
        }
    }
    return CAIRN_OK;
}

void job_expect_no_garbage(job_world *world)
{
    cairn_history *history = load(world);
    key_list named = {0};
    cairn_error err = {0};

    for (size_t i = 0; i < cairn_history_count(history); i++) {
        const cairn_history_entry *entry = cairn_history_at(history, i);
        assert_non_null(entry->manifest);
        ASSERT_OK(gc_add_named(entry->manifest, &named, &err), &err);
    }
    key_list_sort(&named);
    ASSERT_OK(cairn_store_list(world->directory, NULL, JOB_NAME "/", check_object, &named, &err),
              &err);
    key_list_release(&named);
    cairn_history_free(history);
}

static void flip_middle(const char *path)
{
    FILE *file = fopen(path, "r+b");

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long middle = ftell(file) / 2;
    assert_int_equal(fseek(file, middle, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, middle, SEEK_SET), 0);
    assert_int_not_equal(fputc(byte ^ 1, file), EOF);
    assert_int_equal(fclose(file), 0);
}

void job_flip_file_of(job_world *world, uint64_t id, const char *prefix)
{
    const cairn_history_entry *entry = NULL;
    cairn_history *history = load(world);
    char name[2048];
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    bool flipped = false;

    ASSERT_OK(cairn_history_find(history, id, &entry, &err), &err);
    const cairn_subtask_info *subtask = &entry->manifest->operators[0].subtasks[0];
    for (size_t i = 0; i < subtask->file_count && !flipped; i++) {
        if (strncmp(subtask->files[i].name, prefix, strlen(prefix)) == 0) {
            (void)snprintf(name, sizeof name, "store/" JOB_NAME "/%s", subtask->files[i].key);
            flip_middle(tmpdir_join(world->dir, name, path));
            flipped = true;
        }
    }
    assert_true(flipped);
    cairn_history_free(history);
}

void job_expect_file(const char *path, const char *text)
{
    char read[1024] = {0};
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    (void)fread(read, 1, sizeof read - 1, file);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(read, text);
}
