/*
 * Checkpoints of a worker. At most one is in flight; the output of one is published before the next
 * is begun, so a restored checkpoint is the only one whose output may be missing.
 */
#include "bounds.h"
#include "clock.h"
#include "errors.h"
#include "logging.h"
#include "publish_watch.h"
#include "worker_run.h"

#include <inttypes.h>

static const cairn_log *log_of(const worker *run)
{
    return &run->backend_options.log;
}

static worker_extent extent_now(const worker *run)
{
    return (worker_extent){source_at(run->in).records, run->advances, run->end_called};
}

bool barrier_needed(const worker *run)
{
    const worker_checkpoints *all = &run->checkpoints;
    const worker_extent covered = all->in_flight != NULL ? all->in_flight_extent : all->committed;
    const worker_extent now = extent_now(run);

    return now.records != covered.records || now.advances != covered.advances ||
           now.end != covered.end;
}

/* Counts a checkpoint that failed; the error of one too many. */
static cairn_code count_failure(worker *run, const cairn_error *cause, cairn_error *err)
{
    worker_checkpoints *all = &run->checkpoints;

    all->failures++;
    if (all->failures > run->options->tolerable_failures) {
        return error_set(err, cause->code,
                         "%s (failed checkpoint %" PRIu64 " of %" PRIu32 " tolerable in a row)",
                         cause->message, all->failures, run->options->tolerable_failures);
    }
    log_write(log_of(run), CAIRN_LOG_WARN, "checkpoint failed, the next one covers it: %s",
              cause->message);
    return CAIRN_OK;
}

static void note_commit(worker *run, const cairn_checkpoint_stats *stats)
{
    worker_checkpoints *all = &run->checkpoints;
    size_t staged = 0;

    all->failures = 0;
    all->committed = all->in_flight_extent;
    run->result.last_checkpoint_id = stats->id;
    (void)sink_staged(run->to, &staged);
    all->unpublished_id = staged > 0 ? stats->id : 0;
    all->publish_attempts = 0;
    all->publish_at_ms = 0;
    log_write(log_of(run), CAIRN_LOG_INFO,
              "checkpoint %" PRIu64 " committed at record %" PRIu64 ": %" PRIu64 " of %" PRIu64
              " files new, %" PRIu64 " bytes stored, pause %" PRIu64 " us, %" PRIu64 " ms in all",
              stats->id, all->committed.records, stats->new_files, stats->total_files,
              stats->new_bytes, stats->sync_us, stats->async_ms);
}

/* Takes in the outcome, which stands. `cause` gets the error of a checkpoint that failed. */
static cairn_code settle(worker *run, cairn_error *cause)
{
    worker_checkpoints *all = &run->checkpoints;
    cairn_checkpoint_stats stats = {0};
    const cairn_code code = cairn_checkpoint_wait(all->in_flight, 0, cause);

    cairn_checkpoint_get_stats(all->in_flight, &stats);
    cairn_checkpoint_free(CAIRN_TAKE(all->in_flight));
    all->ended_ms = clock_monotonic_ms();
    if (code == CAIRN_OK) {
        note_commit(run, &stats);
    }
    return code;
}

static bool may_publish_again(cairn_code code)
{
    return code == CAIRN_E_UNAVAILABLE || code == CAIRN_E_TIMEOUT;
}

/* Publishes what is committed. */
static cairn_code publish(worker *run, const cairn_call *call, cairn_error *err)
{
    worker_checkpoints *all = &run->checkpoints;
    bool created = false;

    const cairn_code code = sink_publish(run->to, call, all->unpublished_id, &created, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "checkpoint %" PRIu64 " is committed", all->unpublished_id);
    }
    all->unpublished_id = 0;
    run->result.published_files += created ? 1 : 0;
    return CAIRN_OK;
}

/* With the store's own deadline, which is long. A stop that is asked for meanwhile bounds the call,
 * and the cancel, which comes with a stop now, ends it. */
static cairn_code publish_watched(worker *run, cairn_error *err)
{
    CAIRN_AUTO_PTR(publish_watch_free) publish_watch *watch = NULL;
    const publish_watch_options options = {run->options->stop, run->backend_options.cancel,
                                           run->options->stop_timeout_ms};

    CAIRN_TRY(publish_watch_new(&options, &watch, err));
    const cairn_call call = {0, publish_watch_cancel(watch)};
    const cairn_code code = publish(run, &call, err);
    const uint64_t seen_ms = publish_watch_end(watch);
    if (run->checkpoints.stop_seen_ms == 0) {
        run->checkpoints.stop_seen_ms = seen_ms;
    }
    return code;
}

