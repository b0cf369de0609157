/*
 * The hard outcomes of the decision: replies that are lost for good, records of other attempts
 * under the own id, newer attempts that appear in the middle.
 */
#include "test.h"

#include "fault_world.h"
#include "layout.h"
#include "manifest_write.h"

#include <stdio.h>

#define MANIFEST_2 JOB_NAME "/chk-2/manifest.json"

/* The store is deaf on the way to the decision about checkpoint 2, or mute on the way back. */
static void break_decision(fault_world *world, store_fault_action action)
{
    store_fault_add(world->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                      .key = MANIFEST_2,
                                                      .always = true,
                                                      .action = action});
    store_fault_add(world->fault, &(store_fault_rule){.ops = STORE_FAULT_READS | STORE_FAULT_STAT,
                                                      .key = MANIFEST_2,
                                                      .always = true});
}

static cairn_backend *open_with(fault_world *world, const char *name, uint32_t num_retained)
{
    cairn_backend_options options = fault_world_options(world, num_retained);

    return job_open(world->job, name, &options);
}

/* Operations up to `records`, and a checkpoint of them. */
static void commit(fault_world *world, cairn_backend *backend, uint64_t records)
{
    cairn_error err = {0};

    job_write(world->job, backend, world->confirmed, records);
    ASSERT_OK(fault_world_checkpoint(world, backend, records, &err), &err);
}

static void fail_to_commit(fault_world *world, cairn_backend *backend, uint64_t records,
                           cairn_code expected)
{
    cairn_error err = {0};

    job_write(world->job, backend, world->confirmed, records);
    ASSERT_CODE(fault_world_checkpoint(world, backend, records, &err), expected, &err);
}

static cairn_history *load(fault_world *world)
{
    cairn_history *history = NULL;
    cairn_error err = {0};

    ASSERT_OK(cairn_history_load(world->job->directory, NULL, JOB_NAME, &history, &err), &err);
    return history;
}

static void expect_parent(fault_world *world, uint64_t id, uint64_t parent)
{
    const cairn_history_entry *entry = NULL;
    cairn_history *history = load(world);
    cairn_error err = {0};

    ASSERT_OK(cairn_history_find(history, id, &entry, &err), &err);
    assert_int_equal(entry->manifest->kind, CAIRN_MANIFEST_CHECKPOINT);
    assert_int_equal(entry->manifest->parent_id, parent);
    cairn_history_free(history);
}

static void expect_aborted(fault_world *world, uint64_t id)
{
    const cairn_history_entry *entry = NULL;
    cairn_history *history = load(world);
    cairn_error err = {0};

    ASSERT_OK(cairn_history_find(history, id, &entry, &err), &err);
    assert_int_equal(entry->manifest->kind, CAIRN_MANIFEST_ABORTED);
    cairn_history_free(history);
}

static void restores(fault_world *world, const char *name, uint64_t records)
{
    cairn_backend *backend = open_with(world, name, 3);

    assert_int_equal(fault_world_expect_restored(world, backend), records);
    cairn_backend_close(backend);
}

static void a_commit_that_nobody_heard_of_becomes_the_parent(void **state)
{
    fault_world *world = *state;
    cairn_backend *backend = open_with(world, "a", 3);
    commit(world, backend, 100);
    break_decision(world, STORE_FAULT_LOSE_REPLY);
    fail_to_commit(world, backend, 200, CAIRN_E_UNAVAILABLE);
    assert_true(fault_world_logged(world, "checkpoint 2 is undecided"));
    store_fault_clear(world->fault);

    commit(world, backend, 300);

    cairn_backend_close(backend);
    expect_parent(world, 3, 2);
    expect_parent(world, 2, 1);
    job_expect_counting(world->job, (uint64_t[]){3, 2, 1, 0});
    restores(world, "b", 300);
    fault_world_expect_sound(world);
}

