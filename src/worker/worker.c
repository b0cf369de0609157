/* DESIGN: worker_start opens and restores, worker_step is one turn of the loop, worker_end closes.
 */
#include "bounds.h"
#include "clock.h"
#include "encode.h"
#include "errors.h"
#include "failpoint.h"
#include "logging.h"
#include "worker_run.h"

#include <inttypes.h>
#include <string.h>

int worker_stop_asked(const worker *run)
{
    /* A signal handler may write it on another thread. */
    return run->options->stop == NULL ? 0 : __atomic_load_n(run->options->stop, __ATOMIC_SEQ_CST);
}

void worker_report(worker *run, bool finished)
{
    const uint64_t now = clock_monotonic_ms();
    const uint64_t elapsed = now - run->reported_ms;
    const source_position at = source_at(run->in);
    cairn_worker_progress progress = {
        .records = at.records,
        .records_per_s = elapsed == 0 ? 0 : (at.records - run->reported_records) * 1000 / elapsed,
        .input_bytes = at.offset,
        .input_total_bytes = source_total_bytes(run->in),
        .restored = cairn_backend_restored(run->backend) != NULL,
        .finished = finished,
    };

    run->reported_ms = now;
    run->reported_records = at.records;
    run->report_at_ms = now + CAIRN_WORKER_PROGRESS_MS;
    if (run->options->progress != NULL) {
        cairn_backend_get_stats(run->backend, &progress.backend);
        run->options->progress(run->options->progress_context, &progress);
    }
}

cairn_code worker_tick(worker *run, cairn_error *err)
{
    const uint64_t now = clock_monotonic_ms();

    run->records_since_tick = 0;
    if (now >= run->check_at_ms) {
        run->check_at_ms = now + CAIRN_WORKER_CHECK_MS;
        CAIRN_TRY(cairn_backend_check(run->backend, err));
    }
    if (now >= run->report_at_ms) {
        worker_report(run, false);
    }
    return barrier_advance(run, err);
}

static cairn_code check_job(const cairn_job *job, cairn_error *err)
{
    if (job == NULL || job->version != CAIRN_JOB_VERSION) {
        return error_set(err, job == NULL ? CAIRN_E_INVALID : CAIRN_E_INCOMPATIBLE,
                         "run a job: it is not of version %d of the job interface",
                         CAIRN_JOB_VERSION);
    }
    if (job->name == NULL || !is_safe_name(cairn_slice_of(job->name))) {
        return error_set(err, CAIRN_E_INVALID,
                         "run a job: its name is not of the form [A-Za-z0-9._-]{1,255}");
    }
    if (job->open == NULL || job->split == NULL || job->process == NULL) {
        return error_set(err, CAIRN_E_INVALID, "run job %s: open, split or process is missing",
                         job->name);
    }
    return CAIRN_OK;
}

static cairn_code check_options(const cairn_worker_options *options, cairn_error *err)
{
    if (options->version != CAIRN_WORKER_OPTIONS_VERSION) {
        return error_set(err, CAIRN_E_INVALID, "run a job: options of an unknown version");
    }
    if (options->input == NULL || options->output == NULL) {
        return error_set(err, CAIRN_E_INVALID, "run a job: input or output is missing");
    }
    return CAIRN_OK;
}

static cairn_code open_source(worker *run, cairn_error *err)
{
    const cairn_worker_options *options = run->options;
    const cairn_call call = {.cancel = options->backend.cancel};

    if (options->input_store == NULL) {
        return source_open(options->input, &run->in, err);
    }
    CAIRN_TRY(cairn_store_retrying(options->input_store, &run->input_store, err));
    return source_open_object(run->input_store, options->input, &call, &run->in, err);
}

static cairn_code open_backend(worker *run, cairn_error *err)
{
    cairn_backend_options *options = &run->backend_options;

    *options = run->options->backend;
    options->operator_uid = options->operator_uid != NULL ? options->operator_uid : run->job->name;
    options->job = options->job != NULL ? options->job : run->job->name;
    return cairn_backend_open(options, &run->backend, err);
}

