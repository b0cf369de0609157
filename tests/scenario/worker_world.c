#include "test.h"

#include "worker_world.h"

#include <cairn/dir.h>

#include "buf.h"
#include "model.h"
#include "stores.h"
#include "textgen.h"

#include <stdio.h>

worker_world_disturbance worker_world_disturbed;

int worker_world_setup(void **state)
{
    worker_world *test = mem_calloc(1, sizeof(*test));
    char checkpoints[TMPDIR_PATH_BYTES];

    worker_world_disturbed = (worker_world_disturbance){0};
    test->dir = tmpdir_new();
    test->text.limit = 2 * WORKER_WORLD_TEXT_BYTES;
    textgen_make(WORKER_WORLD_SEED, WORKER_WORLD_TEXT_BYTES, &test->text);
    textgen_write(WORKER_WORLD_SEED, WORKER_WORLD_TEXT_BYTES,
                  tmpdir_join(test->dir, "input.txt", test->input));
    tmpdir_join(test->dir, "out", test->output_dir);
    tmpdir_join(test->dir, "checkpoints", checkpoints);
    *state = test;
    return cairn_dir_store_new(checkpoints, NULL, &test->checkpoints, NULL) != CAIRN_OK ||
           cairn_dir_store_new(test->output_dir, NULL, &test->output, NULL) != CAIRN_OK;
}

int worker_world_teardown(void **state)
{
    worker_world *test = *state;

    cairn_store_free(test->checkpoints);
    cairn_store_free(test->output);
    cairn_buf_release(&test->text);
    tmpdir_free(test->dir);
    mem_free(test);
    return 0;
}

static cairn_code disturbed_open(cairn_job_context *context, void **self, cairn_error *err)
{
    return worker_world_disturbed.job->open(context, self, err);
}

/* Another machine starts the same job and ends again at once. */
static cairn_code overtake(const worker_world *test, cairn_error *err)
{
    cairn_backend_options options = CAIRN_BACKEND_OPTIONS_INIT;
    cairn_backend *backend = NULL;
    char local[TMPDIR_PATH_BYTES];

    options.store = test->checkpoints;
    options.job = "disturbed";
    options.operator_uid = "disturbed";
    options.local_dir = tmpdir_join(test->dir, "elsewhere", local);
    const cairn_code code = cairn_backend_open(&options, &backend, err);
    cairn_backend_close(backend);
    return code;
}

static cairn_code disturbed_split(void *self, cairn_job_context *context, cairn_slice record,
                                  cairn_error *err)
{
    worker_world_disturbed.records++;
    if (worker_world_disturbed.records == worker_world_disturbed.fail_at) {
        if (err != NULL) {
            (void)snprintf(err->message, sizeof(err->message), "planted");
        }
        return CAIRN_E_FAILED;
    }
    if (worker_world_disturbed.records == worker_world_disturbed.overtake_at) {
        CAIRN_TRY(overtake(worker_world_disturbed.test, err));
    }
    if (worker_world_disturbed.records == worker_world_disturbed.stop_at) {
        worker_world_disturbed.test->stop = worker_world_disturbed.stop_value;
    }
    return worker_world_disturbed.job->split(self, context, record, err);
}

static cairn_code disturbed_process(void *self, cairn_job_context *context, cairn_slice key,
                                    cairn_slice value, cairn_error *err)
{
    return worker_world_disturbed.job->process(self, context, key, value, err);
}

static cairn_code disturbed_before(void *self, cairn_job_context *context, cairn_error *err)
{
    return worker_world_disturbed.job->before_checkpoint == NULL
               ? CAIRN_OK
               : worker_world_disturbed.job->before_checkpoint(self, context, err);
}

static void disturbed_close(void *self)
{
    worker_world_disturbed.job->close(self);
}

static const cairn_job disturbed_job = {
    .version = CAIRN_JOB_VERSION,
    .name = "disturbed",
    .open = disturbed_open,
    .split = disturbed_split,
    .process = disturbed_process,
    .before_checkpoint = disturbed_before,
    .close = disturbed_close,
};

cairn_worker_options worker_world_options(worker_world *test)
{
    cairn_worker_options options = CAIRN_WORKER_OPTIONS_INIT;

    options.backend.store = test->checkpoints;
    options.backend.local_dir = tmpdir_join(test->dir, "local", test->local);
    options.backend.memory_bytes = (uint64_t)16 << 20;
    options.input = test->input;
    options.output = test->output;
    options.checkpoint_interval_ms = 0;
    options.checkpoint_every_records = WORKER_WORLD_EVERY;
    options.stop = &test->stop;
    return options;
}

cairn_code worker_world_run(worker_world *test, const char *job,
                            const cairn_worker_options *options, cairn_worker_result *out,
                            cairn_error *err)
{
    worker_world_disturbed.job = cairn_builtin_job(job);
    worker_world_disturbed.test = test;
    worker_world_disturbed.records = 0;
    test->stop = 0;
    return cairn_worker_run(options, &disturbed_job, out, err);
}

cairn_worker_result worker_world_run_well(worker_world *test, const char *job,
                                          const cairn_worker_options *options)
{
    cairn_worker_result result = {0};
    cairn_error err = {0};

    ASSERT_OK(worker_world_run(test, job, options, &result, &err), &err);
    return result;
}

void worker_world_assert_line_lengths(const worker_world *test)
{
    CAIRN_AUTO(cairn_buf) output = {0};
    CAIRN_AUTO(cairn_buf) expected = {0};

    model_read_output(test->output_dir, &output);
    model_line_lengths(cairn_buf_slice(&test->text), &expected);
    assert_int_equal(output.len, expected.len);
    assert_memory_equal(output.data, expected.data, expected.len);
}

store_fault *worker_world_failing_puts(cairn_store *inner, const char *pattern, uint64_t count,
                                       cairn_code code)
{
    const bool always = count == UINT64_MAX;
    store_fault *fault = NULL;

    assert_int_equal(store_fault_new(inner, &fault, NULL), CAIRN_OK);
    for (uint64_t i = 1; i <= (always ? 1 : count); i++) {
        const store_fault_rule rule = {.ops = STORE_FAULT_PUT,
                                       .key = pattern,
                                       .nth = i,
                                       .always = always,
                                       .action = STORE_FAULT_FAIL,
                                       .code = code};
        store_fault_add(fault, &rule);
    }
    return fault;
}
