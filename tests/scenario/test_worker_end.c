/*
 * The calls of a job that no record leads to: end_of_input, which is done once whatever fails, and
 * advance, whose lines come out while no record comes.
 */
#include "test.h"

#include <cairn/savepoint.h>

#include "buf.h"
#include "model.h"
#include "worker_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDS 10
#define EVERY   4

/* What the job does and has seen; cleared for each run but for the plan. */
static struct {
    worker_world *test;
    bool fail_at_end;
    bool emit_in_open;
    uint64_t stop_at;
    uint64_t advances_wanted; /* the advance that puts a line out; 0: none */
    uint64_t records;
    uint64_t ends;
    uint64_t records_at_end;
    uint64_t advances;
    int64_t last_ms;
    uint64_t reports;
    uint64_t stop_at_report;
    cairn_value_state *count;
    cairn_worker_result result;
} job;

static cairn_code open_job(cairn_job_context *context, void **self, cairn_error *err)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    *self = NULL;
    descriptor.name = "count";
    descriptor.value_serializer = "u64";
    if (job.emit_in_open) {
        return cairn_job_emit(context, cairn_slice_of("too early"), err);
    }
    return cairn_value_state_open(cairn_job_backend(context), &descriptor, &job.count, err);
}

static cairn_code split(void *self, cairn_job_context *context, cairn_slice record,
                        cairn_error *err)
{
    (void)self;
    job.records++;
    if (job.records == job.stop_at) {
        job.test->stop = 1;
    }
    return cairn_job_keyed(context, cairn_slice_of("all"), record, err);
}

static cairn_code count_one(cairn_error *err)
{
    uint64_t count = 0;
    bool found = false;

    CAIRN_TRY(cairn_value_get_u64(job.count, &count, &found, err));
    return cairn_value_update_u64(job.count, count + 1, err);
}

static cairn_code process(void *self, cairn_job_context *context, cairn_slice key,
                          cairn_slice value, cairn_error *err)
{
    (void)self;
    (void)key;
    CAIRN_TRY(count_one(err));
    return cairn_job_emit(context, value, err);
}

/* Puts the count out, and counts itself: done twice it would show. */
static cairn_code end_of_input(void *self, cairn_job_context *context, cairn_error *err)
{
    char line[32];
    uint64_t count = 0;
    bool found = false;

    (void)self;
    job.ends++;
    job.records_at_end = job.records;
    CAIRN_TRY(cairn_backend_set_key(cairn_job_backend(context), cairn_slice_of("all"), err));
    CAIRN_TRY(cairn_value_get_u64(job.count, &count, &found, err));
    (void)snprintf(line, sizeof(line), "end of %u", (unsigned)count);
    CAIRN_TRY(cairn_job_emit(context, cairn_slice_of(line), err));
    CAIRN_TRY(count_one(err));
    return job.fail_at_end ? CAIRN_E_FAILED : CAIRN_OK;
}

static cairn_code advance(void *self, cairn_job_context *context, int64_t now_ms, cairn_error *err)
{
    (void)self;
    job.advances++;
    job.last_ms = now_ms;
    return job.advances == job.advances_wanted
               ? cairn_job_emit(context, cairn_slice_of("advanced"), err)
               : CAIRN_OK;
}

static const cairn_job ending_job = {
    .version = CAIRN_JOB_VERSION,
    .name = "ending",
    .open = open_job,
    .split = split,
    .process = process,
    .end_of_input = end_of_input,
};
static const cairn_job endless_job = {
    .version = CAIRN_JOB_VERSION,
    .name = "ending",
    .open = open_job,
    .split = split,
    .process = process,
    .advance = advance,
};

static int setup(void **state)
{
    memset(&job, 0, sizeof(job));
    return worker_world_setup(state);
}

static void write_input(const worker_world *test, const char *mode, unsigned first, unsigned count)
{
    FILE *file = fopen(test->input, mode);

    assert_non_null(file);
    for (unsigned i = first; i < first + count; i++) {
        assert_true(fprintf(file, "%u\n", i) > 0);
    }
    assert_int_equal(fclose(file), 0);
}