/* The part of the restored checkpoint that this worker wrote, or NULL. */
static const cairn_subtask_info *own_part(const worker *run, const cairn_manifest *restored)
{
    for (size_t i = 0; i < restored->operator_count; i++) {
        const cairn_operator_info *found = &restored->operators[i];

        if (strcmp(found->uid, run->backend_options.operator_uid) == 0 &&
            found->subtask_count > WORKER_SUBTASK) {
            return &found->subtasks[WORKER_SUBTASK];
        }
    }
    return NULL;
}

static cairn_code restore_source(worker *run, const cairn_manifest *restored,
                                 const cairn_subtask_info *part, cairn_error *err)
{
    if (part == NULL || part->position_count != 1 ||
        strcmp(part->positions[0].source, WORKER_SOURCE_NAME) != 0) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "restore checkpoint %" PRIu64
                         ": it holds no position of an input, so no worker wrote it",
                         restored->id);
    }
    const source_position at = {part->positions[0].offset, part->positions[0].records};
    cairn_slice guard = cairn_buf_slice(&part->operator_state);

    run->end_called = source_guard_take_end(&guard);
    const cairn_code code = source_restore(run->in, at, guard, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "restore checkpoint %" PRIu64, restored->id);
    }
    if (restored->kind == CAIRN_MANIFEST_SAVEPOINT) {
        return CAIRN_OK; /* nothing is this job's own yet: a checkpoint is due, whatever comes */
    }
    run->checkpoints.committed = (worker_extent){.records = at.records, .end = run->end_called};
    run->result.last_checkpoint_id = restored->id;
    return CAIRN_OK;
}

static cairn_code restore(worker *run, cairn_error *err)
{
    const cairn_manifest *restored = cairn_backend_restored(run->backend);

    if (restored == NULL) {
        return CAIRN_OK;
    }
    const cairn_subtask_info *part = own_part(run, restored);
    CAIRN_TRY(restore_source(run, restored, part, err));
    run->reported_records = source_at(run->in).records;
    worker_report(run, false);
    log_write(&run->backend_options.log, CAIRN_LOG_INFO,
              "goes on from checkpoint %" PRIu64 " at record %" PRIu64 ", byte %" PRIu64 " of %s",
              restored->id, part->positions[0].records, part->positions[0].offset,
              source_name(run->in));
    return barrier_publish_restored(run, restored, part->output_count, err);
}

static cairn_code worker_start(worker *run, cairn_error *err)
{
    const uint64_t now = clock_monotonic_ms();

    CAIRN_TRY(cairn_store_retrying(run->options->output, &run->output, err));
    CAIRN_TRY(open_source(run, err));
    CAIRN_TRY(open_backend(run, err));
    CAIRN_TRY(sink_new(run->backend_options.local_dir, run->output, WORKER_SUBTASK, &run->to, err));
    run->max_parallelism = cairn_backend_max_parallelism(run->backend);
    run->range = cairn_backend_key_groups(run->backend);
    run->checkpoints.begun_ms = now;
    run->reported_ms = now;
    CAIRN_TRY(restore(run, err));
    run->checkpoints.begun_ms = clock_monotonic_ms();
    return job_call_open(run, err);
}

/* A barrier of the count: waits for the one before, so that its place does not depend on time. */
static cairn_code barrier_by_count(worker *run, cairn_error *err)
{
    const uint64_t every = run->options->checkpoint_every_records;
    bool ready = false;

    if (every == 0 || source_at(run->in).records % every != 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(barrier_quiesce(run, run->options->min_pause_ms, &ready, err));
    return ready ? barrier_begin(run, err) : CAIRN_OK;
}

/* Calls the job's advance, if its time has come; never behind end_of_input. */
static cairn_code advance_by_time(worker *run, cairn_error *err)
{
    const uint64_t now = clock_monotonic_ms();

    if (run->end_called || now < run->advance_at_ms) {
        return CAIRN_OK;
    }
    run->advance_at_ms = now + CAIRN_WORKER_ADVANCE_MS;
    return job_call_advance(run, err);
}

/* Between records: what the clock asks for. */
static cairn_code on_idle(worker *run, cairn_error *err)
{
    CAIRN_TRY(worker_tick(run, err));
    CAIRN_TRY(advance_by_time(run, err));
    return barrier_by_time(run, err);
}

static cairn_code on_record(worker *run, cairn_slice record, cairn_error *err)
{
    if (run->end_called) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "%s goes on where job %s has ended: start it from an older checkpoint, "
                         "or with another name and output",
                         source_name(run->in), run->job->name);
    }
    CAIRN_TRY(job_call_record(run, record, err));
    CAIRN_FAILPOINT("worker.record", err);
    CAIRN_TRY(barrier_by_count(run, err));
    if (++run->records_since_tick < CAIRN_WORKER_TICK_RECORDS) {
        return CAIRN_OK;
    }
    return on_idle(run, err);
}

