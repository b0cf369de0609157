#include "progress.h"

#include "human.h"

#include <inttypes.h>

static cairn_code append_position(const cairn_worker_progress *progress, cairn_buf *out,
                                  cairn_error *err)
{
    char bytes[HUMAN_SIZE];
    double share = 0;

    if (progress->input_total_bytes == 0) {
        return buf_printf(out, err, "%s", human_bytes(progress->input_bytes, bytes));
    }
    share = (double)progress->input_bytes / (double)progress->input_total_bytes;
    return buf_printf(out, err, "%.0f %%", (share < 1 ? share : 1) * 100);
}

static cairn_code append_checkpoint(const cairn_backend_stats *backend, cairn_buf *out,
                                    cairn_error *err)
{
    char age[HUMAN_SIZE];

    if (backend->last_checkpoint_id == 0) {
        return buf_append_text(out, "  no checkpoint yet", err);
    }
    return buf_printf(out, err, "  checkpoint %" PRIu64 ", %s ago", backend->last_checkpoint_id,
                      human_duration(backend->last_checkpoint_age_ms, age));
}

cairn_code progress_format(const char *job, const cairn_worker_progress *progress, cairn_buf *out,
                           cairn_error *err)
{
    char records[HUMAN_SIZE];
    char rate[HUMAN_SIZE];
    char state[HUMAN_SIZE];

    CAIRN_TRY(buf_printf(out, err, "%s  %s records  %s/s  ", job,
                         human_count(progress->records, records),
                         human_count(progress->records_per_s, rate)));
    CAIRN_TRY(append_position(progress, out, err));
    CAIRN_TRY(
        buf_printf(out, err, "  state %s", human_bytes(progress->backend.state_bytes, state)));
    CAIRN_TRY(append_checkpoint(&progress->backend, out, err));
    if (progress->backend.consecutive_failures > 0) {
        CAIRN_TRY(buf_printf(out, err, "  %" PRIu64 " failed in a row",
                             progress->backend.consecutive_failures));
    }
    return CAIRN_OK;
}