static cairn_worker_options options_of(worker_world *test)
{
    cairn_worker_options options = worker_world_options(test);

    write_input(test, "we", 0, RECORDS);
    options.checkpoint_every_records = EVERY;
    return options;
}

static cairn_code run(worker_world *test, const cairn_worker_options *options,
                      const cairn_job *what, cairn_error *err)
{
    job.result = (cairn_worker_result){0};
    job.test = test;
    job.records = 0;
    job.ends = 0;
    job.advances = 0;
    test->stop = 0;
    return cairn_worker_run(options, what, &job.result, err);
}

static void run_well(worker_world *test, const cairn_worker_options *options, const cairn_job *what)
{
    cairn_error err = {0};

    ASSERT_OK(run(test, options, what, &err), &err);
}

static void assert_output(const worker_world *test, const char *expected)
{
    CAIRN_AUTO(cairn_buf) output = {0};

    model_read_output(test->output_dir, &output);
    assert_non_null(buf_text(&output));
    assert_string_equal(buf_text(&output), expected);
}

#define ALL_RECORDS "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"

static void the_end_is_called_once_behind_the_last_record(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = options_of(test);

    run_well(test, &options, &ending_job);
    assert_int_equal(job.ends, 1);
    assert_int_equal(job.records_at_end, RECORDS);
    const uint64_t last = job.result.last_checkpoint_id;
    run_well(test, &options, &ending_job);

    assert_int_equal(job.ends, 0);
    assert_int_equal(job.result.last_checkpoint_id, last);
    assert_output(test, ALL_RECORDS "end of 10\n");
}

static void an_input_without_records_has_an_end_too(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = options_of(test);

    write_input(test, "we", 0, 0);
    run_well(test, &options, &ending_job);
    run_well(test, &options, &ending_job);

    assert_int_equal(job.ends, 0);
    assert_output(test, "end of 0\n");
}

static void an_end_that_fails_has_put_nothing_out_and_comes_again(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = options_of(test);
    cairn_error err = {0};

    job.fail_at_end = true;
    ASSERT_CODE(run(test, &options, &ending_job, &err), CAIRN_E_FAILED, &err);
    ASSERT_MESSAGE_HAS(&err, "job ending at the end of ");
    assert_output(test, "0\n1\n2\n3\n4\n5\n6\n7\n");
    job.fail_at_end = false;
    run_well(test, &options, &ending_job);

    assert_int_equal(job.ends, 1);
    assert_output(test, ALL_RECORDS "end of 10\n");
}

static void checkpoints_that_fail_at_the_end_do_not_call_it_again(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = options_of(test);

    options.checkpoint_every_records = 0;
    options.tolerable_failures = 2;
    store_fault *fault =
        worker_world_failing_puts(test->checkpoints, "*chk-*", 2, CAIRN_E_NO_SPACE);
    options.backend.store = store_fault_store(fault);
    run_well(test, &options, &ending_job);

    assert_int_equal(job.ends, 1);
    assert_output(test, ALL_RECORDS "end of 10\n");
    store_fault_free(fault);
}

static void a_checkpoint_at_the_end_that_fails_for_good_leaves_it_to_the_next_run(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = options_of(test);
    cairn_error err = {0};

    store_fault *fault =
        worker_world_failing_puts(test->checkpoints, "*chk-3*", UINT64_MAX, CAIRN_E_NO_SPACE);
    options.backend.store = store_fault_store(fault);
    ASSERT_CODE(run(test, &options, &ending_job, &err), CAIRN_E_NO_SPACE, &err);
    assert_int_equal(job.ends, 1);
    options.backend.store = test->checkpoints;
    run_well(test, &options, &ending_job);

    assert_int_equal(job.ends, 1);
    assert_output(test, ALL_RECORDS "end of 10\n");
    store_fault_free(fault);
}

static void a_stop_at_the_last_record_is_not_the_end(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = options_of(test);

    job.stop_at = RECORDS;
    run_well(test, &options, &ending_job);
    assert_int_equal(job.ends, 0);
    assert_output(test, ALL_RECORDS);
    job.stop_at = 0;
    run_well(test, &options, &ending_job);

    assert_int_equal(job.ends, 1);
    assert_int_equal(job.records_at_end, 0);
    assert_output(test, ALL_RECORDS "end of 10\n");
}