/* Nothing is under way and no call of the job is left but this one. A Ctrl-C that ended the writer
 * of a stream is on its way here too: then it is not the input's end. */
static cairn_code call_end(worker *run, cairn_error *err)
{
    if (run->end_called || run->job->end_of_input == NULL) {
        return CAIRN_OK;
    }
    if (source_is_stream(run->in)) {
        clock_sleep_ms(CAIRN_WORKER_TICK_MS);
    }
    return worker_stop_asked(run) == 0 ? job_call_end_of_input(run, err) : CAIRN_OK;
}

/* The end of the input, called until a checkpoint covers all of it (*out_finished) or a stop. */
static cairn_code on_end(worker *run, bool *out_finished, cairn_error *err)
{
    const bool failed = run->checkpoints.failures > 0;
    bool ready = false;

    CAIRN_TRY(barrier_quiesce(run, failed ? CAIRN_WORKER_RETRY_MS : 0, &ready, err));
    if (ready) {
        CAIRN_FAILPOINT("worker.end.before", err);
        CAIRN_TRY(call_end(run, err));
        CAIRN_FAILPOINT("worker.end.after", err);
    }
    *out_finished = ready && !barrier_needed(run);
    return ready && !*out_finished ? barrier_begin(run, err) : CAIRN_OK;
}

static cairn_code worker_step(worker *run, bool *out_finished, cairn_error *err)
{
    cairn_slice record = {0};
    source_event event = CAIRN_SOURCE_IDLE;

    CAIRN_TRY(source_next(run->in, &record, &event, err));
    switch (event) {
    case CAIRN_SOURCE_RECORD:
        return on_record(run, record, err);
    case CAIRN_SOURCE_IDLE:
        return on_idle(run, err);
    case CAIRN_SOURCE_END:
        return on_end(run, out_finished, err);
    }
    return CAIRN_OK;
}

static cairn_code worker_work(worker *run, cairn_error *err)
{
    bool finished = false;

    CAIRN_TRY(worker_start(run, err));
    worker_report(run, false);
    while (!finished && worker_stop_asked(run) == 0) {
        CAIRN_TRY(worker_step(run, &finished, err));
    }
    if (!finished && worker_stop_asked(run) == 1) {
        CAIRN_TRY(barrier_last(run, run->options->stop_timeout_ms, err));
    }
    /* A Ctrl-C ends the program that feeds standard input too: its end is then not the input's. */
    run->result.stopped = !finished || worker_stop_asked(run) != 0;
    run->result.records = source_at(run->in).records;
    run->result.committed_records = run->checkpoints.committed.records;
    worker_report(run, true);
    return CAIRN_OK;
}

static void worker_end(worker *run)
{
    barrier_abandon(run);
    job_call_close(run);
    sink_free(run->to);
    cairn_backend_close(run->backend);
    source_free(run->in);
    cairn_store_free(run->input_store);
    cairn_store_free(run->output);
}

cairn_code cairn_worker_run(const cairn_worker_options *options, const cairn_job *job,
                            cairn_worker_result *out, cairn_error *err)
{
    CAIRN_TRY(check_job(job, err));
    CAIRN_TRY(check_options(options, err));
    worker run = {.options = options, .job = job};

    const cairn_code code = worker_work(&run, err);
    worker_end(&run);
    if (code == CAIRN_OK) {
        *out = run.result;
    }
    return code;
}