static void a_commit_that_nobody_heard_of_is_restored_if_it_is_the_last(void **state)
{
    fault_world *world = *state;
    cairn_backend *backend = open_with(world, "a", 3);
    commit(world, backend, 100);
    break_decision(world, STORE_FAULT_LOSE_REPLY);
    fail_to_commit(world, backend, 200, CAIRN_E_UNAVAILABLE);
    cairn_backend_close(backend);
    store_fault_clear(world->fault);

    restores(world, "b", 200);
    fault_world_expect_sound(world);
}

/* A reply that comes late, but in the time for the abort, is a commit like any other. */
static void a_commit_that_is_heard_of_while_it_is_given_up_is_reported(void **state)
{
    fault_world *world = *state;
    cairn_backend *backend = open_with(world, "a", 3);
    commit(world, backend, 100);
    store_fault_add(world->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                      .key = MANIFEST_2,
                                                      .always = true,
                                                      .action = STORE_FAULT_LOSE_REPLY});
    store_fault_add(world->fault, &(store_fault_rule){
                                      .ops = STORE_FAULT_STAT, .key = MANIFEST_2, .always = true});

    commit(world, backend, 200);

    cairn_backend_close(backend);
    job_expect_counting(world->job, (uint64_t[]){2, 1, 0});
    fault_world_expect_sound(world);
}

static void a_commit_that_never_arrived_is_recorded_as_aborted(void **state)
{
    fault_world *world = *state;
    cairn_backend *backend = open_with(world, "a", 3);
    commit(world, backend, 100);
    break_decision(world, STORE_FAULT_FAIL);
    fail_to_commit(world, backend, 200, CAIRN_E_UNAVAILABLE);
    store_fault_clear(world->fault);

    commit(world, backend, 300);

    cairn_backend_close(backend);
    expect_aborted(world, 2);
    expect_parent(world, 3, 1);
    job_expect_no_garbage(world->job); /* what 2 had uploaded is gone already */
    restores(world, "b", 300);
    fault_world_expect_sound(world);
}