static void ask_for_a_stop(void *context, const char *key)
{
    worker_world *test = context;

    (void)key;
    __atomic_store_n(&test->stop, 1, __ATOMIC_SEQ_CST); /* a watch looks at it too */
}

static void a_stop_while_the_last_records_are_published_is_not_the_end(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = options_of(test);
    const store_fault_rule rule = {.ops = STORE_FAULT_PUT,
                                   .key = "part-*",
                                   .nth = 2,
                                   .after = true,
                                   .action = STORE_FAULT_HOOK,
                                   .hook = ask_for_a_stop,
                                   .context = test};
    store_fault *fault = NULL;

    options.checkpoint_every_records = RECORDS / 2;
    assert_int_equal(store_fault_new(test->output, &fault, NULL), CAIRN_OK);
    store_fault_add(fault, &rule);
    options.output = store_fault_store(fault);
    run_well(test, &options, &ending_job);

    assert_int_equal(job.ends, 0);
    assert_true(job.result.stopped);
    assert_output(test, ALL_RECORDS);
    store_fault_free(fault);
}

static void records_behind_the_end_are_refused(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = options_of(test);
    cairn_error err = {0};

    run_well(test, &options, &ending_job);
    write_input(test, "ae", RECORDS, 1);

    ASSERT_CODE(run(test, &options, &ending_job, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "goes on where job ending has ended");
    assert_output(test, ALL_RECORDS "end of 10\n");
}

static void a_job_without_an_end_goes_on_with_an_input_that_has_grown(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = options_of(test);

    run_well(test, &options, &endless_job);
    write_input(test, "ae", RECORDS, 1);
    run_well(test, &options, &endless_job);

    assert_output(test, ALL_RECORDS "10\n");
}

static void a_job_that_learns_of_the_end_later_is_called(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = options_of(test);

    run_well(test, &options, &endless_job);
    run_well(test, &options, &ending_job);

    assert_int_equal(job.ends, 1);
    assert_output(test, ALL_RECORDS "end of 10\n");
}

/* Called by the worker: ends the run once the line of advance is published. */
static void stop_when_published(void *context, const cairn_worker_progress *progress)
{
    worker_world *test = context;

    if (progress->backend.completed_checkpoints == 2) {
        test->stop = 1;
    }
}

static void stop_at_first_commit(void *context, const cairn_worker_progress *progress)
{
    worker_world *test = context;

    if (progress->backend.completed_checkpoints == 1) {
        test->stop = 1;
    }
}

#define TIME_MS 12345

static uint64_t fixed_time(void *context)
{
    (void)context;
    return TIME_MS;
}

/* The input becomes a stream without end while what is given is open. */
static int make_silent(const worker_world *test)
{
    assert_int_equal(unlink(test->input), 0);
    assert_int_equal(mkfifo(test->input, 0600), 0);
    const int writer = open(test->input, O_RDWR | O_CLOEXEC);
    assert_true(writer >= 0);
    return writer;
}

static void lines_of_advance_come_out_while_no_record_comes(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = options_of(test);

    const int writer = make_silent(test);
    assert_int_equal(write(writer, "0\n", 2), 2);
    options.checkpoint_every_records = 1;
    options.checkpoint_interval_ms = 1;
    options.progress = stop_when_published;
    options.progress_context = test;
    options.backend.clock.now_ms = fixed_time;
    job.advances_wanted = 3;

    run_well(test, &options, &endless_job);

    assert_true(job.advances >= 3);
    assert_int_equal(job.last_ms, TIME_MS);
    assert_output(test, "0\nadvanced\n");
    assert_int_equal(close(writer), 0);
}

static void stop_after_some_reports(void *context, const cairn_worker_progress *progress)
{
    worker_world *test = context;

    (void)progress;
    job.reports++;
    if (job.reports == job.stop_at_report) {
        test->stop = 1;
    }
}

static void a_job_that_has_ended_is_not_advanced_while_its_stream_is_silent(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = options_of(test);
    cairn_job both = ending_job;

    both.advance = advance;
    run_well(test, &options, &both);
    const uint64_t last = job.result.last_checkpoint_id;
    const int writer = make_silent(test);
    options.progress = stop_after_some_reports;
    options.progress_context = test;
    job.stop_at_report = 3; /* the third one comes from the loop */
    job.advances_wanted = 1;
    run_well(test, &options, &both);

    assert_int_equal(job.advances, 0);
    assert_int_equal(job.result.last_checkpoint_id, last);
    assert_output(test, ALL_RECORDS "end of 10\n");
    assert_int_equal(close(writer), 0);
}

static void make_savepoint(const worker_world *test, const char *name)
{
    cairn_savepoint_options options = CAIRN_SAVEPOINT_OPTIONS_INIT;
    cairn_savepoint_report report = {0};
    cairn_error err = {0};

    options.name = name;
    options.scratch_dir = test->dir->path;
    ASSERT_OK(cairn_savepoint_create(test->checkpoints, NULL, "ending", &options, &report, &err),
              &err);
}

/* A start from a savepoint whose stream is silent: what ends it is a checkpoint's commit, or, with
 * no checkpoint by time, a stop right behind the start. */
static void run_from_savepoint_in_silence(worker_world *test, bool by_time)
{
    const cairn_savepoint_source source = {NULL, "ending", "s"};
    cairn_worker_options options = options_of(test);
    const int writer = make_silent(test);

    options.backend.restore = CAIRN_RESTORE_SAVEPOINT;
    options.backend.savepoint = &source;
    options.checkpoint_interval_ms = by_time ? 1 : 0;
    options.progress = by_time ? stop_at_first_commit : stop_after_some_reports;
    options.progress_context = test;
    job.reports = 0;
    job.stop_at_report = 1;
    run_well(test, &options, &endless_job);
    assert_int_equal(close(writer), 0);
    assert_int_equal(unlink(test->input), 0);
}

static void a_stream_that_is_silent_after_a_start_from_a_savepoint_has_checkpoints(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = options_of(test);
    cairn_error err = {0};

    run_well(test, &options, &endless_job);
    make_savepoint(test, "s");
    for (int by_time = 0; by_time < 2; by_time++) {
        const uint64_t last = job.result.last_checkpoint_id;

        run_from_savepoint_in_silence(test, by_time == 1);
        assert_true(job.result.last_checkpoint_id > last);
        assert_int_equal(job.result.committed_records, RECORDS);
    }
    write_input(test, "we", 1, RECORDS);
    ASSERT_CODE(run(test, &options, &endless_job, &err), CAIRN_E_INTEGRITY, &err);
    write_input(test, "we", 0, RECORDS + 1);
    run_well(test, &options, &endless_job);
    assert_output(test, ALL_RECORDS "10\n");
}

static void a_line_put_out_in_open_is_refused(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = options_of(test);
    cairn_error err = {0};

    job.emit_in_open = true;

    ASSERT_CODE(run(test, &options, &ending_job, &err), CAIRN_E_STATE, &err);
    ASSERT_MESSAGE_HAS(&err, "not allowed in open");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, worker_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_end_is_called_once_behind_the_last_record),
        TEST(an_input_without_records_has_an_end_too),
        TEST(an_end_that_fails_has_put_nothing_out_and_comes_again),
        TEST(checkpoints_that_fail_at_the_end_do_not_call_it_again),
        TEST(a_checkpoint_at_the_end_that_fails_for_good_leaves_it_to_the_next_run),
        TEST(a_stop_at_the_last_record_is_not_the_end),
        TEST(a_stop_while_the_last_records_are_published_is_not_the_end),
        TEST(records_behind_the_end_are_refused),
        TEST(a_job_without_an_end_goes_on_with_an_input_that_has_grown),
        TEST(a_job_that_learns_of_the_end_later_is_called),
        TEST(lines_of_advance_come_out_while_no_record_comes),
        TEST(a_job_that_has_ended_is_not_advanced_while_its_stream_is_silent),
        TEST(a_stream_that_is_silent_after_a_start_from_a_savepoint_has_checkpoints),
        TEST(a_line_put_out_in_open_is_refused),
    };

    return cmocka_run_group_tests_name("worker at the end", tests, NULL, NULL);
}
