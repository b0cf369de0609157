/*
 * The worker on a real backend, in one process: outputs against the reference model, over stops,
 * errors and lost output stores.
 */
#include "test.h"

#include <cairn/dir.h>
#include <cairn/worker.h>

#include "buf.h"
#include "fsutil.h"
#include "model.h"
#include "store_fault.h"
#include "stores.h"
#include "textgen.h"
#include "tmpdir.h"
#include "worker_world.h"

#include <stdio.h>
#include <unistd.h>

static uint64_t count_lines(cairn_slice text)
{
    const uint8_t *bytes = text.data;
    uint64_t lines = 0;

    for (size_t i = 0; i < text.len; i++) {
        lines += bytes[i] == '\n' ? 1 : 0;
    }
    return lines;
}

static void assert_word_counts(const worker_world *test)
{
    CAIRN_AUTO(cairn_buf) output = {0};
    model_read_output(test->output_dir, &output);
    CAIRN_AUTO(model_counts) expected = model_count_words(cairn_buf_slice(&test->text));
    CAIRN_AUTO(model_counts) found = model_read_counts(cairn_buf_slice(&output));

    assert_true(expected.count > 1000);
    assert_true(model_counts_equal(&found, &expected));
}

static void wordcount_by_count_equals_the_model(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = worker_world_options(test);

    const cairn_worker_result result = worker_world_run_well(test, "wordcount", &options);

    const uint64_t lines = count_lines(cairn_buf_slice(&test->text));
    assert_false(result.stopped);
    assert_int_equal(result.records, lines);
    assert_int_equal(result.published_files, (lines + WORKER_WORLD_EVERY - 1) / WORKER_WORLD_EVERY);
    assert_int_equal(result.last_checkpoint_id, result.published_files);
    assert_word_counts(test);
}

static void wordcount_by_time_equals_the_model(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);
    options.checkpoint_every_records = 0;
    options.checkpoint_interval_ms = 20;

    (void)worker_world_run_well(test, "wordcount", &options);

    assert_word_counts(test);
}

static void line_length_equals_the_model_byte_for_byte(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = worker_world_options(test);

    (void)worker_world_run_well(test, "line-length", &options);

    worker_world_assert_line_lengths(test);
}

/* Published output and the names of its files, in one buffer. */
static void read_published(const char *folder, cairn_buf *out)
{
    CAIRN_AUTO(fs_names) names = {0};

    assert_int_equal(fs_list(folder, &names, NULL), CAIRN_OK);
    for (size_t i = 0; i < names.count; i++) {
        assert_int_equal(buf_printf(out, NULL, "%s\n", names.items[i]), CAIRN_OK);
    }
    model_read_output(folder, out);
}

static void the_same_input_gives_the_same_files(void **state)
{
    worker_world *test = *state;
    CAIRN_AUTO(cairn_buf) first = {0};
    CAIRN_AUTO(cairn_buf) second = {0};
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *other = NULL;
    cairn_worker_options options = worker_world_options(test);
    char folder[TMPDIR_PATH_BYTES];

    (void)worker_world_run_well(test, "wordcount", &options);
    tmpdir_join(test->dir, "other", folder);
    assert_int_equal(cairn_dir_store_new(folder, NULL, &other, NULL), CAIRN_OK);
    options.output = other;
    options.backend.job = "again";
    (void)worker_world_run_well(test, "wordcount", &options);

    read_published(test->output_dir, &first);
    read_published(folder, &second);
    assert_true(cairn_slice_equal(cairn_buf_slice(&first), cairn_buf_slice(&second)));
}

static void wordcount_goes_on_after_a_graceful_stop(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = worker_world_options(test);

    worker_world_disturbed.stop_at = WORKER_WORLD_EVERY + 17;
    worker_world_disturbed.stop_value = 1;
    (void)worker_world_run_well(test, "wordcount", &options);
    worker_world_disturbed.stop_at = 0;
    (void)worker_world_run_well(test, "wordcount", &options);

    assert_word_counts(test);
}

static void a_job_that_fails_goes_on_from_the_last_checkpoint(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = worker_world_options(test);
    cairn_worker_result result = {.records = 4711};
    cairn_error err = {0};

    for (int i = 0; i < 3; i++) {
        worker_world_disturbed.fail_at = WORKER_WORLD_EVERY + 300;
        ASSERT_CODE(worker_world_run(test, "line-length", &options, &result, &err), CAIRN_E_FAILED,
                    &err);
        ASSERT_MESSAGE_HAS(&err, "planted");
        ASSERT_MESSAGE_HAS(&err, "record ");
        assert_int_equal(result.records, 4711);
    }
    worker_world_disturbed.fail_at = 0;
    (void)worker_world_run_well(test, "line-length", &options);

    worker_world_assert_line_lengths(test);
}