static void take_with_outputs(fault_world *world, cairn_backend *backend, size_t count,
                              cairn_code expected)
{
    cairn_source_position position = {(char[]){"input"}, 0, 0};
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    char paths[2][TMPDIR_PATH_BYTES];
    const cairn_output_file outputs[] = {{"one", tmpdir_join(world->job->dir, "one", paths[0])},
                                         {"two", tmpdir_join(world->job->dir, "two", paths[1])}};
    cairn_checkpoint *checkpoint = NULL;
    cairn_error err = {0};

    for (size_t i = 0; i < count; i++) {
        FILE *file = fopen(paths[i], "w");
        assert_non_null(file);
        assert_true(fputs(outputs[i].name, file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
    request.positions = &position;
    request.position_count = 1;
    request.outputs = outputs;
    request.output_count = count;
    ASSERT_OK(cairn_checkpoint_begin(backend, &request, &checkpoint, &err), &err);
    ASSERT_CODE(cairn_checkpoint_wait(checkpoint, 60000, &err), expected, &err);
    cairn_checkpoint_free(checkpoint);
}

static void expect_output(fault_world *world, cairn_backend *backend, size_t index,
                          const char *text)
{
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    tmpdir_join(world->job->dir, "fetched", path);
    (void)remove(path);
    ASSERT_OK(cairn_backend_fetch_output(backend, index, path, &err), &err);
    job_expect_file(path, text);
}

static void the_output_of_an_unheard_commit_stands_in_the_next_checkpoint(void **state)
{
    fault_world *world = *state;
    cairn_backend *backend = open_with(world, "a", 3);
    commit(world, backend, 100);
    break_decision(world, STORE_FAULT_LOSE_REPLY);
    take_with_outputs(world, backend, 1, CAIRN_E_UNAVAILABLE);
    store_fault_clear(world->fault);
    take_with_outputs(world, backend, 2, CAIRN_OK);
    cairn_backend_close(backend);

    backend = open_with(world, "b", 3);

    assert_int_equal(cairn_backend_restored(backend)->id, 3);
    assert_int_equal(cairn_backend_restored(backend)->parent_id, 2);
    assert_int_equal(cairn_backend_restored(backend)->operators[0].subtasks[0].output_count, 2);
    expect_output(world, backend, 0, "one");
    expect_output(world, backend, 1, "two");
    cairn_backend_close(backend);
}

/* Writes into the store what stands for a decision of checkpoint 2 by the attempt of checkpoint 1.
 */
typedef struct late_abort {
    fault_world *world;
    cairn_code code;
} late_abort;

static void record_abort(void *context, const char *key)
{
    late_abort *self = context;
    cairn_store *store = self->world->job->directory;
    CAIRN_AUTO(cairn_buf) document = {0};
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_manifest *first = NULL;

    self->code =
        cairn_store_get(store, NULL, JOB_NAME "/chk-1/manifest.json", 1 << 20, &document, NULL);
    if (self->code != CAIRN_OK ||
        cairn_manifest_read(cairn_buf_slice(&document), JOB_NAME, 1, &first, NULL) != CAIRN_OK) {
        return;
    }
    cairn_manifest record = {.job = first->job,
                             .id = 2,
                             .kind = CAIRN_MANIFEST_ABORTED,
                             .epoch = first->epoch,
                             .started_ms = first->started_ms,
                             .committed_ms = first->committed_ms,
                             .max_parallelism = first->max_parallelism,
                             .reason = (char[]){"timeout"}};
    memcpy(record.attempt, first->attempt, sizeof record.attempt);
    self->code = manifest_print(&record, &printed, NULL, NULL);
    if (self->code == CAIRN_OK) {
        self->code =
            cairn_store_put(store, NULL, key, cairn_buf_slice(&printed), CAIRN_PUT_CREATE, NULL);
    }
    cairn_manifest_free(first);
}

static void an_abort_record_wins_against_a_commit_that_comes_late(void **state)
{
    fault_world *world = *state;
    late_abort late = {world, CAIRN_E_INTERNAL};
    cairn_backend *backend = open_with(world, "a", 3);
    commit(world, backend, 100);
    store_fault_add(world->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                      .key = MANIFEST_2,
                                                      .action = STORE_FAULT_HOOK,
                                                      .hook = record_abort,
                                                      .context = &late});

    commit(world, backend, 200);

    ASSERT_OK(late.code, NULL);
    cairn_backend_close(backend);
    expect_aborted(world, 2);
    expect_parent(world, 3, 1);
    job_expect_no_garbage(world->job);
    fault_world_expect_sound(world);
}

/* Opens a second attempt, which talks to the store itself, in the middle of a call of the first. */
typedef struct rival {
    fault_world *world;
    cairn_backend *backend;
    cairn_code code;
    cairn_error err;
} rival;

static void open_rival(void *context, const char *key)
{
    rival *self = context;
    cairn_backend_options options = fault_world_options(self->world, 3);

    (void)key;
    options.store = self->world->job->directory;
    self->code = job_try_open(self->world->job, "rival", &options, &self->backend, &self->err);
}

static void open_rival_at(fault_world *world, rival *out, unsigned ops, const char *key, bool after)
{
    *out = (rival){.world = world, .code = CAIRN_E_INTERNAL};
    store_fault_add(world->fault, &(store_fault_rule){.ops = ops,
                                                      .key = key,
                                                      .after = after,
                                                      .action = STORE_FAULT_HOOK,
                                                      .hook = open_rival,
                                                      .context = out});
}

static void an_id_that_an_older_attempt_has_burnt_is_passed_over(void **state)
{
    fault_world *world = *state;
    rival newer;
    cairn_backend *old = open_with(world, "old", 3);
    commit(world, old, 100);
    /* The rival has read and started when the old attempt's commit arrives. */
    open_rival_at(world, &newer, STORE_FAULT_PUT, MANIFEST_2, false);
    fail_to_commit(world, old, 150, CAIRN_E_FENCED);
    ASSERT_OK(newer.code, &newer.err);
    cairn_backend_close(old);
    world->unsure_count = 0; /* it committed, but after the rival had read: it does not count */

    assert_int_equal(fault_world_expect_restored(world, newer.backend), 100);
    commit(world, newer.backend, 300);

    cairn_backend_close(newer.backend);
    expect_parent(world, 3, 1);
    job_expect_counting(world->job, (uint64_t[]){3, 1, 0});
    fault_world_expect_sound(world);
}

static void a_commit_before_the_newer_attempt_reads_counts_though_it_is_not_reported(void **state)
{
    fault_world *world = *state;
    rival newer;
    cairn_backend *old = open_with(world, "old", 3);
    commit(world, old, 100);
    open_rival_at(world, &newer, STORE_FAULT_PUT, MANIFEST_2, true);

    fail_to_commit(world, old, 150, CAIRN_E_FENCED);

    ASSERT_OK(newer.code, &newer.err);
    cairn_backend_close(old);
    assert_int_equal(fault_world_expect_restored(world, newer.backend), 150);
    commit(world, newer.backend, 300);
    cairn_backend_close(newer.backend);
    job_expect_counting(world->job, (uint64_t[]){3, 2, 1, 0});
    fault_world_expect_sound(world);
}

static void an_attempt_that_is_fenced_while_it_aborts_deletes_nothing(void **state)
{
    fault_world *world = *state;
    rival newer;
    cairn_backend *old = open_with(world, "old", 3);
    commit(world, old, 100);
    open_rival_at(world, &newer, STORE_FAULT_PUT, "*/chk-2/*-CURRENT", true);
    store_fault_add(world->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                      .key = "*/chk-2/*-part.json",
                                                      .always = true,
                                                      .code = CAIRN_E_ACCESS});

    fail_to_commit(world, old, 150, CAIRN_E_FENCED);

    ASSERT_OK(newer.code, &newer.err);
    cairn_backend_close(old);
    assert_int_equal(store_fault_calls(world->fault, STORE_FAULT_DELETE), 0);
    expect_aborted(world, 2);
    world->unsure_count = 0;
    assert_int_equal(fault_world_expect_restored(world, newer.backend), 100);
    cairn_backend_close(newer.backend);
    fault_world_expect_sound(world);
}

/* The newer attempt starts between the commit of the older one and its first retention pass. */
static void an_attempt_that_is_overtaken_before_it_retires_deletes_nothing(void **state)
{
    fault_world *world = *state;
    rival newer;
    cairn_error err = {0};
    cairn_backend *old = open_with(world, "old", 1);
    open_rival_at(world, &newer, STORE_FAULT_LIST, JOB_NAME "/epochs*", false);

    commit(world, old, 100);

    cairn_backend_close(old);
    ASSERT_OK(newer.code, &newer.err);
    assert_int_equal(store_fault_calls(world->fault, STORE_FAULT_DELETE), 0);
    assert_int_equal(fault_world_expect_restored(world, newer.backend), 100);
    ASSERT_OK(cairn_backend_check(newer.backend, &err), &err);
    cairn_backend_close(newer.backend);
    fault_world_expect_sound(world);
}

static void a_certificate_of_an_overtaken_attempt_deletes_nothing(void **state)
{
    fault_world *world = *state;
    rival newer;
    cairn_backend *old = open_with(world, "old", 1);
    commit(world, old, 100);
    open_rival_at(world, &newer, STORE_FAULT_PUT, JOB_NAME "/gc/*", false);

    commit(world, old, 200);

    cairn_backend_close(old);
    ASSERT_OK(newer.code, &newer.err);
    assert_int_equal(store_fault_calls(world->fault, STORE_FAULT_DELETE), 0);
    assert_int_equal(fault_world_expect_restored(world, newer.backend), 200);
    cairn_backend_close(newer.backend);
    job_expect_counting(world->job, (uint64_t[]){2, 1, 0});
    fault_world_expect_sound(world);
}

static void refused_deletes_are_a_warning(void **state)
{
    fault_world *world = *state;
    cairn_backend *backend = open_with(world, "a", 1);
    store_fault_add(
        world->fault,
        &(store_fault_rule){.ops = STORE_FAULT_DELETE, .always = true, .code = CAIRN_E_ACCESS});

    commit(world, backend, 100);
    commit(world, backend, 200);
    commit(world, backend, 300);

    cairn_backend_close(backend);
    assert_true(fault_world_logged(world, "is kept: the store refuses to delete it"));
    job_expect_ids(world->job, (uint64_t[]){3, 2, 1, 0});
    restores(world, "b", 300);
    fault_world_expect_sound(world);
}

/* What a manifest names that stands must stand too. */
static void data_of_a_manifest_that_is_held_stays(void **state)
{
    fault_world *world = *state;
    const store_fault_record *records = NULL;
    unsigned refused = 0;
    cairn_backend *backend = open_with(world, "a", 1);
    store_fault_add(world->fault, &(store_fault_rule){.ops = STORE_FAULT_DELETE,
                                                      .key = "*/manifest.json",
                                                      .always = true,
                                                      .code = CAIRN_E_ACCESS});

    commit(world, backend, 100);
    commit(world, backend, 200);
    commit(world, backend, 300);

    cairn_backend_close(backend);
    const size_t count = store_fault_journal(world->fault, &records);
    for (size_t i = 0; i < count; i++) {
        if (records[i].op == STORE_FAULT_DELETE) {
            assert_false(records[i].took_effect);
            refused++;
        }
    }
    assert_true(refused > 0);
    job_expect_ids(world->job, (uint64_t[]){3, 2, 1, 0});
    restores(world, "b", 300);
    fault_world_expect_sound(world);
}

static void deletes_that_fail_are_repeated_by_the_next_pass(void **state)
{
    fault_world *world = *state;
    cairn_backend *backend = open_with(world, "a", 1);
    commit(world, backend, 100);
    store_fault_add(world->fault, &(store_fault_rule){.ops = STORE_FAULT_DELETE, .always = true});
    commit(world, backend, 200);
    commit(world, backend, 300);
    store_fault_clear(world->fault);

    commit(world, backend, 400);

    cairn_backend_close(backend);
    assert_true(fault_world_logged(world, "retention failed, it will be repeated"));
    job_expect_ids(world->job, (uint64_t[]){4, 0});
    job_expect_no_garbage(world->job);
    fault_world_expect_sound(world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fault_world_setup, fault_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_commit_that_nobody_heard_of_becomes_the_parent),
        TEST(a_commit_that_nobody_heard_of_is_restored_if_it_is_the_last),
        TEST(a_commit_that_is_heard_of_while_it_is_given_up_is_reported),
        TEST(a_commit_that_never_arrived_is_recorded_as_aborted),
        TEST(the_output_of_an_unheard_commit_stands_in_the_next_checkpoint),
        TEST(an_abort_record_wins_against_a_commit_that_comes_late),
        TEST(an_id_that_an_older_attempt_has_burnt_is_passed_over),
        TEST(a_commit_before_the_newer_attempt_reads_counts_though_it_is_not_reported),
        TEST(an_attempt_that_is_fenced_while_it_aborts_deletes_nothing),
        TEST(an_attempt_that_is_overtaken_before_it_retires_deletes_nothing),
        TEST(a_certificate_of_an_overtaken_attempt_deletes_nothing),
        TEST(refused_deletes_are_a_warning),
        TEST(data_of_a_manifest_that_is_held_stays),
        TEST(deletes_that_fail_are_repeated_by_the_next_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