/* One attempt to publish, if one is due. A store that can't be reached is tried again later. */
static cairn_code publish_if_due(worker *run, cairn_error *err)
{
    worker_checkpoints *all = &run->checkpoints;
    const uint64_t now = clock_monotonic_ms();
    cairn_error cause = {0};

    if (all->unpublished_id == 0 || now < all->publish_at_ms) {
        return CAIRN_OK;
    }
    const cairn_code code = publish_watched(run, &cause);
    if (code == CAIRN_OK || (code == CAIRN_E_CANCELLED && worker_stop_asked(run) != 0)) {
        return CAIRN_OK; /* after the stop a restore publishes it */
    }
    all->publish_attempts++;
    if (!may_publish_again(code) || all->publish_attempts >= CAIRN_PUBLISH_ATTEMPTS_MAX) {
        return error_set(err, code, "%s", cause.message);
    }
    all->publish_at_ms = now + CAIRN_PUBLISH_PAUSE_MS;
    log_write(log_of(run), CAIRN_LOG_WARN, "output is published again later: %s", cause.message);
    return CAIRN_OK;
}

/* What a begin or an outcome that is not OK means for the job. */
static cairn_code judge(worker *run, cairn_code code, const cairn_error *cause, cairn_error *err)
{
    if (code == CAIRN_OK) {
        return CAIRN_OK;
    }
    return code == CAIRN_E_FENCED ? error_set(err, code, "%s", cause->message)
                                  : count_failure(run, cause, err);
}

cairn_code barrier_advance(worker *run, cairn_error *err)
{
    cairn_error cause = {0};

    if (run->checkpoints.in_flight != NULL && cairn_checkpoint_done(run->checkpoints.in_flight)) {
        const cairn_code code = settle(run, &cause);
        CAIRN_TRY(judge(run, code, &cause, err));
    }
    return publish_if_due(run, err);
}

/* Waits a little for what is under way. */
static void wait_a_tick(const worker *run)
{
    if (run->checkpoints.in_flight == NULL) {
        clock_sleep_ms(CAIRN_WORKER_TICK_MS);
        return;
    }
    /* The outcome is taken in by barrier_advance; here only its arrival counts. */
    (void)cairn_checkpoint_wait(run->checkpoints.in_flight, CAIRN_WORKER_TICK_MS, NULL);
}

cairn_code barrier_quiesce(worker *run, uint64_t pause_ms, bool *out_ready, cairn_error *err)
{
    const worker_checkpoints *all = &run->checkpoints;

    for (;;) {
        CAIRN_TRY(worker_tick(run, err));
        const uint64_t since = clock_monotonic_ms() - all->ended_ms;
        if (all->in_flight == NULL && all->unpublished_id == 0 &&
            (all->ended_ms == 0 || since >= pause_ms)) {
            *out_ready = true;
            return CAIRN_OK;
        }
        if (worker_stop_asked(run) != 0) {
            *out_ready = false;
            return CAIRN_OK;
        }
        wait_a_tick(run);
    }
}

static cairn_code begin_here(worker *run, uint64_t timeout_ms, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) guard = {0};
    const source_position at = source_at(run->in);
    char name[] = WORKER_SOURCE_NAME;
    const cairn_source_position position = {name, at.offset, at.records};
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;

    CAIRN_TRY(source_guard(run->in, &guard, err));
    if (run->end_called) {
        CAIRN_TRY(source_guard_mark_end(&guard, err));
    }
    request.positions = &position;
    request.position_count = 1;
    request.operator_state = cairn_buf_slice(&guard);
    request.outputs = sink_staged(run->to, &request.output_count);
    request.timeout_ms = timeout_ms;
    return cairn_checkpoint_begin(run->backend, &request, &run->checkpoints.in_flight, err);
}

/* Begins one. Fails with what is the job's or this machine's; `*out_begun` is the outcome of the
 * begin itself, its error in `cause`. */
static cairn_code try_begin(worker *run, uint64_t timeout_ms, cairn_code *out_begun,
                            cairn_error *cause, cairn_error *err)
{
    worker_checkpoints *all = &run->checkpoints;

    CAIRN_ASSERT(all->in_flight == NULL && all->unpublished_id == 0);
    CAIRN_TRY(job_call_before_checkpoint(run, err));
    CAIRN_TRY(sink_stage(run->to, err));
    all->begun_ms = clock_monotonic_ms();
    *out_begun = begin_here(run, timeout_ms, cause);
    if (*out_begun == CAIRN_OK) {
        all->in_flight_extent = extent_now(run);
    } else {
        all->ended_ms = clock_monotonic_ms();
    }
    return CAIRN_OK;
}

cairn_code barrier_begin(worker *run, cairn_error *err)
{
    cairn_error cause = {0};
    cairn_code code = CAIRN_OK;

    CAIRN_TRY(try_begin(run, 0, &code, &cause, err));
    return judge(run, code, &cause, err);
}