static void an_input_without_records_takes_no_checkpoint(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = worker_world_options(test);
    FILE *file = fopen(test->input, "we");

    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    const cairn_worker_result result = worker_world_run_well(test, "wordcount", &options);

    assert_false(result.stopped);
    assert_int_equal(result.records, 0);
    assert_int_equal(result.last_checkpoint_id, 0);
    assert_int_equal(result.published_files, 0);
}

static void a_finished_job_that_is_run_again_changes_nothing(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = worker_world_options(test);

    const cairn_worker_result first = worker_world_run_well(test, "wordcount", &options);
    const cairn_worker_result second = worker_world_run_well(test, "wordcount", &options);

    assert_int_equal(second.records, first.records);
    assert_int_equal(second.last_checkpoint_id, first.last_checkpoint_id);
    assert_int_equal(second.published_files, 0);
    assert_word_counts(test);
}

static void output_that_was_lost_before_it_was_published_is_published_by_the_restart(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);
    cairn_worker_result result = {0};
    cairn_error err = {0};

    store_fault *fault =
        worker_world_failing_puts(test->output, "part-*", UINT64_MAX, CAIRN_E_NO_SPACE);
    options.output = store_fault_store(fault);
    for (int i = 0; i < 2; i++) {
        ASSERT_CODE(worker_world_run(test, "line-length", &options, &result, &err),
                    CAIRN_E_NO_SPACE, &err);
        ASSERT_MESSAGE_HAS(&err, "checkpoint 1 is committed: publish part-000000000001-00000");
    }
    options.output = test->output;
    (void)worker_world_run_well(test, "line-length", &options);

    worker_world_assert_line_lengths(test);
    store_fault_free(fault);
}

static void an_output_store_that_fails_for_a_while_delays_and_loses_nothing(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);

    store_fault *fault = worker_world_failing_puts(test->output, "part-*", 2, CAIRN_E_UNAVAILABLE);
    options.output = store_fault_store(fault);
    (void)worker_world_run_well(test, "line-length", &options);

    worker_world_assert_line_lengths(test);
    store_fault_free(fault);
}

static void output_of_another_run_in_the_way_is_never_overwritten(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = worker_world_options(test);
    CAIRN_AUTO(cairn_buf) bytes = {0};
    cairn_worker_result result = {0};
    cairn_error err = {0};

    ASSERT_OK(cairn_store_put(test->output, NULL, "part-000000000002-00000",
                              cairn_slice_of("foreign"), CAIRN_PUT_CREATE, &err),
              &err);
    ASSERT_CODE(worker_world_run(test, "line-length", &options, &result, &err), CAIRN_E_INTEGRITY,
                &err);

    ASSERT_MESSAGE_HAS(&err, "part-000000000002-00000");
    ASSERT_OK(cairn_store_get(test->output, NULL, "part-000000000002-00000", 100, &bytes, &err),
              &err);
    assert_string_equal(buf_text(&bytes), "foreign");
}

static void failed_checkpoints_within_the_tolerance_carry_their_output_over(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);

    store_fault *fault =
        worker_world_failing_puts(test->checkpoints, "*chk-*", 4, CAIRN_E_NO_SPACE);
    options.backend.store = store_fault_store(fault);
    options.tolerable_failures = 100;
    const cairn_worker_result result = worker_world_run_well(test, "line-length", &options);

    const uint64_t lines = count_lines(cairn_buf_slice(&test->text));
    assert_true(result.published_files < (lines + WORKER_WORLD_EVERY - 1) / WORKER_WORLD_EVERY);
    worker_world_assert_line_lengths(test);
    store_fault_free(fault);
}

static void one_failed_checkpoint_too_many_ends_the_job(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);
    cairn_worker_result result = {0};
    cairn_error err = {0};

    store_fault *fault =
        worker_world_failing_puts(test->checkpoints, "*chk-*", UINT64_MAX, CAIRN_E_NO_SPACE);
    options.backend.store = store_fault_store(fault);
    options.tolerable_failures = 1;

    ASSERT_CODE(worker_world_run(test, "line-length", &options, &result, &err), CAIRN_E_NO_SPACE,
                &err);

    ASSERT_MESSAGE_HAS(&err, "failed checkpoint 2 of 1 tolerable");
    options.backend.store = test->checkpoints;
    (void)worker_world_run_well(test, "line-length", &options);
    worker_world_assert_line_lengths(test);
    store_fault_free(fault);
}

static void another_input_is_refused_and_nothing_is_published(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = worker_world_options(test);
    cairn_worker_result result = {0};
    cairn_error err = {0};

    worker_world_disturbed.stop_at = WORKER_WORLD_EVERY;
    worker_world_disturbed.stop_value = 1;
    (void)worker_world_run_well(test, "line-length", &options);
    assert_int_equal(unlink(test->input), 0);
    textgen_write(WORKER_WORLD_SEED + 1, WORKER_WORLD_TEXT_BYTES, test->input);

    ASSERT_CODE(worker_world_run(test, "line-length", &options, &result, &err), CAIRN_E_INTEGRITY,
                &err);
    ASSERT_MESSAGE_HAS(&err, "restore checkpoint 1");
    assert_int_equal(unlink(test->input), 0);
    ASSERT_CODE(worker_world_run(test, "line-length", &options, &result, &err), CAIRN_E_NOT_FOUND,
                &err);
}

