/*
 * Which files of a restore share their bytes with a directory store on the same file system: tables
 * of the working state alone, which RocksDB never writes again. What it writes, and what a user is
 * given, are files of their own, so an older checkpoint stays what it was.
 */
#include "test.h"

#include <cairn/cairn.h>

#include "job_world.h"
#include "store_fault.h"

#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>

#define CHECKPOINTS 6
#define OPERATIONS  20000

static int setup(void **state)
{
    return job_world_new((job_world **)state);
}

static int teardown(void **state)
{
    job_world_free(*state);
    return 0;
}

/* What nftw has seen below a folder; it takes no context. */
static struct {
    size_t tables;
    size_t unshared_tables; /* with one name only */
    size_t others;
    size_t shared_others;
    bool manifest;
    bool current;
} seen;

static int look_at(const char *path, const struct stat *info, int type, struct FTW *place)
{
    const char *name = path + place->base;
    const size_t len = strlen(name);

    if (type != FTW_F) {
        return 0;
    }
    if (len > 4 && strcmp(name + len - 4, ".sst") == 0) {
        seen.tables++;
        seen.unshared_tables += info->st_nlink < 2;
        return 0;
    }
    seen.others++;
    seen.shared_others += info->st_nlink != 1;
    seen.manifest = seen.manifest || strncmp(name, "MANIFEST-", 9) == 0;
    seen.current = seen.current || strcmp(name, "CURRENT") == 0;
    return 0;
}

static void look_below(const job_world *world, const char *folder)
{
    char path[TMPDIR_PATH_BYTES];

    memset(&seen, 0, sizeof(seen));
    assert_int_equal(nftw(tmpdir_join(world->dir, folder, path), look_at, 16, FTW_PHYS), 0);
    assert_true(seen.tables > 0 && seen.manifest && seen.current);
}

/* A folder as it was after a download. */
typedef struct download_watch {
    char folder[TMPDIR_PATH_BYTES];
    size_t others;
    size_t shared_others;
} download_watch;

/* On each thread that downloads: the one of the pool, and the test's own, which helps while it
 * waits. */
static void look_at_download(void *context, const char *key)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    download_watch *watch = context;

    (void)key;
    (void)pthread_mutex_lock(&one_at_a_time);
    memset(&seen, 0, sizeof(seen));
    (void)nftw(watch->folder, look_at, 16, FTW_PHYS);
    watch->others += seen.others;
    watch->shared_others += seen.shared_others;
    (void)pthread_mutex_unlock(&one_at_a_time);
}

/* Checkpoints of an attempt "a", which ends. */
static void make_checkpoints(job_world *world, uint64_t count)
{
    cairn_backend_options options = job_options(world);
    options.num_retained = CHECKPOINTS;
    cairn_backend *backend = job_open(world, "a", &options);

    for (uint64_t i = 0; i < count; i++) {
        job_write(world, backend, i * OPERATIONS, (i + 1) * OPERATIONS);
        job_checkpoint(backend, (i + 1) * OPERATIONS);
    }
    cairn_backend_close(backend);
}

static void only_tables_of_the_working_state_share_bytes_with_the_store(void **state)
{
    job_world *world = *state;
    make_checkpoints(world, 2);

    cairn_backend *backend = job_open(world, "b", NULL);

    look_below(world, "local-b/db");
    assert_int_equal(seen.unshared_tables, 0);
    assert_int_equal(seen.shared_others, 0);
    cairn_backend_close(backend);
}

/* RocksDB replaces some of them when it opens, so they are looked at before. */
static void what_is_no_table_is_downloaded_as_a_file_of_its_own(void **state)
{
    job_world *world = *state;
    download_watch watch = {0};
    store_fault *fault = NULL;
    cairn_error err = {0};
    make_checkpoints(world, 2);
    (void)tmpdir_join(world->dir, "local-b/db.partial", watch.folder);
    ASSERT_OK(store_fault_new(world->directory, &fault, &err), &err);
    store_fault_add(fault, &(store_fault_rule){.ops = STORE_FAULT_GET_FILE,
                                               .always = true,
                                               .after = true,
                                               .action = STORE_FAULT_HOOK,
                                               .hook = look_at_download,
                                               .context = &watch});
    cairn_backend_options options = job_options(world);
    options.store = store_fault_store(fault);
    options.transfer_threads = 1;

    cairn_backend *backend = job_open(world, "b", &options);

    assert_true(watch.others >= 2);
    assert_int_equal(watch.shared_others, 0);
    cairn_backend_close(backend);
    store_fault_free(fault);
}

static void a_restored_history_has_files_of_its_own(void **state)
{
    job_world *world = *state;
    cairn_history *history = NULL;
    cairn_error err = {0};
    char path[TMPDIR_PATH_BYTES];
    make_checkpoints(world, 2);
    ASSERT_OK(cairn_history_load(world->store, NULL, JOB_NAME, &history, &err), &err);

    ASSERT_OK(
        cairn_history_restore(history, NULL, 0, tmpdir_join(world->dir, "restored", path), &err),
        &err);

    look_below(world, "restored");
    assert_int_equal(seen.unshared_tables, seen.tables);
    assert_int_equal(seen.shared_others, 0);
    cairn_history_free(history);
}

static void verify(job_world *world, uint64_t id)
{
    cairn_history *history = NULL;
    cairn_verify_report report;
    cairn_error err = {0};

    ASSERT_OK(cairn_history_load(world->store, NULL, JOB_NAME, &history, &err), &err);
    ASSERT_OK(cairn_history_verify(history, NULL, id, NULL, &report, &err), &err);
    cairn_history_free(history);
}

/* Enough for RocksDB to rewrite and delete the tables that the first checkpoint shares. */
static void an_older_checkpoint_stays_whole_when_the_state_goes_on_from_it(void **state)
{
    job_world *world = *state;
    cairn_backend_options options = job_options(world);
    options.num_retained = CHECKPOINTS;
    options.memory_bytes = (uint64_t)1 << 20;
    make_checkpoints(world, 1);
    cairn_backend *backend = job_open(world, "b", &options);

    for (uint64_t i = 1; i < CHECKPOINTS; i++) {
        job_write(world, backend, i * OPERATIONS, (i + 1) * OPERATIONS);
        job_checkpoint(backend, (i + 1) * OPERATIONS);
        verify(world, 1);
    }

    cairn_backend_close(backend);
    job_expect_counting(world, (uint64_t[]){6, 5, 4, 3, 2, 1, 0});
    verify(world, 1);
    options.restore = CAIRN_RESTORE_ID;
    options.restore_id = 1;
    backend = job_open(world, "c", &options);
    job_expect_prefix(world, backend, OPERATIONS);
    cairn_backend_close(backend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_tables_of_the_working_state_share_bytes_with_the_store,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_table_is_downloaded_as_a_file_of_its_own, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_restored_history_has_files_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_older_checkpoint_stays_whole_when_the_state_goes_on_from_it, setup, teardown),
    };

    return cmocka_run_group_tests_name("backend_links", tests, NULL, NULL);
}
