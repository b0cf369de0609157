#include "test.h"

#include "fault_world.h"

#include "no_waits.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MORE_OPERATIONS 20

/* A sweep opens hundreds of databases: where there is a file system in memory, it takes that. */
static void prefer_memory(void)
{
    if (access("/dev/shm", W_OK | X_OK) == 0) {
        (void)setenv("TMPDIR", "/dev/shm", 0);
    }
}

fault_world *fault_world_new(void)
{
    fault_world *world = calloc(1, sizeof *world);
    cairn_error err = {0};

    prefer_memory();
    assert_non_null(world);
    assert_int_equal(job_world_new(&world->job), 0);
    ASSERT_OK(store_fault_new(world->job->directory, &world->fault, &err), &err);
    world->job->store = store_fault_store(world->fault);
    world->job->keys = FAULT_WORLD_KEYS;
    (void)pthread_mutex_init(&world->logged.lock, NULL);
    return world;
}

void fault_world_free(fault_world *world)
{
    store_fault_free(world->fault);
    job_world_free(world->job);
    (void)pthread_mutex_destroy(&world->logged.lock);
    free(world);
}

int fault_world_setup(void **state)
{
    no_waits(true);
    *state = fault_world_new();
    return 0;
}

int fault_world_teardown(void **state)
{
    fault_world_free(*state);
    return 0;
}

static void keep_line(void *context, cairn_log_level level, const char *line)
{
    fault_world *world = context;

    (void)level;
    (void)pthread_mutex_lock(&world->logged.lock);
    char *end = world->logged.text + world->logged.length;
    const size_t room = FAULT_WORLD_LOG_BYTES - world->logged.length;
    const int length = snprintf(end, room, "%s\n", line);
    world->logged.length += length > 0 && (size_t)length < room ? (size_t)length : 0;
    (void)pthread_mutex_unlock(&world->logged.lock);
}

bool fault_world_logged(fault_world *world, const char *text)
{
    (void)pthread_mutex_lock(&world->logged.lock);
    const bool found = strstr(world->logged.text, text) != NULL;
    (void)pthread_mutex_unlock(&world->logged.lock);
    return found;
}

cairn_backend_options fault_world_options(fault_world *world, uint32_t num_retained)
{
    cairn_backend_options options = job_options(world->job);

    options.num_retained = num_retained;
    options.transfer_threads = 1;
    options.log = (cairn_log){keep_line, world, CAIRN_LOG_WARN};
    return options;
}

static void confirm(fault_world *world, uint64_t records)
{
    world->confirmed = records;
    world->unsure_count = 0;
}

cairn_code fault_world_checkpoint(fault_world *world, cairn_backend *backend, uint64_t records,
                                  cairn_error *err)
{
    const cairn_code code = job_try_checkpoint(backend, records, NULL, err);

    if (code == CAIRN_OK) {
        confirm(world, records);
    } else {
        assert_in_range(world->unsure_count, 0, FAULT_WORLD_UNSURE_MAX - 1);
        world->unsure[world->unsure_count++] = records;
    }
    return code;
}

static bool may_be_restored(const fault_world *world, uint64_t records)
{
    bool may = records == world->confirmed;

    for (size_t i = 0; i < world->unsure_count; i++) {
        may = may || records == world->unsure[i];
    }
    return may;
}

static uint64_t records_of(const cairn_manifest *manifest)
{
    return manifest == NULL ? 0 : manifest->operators[0].subtasks[0].positions[0].records;
}

uint64_t fault_world_expect_restored(fault_world *world, cairn_backend *backend)
{
    const uint64_t records = records_of(cairn_backend_restored(backend));

    if (!may_be_restored(world, records)) {
        fail_msg("%llu operations were restored, but %llu were confirmed (and %zu barriers after)",
                 (unsigned long long)records, (unsigned long long)world->confirmed,
                 world->unsure_count);
    }
    job_expect_prefix(world->job, backend, records);
    confirm(world, records);
    return records;
}

static bool was_put(const store_fault_record *records, size_t end, const char *prefix,
                    const char *suffix)
{
    for (size_t i = 0; i < end; i++) {
        const size_t length = strlen(records[i].key);
        if (records[i].op == STORE_FAULT_PUT && records[i].took_effect &&
            strncmp(records[i].key, prefix, strlen(prefix)) == 0 && length >= strlen(suffix) &&
            strcmp(records[i].key + length - strlen(suffix), suffix) == 0) {
            return true;
        }
    }
    return false;
}

/* Epochs stay; anything else goes only after a certificate or the decision about a checkpoint. */
static bool may_delete(void *context, const store_fault_record *records, size_t index)
{
    (void)context;
    return strncmp(records[index].key, JOB_NAME "/epochs/", strlen(JOB_NAME "/epochs/")) != 0 &&
           (was_put(records, index, JOB_NAME "/gc/", ".json") ||
            was_put(records, index, JOB_NAME "/chk-", "/manifest.json"));
}

/* False if not even an epoch was claimed. */
static bool expect_readable(fault_world *world)
{
    cairn_history *history = NULL;
    cairn_verify_report report;
    cairn_error err = {0};
    const cairn_code code =
        cairn_history_load(world->job->directory, NULL, JOB_NAME, &history, &err);

    if (code == CAIRN_E_NOT_FOUND) {
        assert_int_equal(world->confirmed, 0);
        return false;
    }
    ASSERT_OK(code, &err);
    for (size_t i = 0; i < cairn_history_count(history); i++) {
        const cairn_history_entry *entry = cairn_history_at(history, i);
        ASSERT_OK(entry->code, NULL);
        if (entry->counts) {
            ASSERT_OK(cairn_history_verify(history, NULL, entry->id, NULL, &report, &err), &err);
        }
    }
    cairn_history_free(history);
    return true;
}

static void collect(fault_world *world)
{
    cairn_gc_options options = CAIRN_GC_OPTIONS_INIT;
    cairn_gc_report report;
    cairn_error err = {0};

    options.execute = true;
    ASSERT_OK(cairn_gc(world->job->directory, NULL, JOB_NAME, &options, &report, &err), &err);
}

void fault_world_expect_sound(fault_world *world)
{
    cairn_error err = {0};

    store_fault_clear(world->fault);
    store_fault_check_journal(world->fault, may_delete, NULL);
    (void)expect_readable(world);
    cairn_backend_options options = fault_world_options(world, 1);
    cairn_backend *backend = job_open(world->job, "sound", &options);
    const uint64_t records = fault_world_expect_restored(world, backend);
    job_write(world->job, backend, records, records + MORE_OPERATIONS);
    ASSERT_OK(fault_world_checkpoint(world, backend, records + MORE_OPERATIONS, &err), &err);
    cairn_backend_close(backend);
    collect(world);
    assert_true(expect_readable(world));
    job_expect_no_garbage(world->job);
}
