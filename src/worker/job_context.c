/* What a job sees of the worker, and the calls into the job. */
#include "entry_filter.h"
#include "errors.h"
#include "worker_run.h"

#include <inttypes.h>

cairn_backend *cairn_job_backend(cairn_job_context *context)
{
    return context->owner->backend;
}

cairn_code cairn_job_emit(cairn_job_context *context, cairn_slice line, cairn_error *err)
{
    if (context->phase == CAIRN_JOB_PHASE_NONE || context->phase == CAIRN_JOB_PHASE_OPEN) {
        return error_set(err, CAIRN_E_STATE, "emit a line: not allowed in open and close");
    }
    CAIRN_TRY(sink_emit(context->owner->to, line, err));
    context->owner->emitted++;
    return CAIRN_OK;
}

cairn_code cairn_job_keyed(cairn_job_context *context, cairn_slice key, cairn_slice value,
                           cairn_error *err)
{
    worker *run = context->owner;
    const uint32_t group = cairn_key_group_of(key, run->max_parallelism);

    if (context->phase != CAIRN_JOB_PHASE_SPLIT) {
        return error_set(err, CAIRN_E_STATE, "hand over a key: allowed in split only");
    }
    if (group < run->range.first || group > run->range.last) {
        return CAIRN_OK; /* another subtask's */
    }
    CAIRN_TRY(cairn_backend_set_key_in_group(run->backend, key, group, err));
    context->phase = CAIRN_JOB_PHASE_PROCESS;
    const cairn_code code = run->job->process(run->self, context, key, value, err);
    context->phase = CAIRN_JOB_PHASE_SPLIT;
    return code;
}

cairn_code job_call_open(worker *run, cairn_error *err)
{
    run->context = (cairn_job_context){run, CAIRN_JOB_PHASE_OPEN};
    const cairn_code code = run->job->open(&run->context, &run->self, err);

    run->context.phase = CAIRN_JOB_PHASE_NONE;
    run->job_open = code == CAIRN_OK;
    return code == CAIRN_OK ? code : error_prefix(err, code, "open job %s", run->job->name);
}

cairn_code job_call_record(worker *run, cairn_slice record, cairn_error *err)
{
    run->context.phase = CAIRN_JOB_PHASE_SPLIT;
    const cairn_code code = run->job->split(run->self, &run->context, record, err);

    run->context.phase = CAIRN_JOB_PHASE_NONE;
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "job %s, record %" PRIu64 " of %s", run->job->name,
                            source_at(run->in).records, source_name(run->in));
    }
    return CAIRN_OK;
}

cairn_code job_call_before_checkpoint(worker *run, cairn_error *err)
{
    if (run->job->before_checkpoint == NULL) {
        return CAIRN_OK;
    }
    run->context.phase = CAIRN_JOB_PHASE_BARRIER;
    const cairn_code code = run->job->before_checkpoint(run->self, &run->context, err);

    run->context.phase = CAIRN_JOB_PHASE_NONE;
    return code == CAIRN_OK ? code
                            : error_prefix(err, code, "job %s before a checkpoint", run->job->name);
}

cairn_code job_call_advance(worker *run, cairn_error *err)
{
    const uint64_t emitted = run->emitted;

    if (run->job->advance == NULL) {
        return CAIRN_OK;
    }
    run->context.phase = CAIRN_JOB_PHASE_ADVANCE;
    const uint64_t now_ms = entry_clock_now(&run->backend_options.clock);
    const cairn_code code = run->job->advance(run->self, &run->context, (int64_t)now_ms, err);
    run->context.phase = CAIRN_JOB_PHASE_NONE;
    run->advances += run->emitted != emitted ? 1 : 0;
    return code == CAIRN_OK ? code : error_prefix(err, code, "job %s at a time", run->job->name);
}

cairn_code job_call_end_of_input(worker *run, cairn_error *err)
{
    if (run->job->end_of_input == NULL) {
        return CAIRN_OK;
    }
    run->context.phase = CAIRN_JOB_PHASE_END;
    const cairn_code code = run->job->end_of_input(run->self, &run->context, err);
    run->context.phase = CAIRN_JOB_PHASE_NONE;
    run->end_called = code == CAIRN_OK;
    return code == CAIRN_OK ? code
                            : error_prefix(err, code, "job %s at the end of %s", run->job->name,
                                           source_name(run->in));
}

void job_call_close(worker *run)
{
    if (run->job_open && run->job->close != NULL) {
        run->job->close(run->self);
    }
    run->job_open = false;
}