cairn_code barrier_by_time(worker *run, cairn_error *err)
{
    const worker_checkpoints *all = &run->checkpoints;
    const uint64_t now = clock_monotonic_ms();

    if (run->options->checkpoint_interval_ms == 0 || all->in_flight != NULL ||
        all->unpublished_id != 0 || !barrier_needed(run)) {
        return CAIRN_OK;
    }
    if (now - all->begun_ms < run->options->checkpoint_interval_ms ||
        now - all->ended_ms < run->options->min_pause_ms) {
        return CAIRN_OK;
    }
    return barrier_begin(run, err);
}

/* Waits until `deadline_ms` for the outcome, then asks it to end; takes it in. */
static cairn_code settle_by(worker *run, uint64_t deadline_ms, cairn_error *cause)
{
    worker_checkpoints *all = &run->checkpoints;

    while (!cairn_checkpoint_done(all->in_flight)) {
        if (clock_monotonic_ms() >= deadline_ms || worker_stop_asked(run) > 1) {
            cairn_checkpoint_cancel(all->in_flight);
        }
        wait_a_tick(run);
    }
    return settle(run, cause);
}

/* What fails at a stop costs work to do again, and is no failure of the job; being fenced is. */
static cairn_code judge_at_stop(worker *run, cairn_code code, const cairn_error *cause,
                                cairn_error *err)
{
    if (code == CAIRN_E_FENCED) {
        return error_set(err, code, "%s", cause->message);
    }
    if (code != CAIRN_OK) {
        log_write(log_of(run), CAIRN_LOG_WARN, "no checkpoint at the stop: %s", cause->message);
    }
    return CAIRN_OK;
}

/* A store that does not answer in time does not hold up the stop: a restore publishes. */
static cairn_code publish_at_stop(worker *run, uint64_t deadline_ms, cairn_error *err)
{
    cairn_error cause = {0};
    const cairn_call call = {deadline_ms, run->backend_options.cancel};
    const cairn_code code = publish(run, &call, &cause);

    if (code != CAIRN_OK && !may_publish_again(code) && code != CAIRN_E_CANCELLED) {
        return error_set(err, code, "%s", cause.message);
    }
    if (code != CAIRN_OK) {
        log_write(log_of(run), CAIRN_LOG_WARN, "output is published by the next run: %s",
                  cause.message);
    }
    return CAIRN_OK;
}

/* Ends what is under way at a stop. */
static cairn_code finish_by(worker *run, uint64_t deadline_ms, cairn_error *err)
{
    cairn_error cause = {0};

    if (run->checkpoints.in_flight != NULL) {
        const cairn_code code = settle_by(run, deadline_ms, &cause);
        CAIRN_TRY(judge_at_stop(run, code, &cause, err));
    }
    return run->checkpoints.unpublished_id != 0 ? publish_at_stop(run, deadline_ms, err) : CAIRN_OK;
}

cairn_code barrier_last(worker *run, uint64_t timeout_ms, cairn_error *err)
{
    const uint64_t seen_ms = run->checkpoints.stop_seen_ms;
    const uint64_t deadline_ms = seen_ms != 0 ? seen_ms + timeout_ms
                                              : cairn_deadline_in(timeout_ms);
    cairn_error cause = {0};
    cairn_code code = CAIRN_OK;

    CAIRN_TRY(finish_by(run, deadline_ms, err));
    const uint64_t now = clock_monotonic_ms();
    if (!barrier_needed(run) || run->checkpoints.unpublished_id != 0 || now >= deadline_ms ||
        worker_stop_asked(run) > 1) {
        return CAIRN_OK;
    }
    CAIRN_TRY(try_begin(run, deadline_ms - now, &code, &cause, err));
    CAIRN_TRY(judge_at_stop(run, code, &cause, err));
    return finish_by(run, deadline_ms, err);
}

void barrier_abandon(worker *run)
{
    if (run->checkpoints.in_flight != NULL) {
        cairn_checkpoint_cancel(run->checkpoints.in_flight);
        cairn_checkpoint_free(CAIRN_TAKE(run->checkpoints.in_flight));
    }
}

cairn_code barrier_publish_restored(worker *run, const cairn_manifest *restored, size_t outputs,
                                    cairn_error *err)
{
    worker_checkpoints *all = &run->checkpoints;
    const char *path = NULL;

    for (size_t i = 0; i < outputs; i++) {
        CAIRN_TRY(sink_reserve(run->to, &path, err));
        CAIRN_TRY(cairn_backend_fetch_output(run->backend, i, path, err));
    }
    all->unpublished_id = outputs > 0 ? restored->id : 0;
    while (all->unpublished_id != 0 && worker_stop_asked(run) == 0) {
        CAIRN_TRY(worker_tick(run, err));
        if (all->unpublished_id != 0) {
            clock_sleep_ms(CAIRN_WORKER_TICK_MS);
        }
    }
    return CAIRN_OK;
}