static void an_overtaken_worker_stops_and_the_next_one_completes_its_output(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);
    cairn_worker_result result = {0};
    cairn_error err = {0};

    options.tolerable_failures = 100; /* being fenced is none */
    worker_world_disturbed.overtake_at = 2 * WORKER_WORLD_EVERY + 10;
    ASSERT_CODE(worker_world_run(test, "line-length", &options, &result, &err), CAIRN_E_FENCED,
                &err);
    worker_world_disturbed.overtake_at = 0;
    (void)worker_world_run_well(test, "line-length", &options);

    worker_world_assert_line_lengths(test);
}

typedef struct seen_progress {
    unsigned calls;
    bool restored_at_first;
    bool finished_at_last;
    uint64_t records;
    uint64_t epoch;
} seen_progress;

static void note_progress(void *context, const cairn_worker_progress *progress)
{
    seen_progress *seen = context;

    seen->restored_at_first = seen->calls == 0 ? progress->restored : seen->restored_at_first;
    seen->calls++;
    seen->finished_at_last = progress->finished;
    seen->records = progress->records;
    seen->epoch = progress->backend.epoch;
}

static void progress_tells_the_restore_first_and_the_end_last(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);
    seen_progress seen = {0};

    options.progress = note_progress;
    options.progress_context = &seen;
    worker_world_disturbed.stop_at = WORKER_WORLD_EVERY;
    worker_world_disturbed.stop_value = 1;
    (void)worker_world_run_well(test, "wordcount", &options);
    assert_false(seen.restored_at_first);
    assert_true(seen.finished_at_last);
    worker_world_disturbed.stop_at = 0;
    seen = (seen_progress){0};
    const cairn_worker_result result = worker_world_run_well(test, "wordcount", &options);

    assert_true(seen.restored_at_first);
    assert_true(seen.finished_at_last);
    assert_int_equal(seen.records, result.records);
    assert_int_equal(seen.epoch, 2);
}

static void wrong_options_and_jobs_are_refused(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);
    const cairn_job newer = {.version = CAIRN_JOB_VERSION + 1, .name = "newer"};
    const cairn_job empty = {.version = CAIRN_JOB_VERSION, .name = "empty"};
    const cairn_job unsafe = {.version = CAIRN_JOB_VERSION, .name = "a/b"};
    const cairn_job *good = cairn_builtin_job("wordcount");
    cairn_worker_result result = {0};
    cairn_error err = {0};

    ASSERT_CODE(cairn_worker_run(&options, &newer, &result, &err), CAIRN_E_INCOMPATIBLE, &err);
    ASSERT_CODE(cairn_worker_run(&options, &empty, &result, &err), CAIRN_E_INVALID, &err);
    ASSERT_CODE(cairn_worker_run(&options, &unsafe, &result, &err), CAIRN_E_INVALID, &err);
    ASSERT_CODE(cairn_worker_run(&options, NULL, &result, &err), CAIRN_E_INVALID, &err);
    options.output = NULL;
    ASSERT_CODE(cairn_worker_run(&options, good, &result, &err), CAIRN_E_INVALID, &err);
    options = worker_world_options(test);
    options.version++;
    ASSERT_CODE(cairn_worker_run(&options, good, &result, &err), CAIRN_E_INVALID, &err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, worker_world_setup, worker_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wordcount_by_count_equals_the_model),
        TEST(wordcount_by_time_equals_the_model),
        TEST(line_length_equals_the_model_byte_for_byte),
        TEST(the_same_input_gives_the_same_files),
        TEST(wordcount_goes_on_after_a_graceful_stop),
        TEST(a_job_that_fails_goes_on_from_the_last_checkpoint),
        TEST(an_input_without_records_takes_no_checkpoint),
        TEST(a_finished_job_that_is_run_again_changes_nothing),
        TEST(output_that_was_lost_before_it_was_published_is_published_by_the_restart),
        TEST(an_output_store_that_fails_for_a_while_delays_and_loses_nothing),
        TEST(output_of_another_run_in_the_way_is_never_overwritten),
        TEST(failed_checkpoints_within_the_tolerance_carry_their_output_over),
        TEST(one_failed_checkpoint_too_many_ends_the_job),
        TEST(another_input_is_refused_and_nothing_is_published),
        TEST(an_overtaken_worker_stops_and_the_next_one_completes_its_output),
        TEST(progress_tells_the_restore_first_and_the_end_last),
        TEST(wrong_options_and_jobs_are_refused),
    };

    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
