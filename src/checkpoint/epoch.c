#include "epoch.h"

#include "clock.h"
#include "decide.h"
#include "errors.h"
#include "failpoint.h"
#include "layout.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static cairn_code keep_highest(void *context, const char *key, const cairn_object_info *info,
                               cairn_error *err)
{
    uint64_t *highest = context;
    layout_object object = layout_parse(key);

    (void)info;
    (void)err;
    if (object.kind == CAIRN_LAYOUT_CLAIM && object.epoch > *highest) {
        *highest = object.epoch;
    }
    return CAIRN_OK;
}

/* "host:pid", for humans who ask who holds the job. */
static void describe_worker(char *out, size_t size)
{
    char host[128] = "unknown";

    if (gethostname(host, sizeof host - 1) != 0) {
        host[0] = '\0';
    }
    (void)snprintf(out, size, "%s:%ld", host, (long)getpid());
}

static cairn_code print_claim(const epoch_request *request, uint64_t epoch, cairn_buf *out,
                              cairn_error *err)
{
    char worker[160];
    record_claim claim = {.job = (char *)(uintptr_t)request->job,
                          .epoch = epoch,
                          .claimed_ms = clock_wall_ms(),
                          .parallelism = 1,
                          .max_parallelism = request->max_parallelism,
                          .worker = worker};

    describe_worker(worker, sizeof worker);
    memcpy(claim.attempt, request->attempt, sizeof claim.attempt);
    return record_claim_print(&claim, out, err);
}

cairn_code epoch_claim(cairn_store *root, const cairn_call *call, const epoch_request *request,
                       uint64_t *out_epoch, cairn_error *err)
{
    uint64_t highest = 0;

    CAIRN_TRY(cairn_store_list(root, call, "epochs/", keep_highest, &highest, err));
    for (int attempt = 0; attempt < CAIRN_CLAIM_ATTEMPTS_MAX; attempt++) {
        CAIRN_AUTO(cairn_buf) document = {0};
        CAIRN_AUTO(decision) decided = {0};
        uint64_t epoch = highest + 1 + (uint64_t)attempt;
        layout_key key = layout_claim(epoch);

        CAIRN_FAILPOINT("backend.claim.before", err);
        CAIRN_TRY(print_claim(request, epoch, &document, err));
        CAIRN_TRY(decide(root, call, key.text, cairn_buf_slice(&document), &decided, err));
        if (decided.ours) {
            CAIRN_FAILPOINT("backend.claim.after", err);
            *out_epoch = epoch;
            return CAIRN_OK;
        }
    }
    return error_set(err, CAIRN_E_FENCED, "claim an epoch of job %s: lost %d races", request->job,
                     CAIRN_CLAIM_ATTEMPTS_MAX);
}

cairn_code epoch_look(cairn_store *root, const cairn_call *call, uint64_t epoch, cairn_error *err)
{
    cairn_object_info info;
    cairn_error problem = {0};
    layout_key key = layout_claim(epoch + 1);

    cairn_code code = cairn_store_stat(root, call, key.text, &info, &problem);
    if (code == CAIRN_E_NOT_FOUND) {
        return CAIRN_OK;
    }
    if (code != CAIRN_OK) {
        return error_set(err, code, "%s", problem.message);
    }
    return error_set(err, CAIRN_E_FENCED,
                     "epoch %llu was claimed by a newer attempt; this one is epoch %llu and stops",
                     (unsigned long long)epoch + 1, (unsigned long long)epoch);
}

cairn_code epoch_start(cairn_store *root, const cairn_call *call, const record_start *start,
                       cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    CAIRN_AUTO(decision) decided = {0};
    layout_key key = layout_start(start->epoch);

    CAIRN_FAILPOINT("backend.start.before", err);
    CAIRN_TRY(record_start_print(start, &document, err));
    CAIRN_TRY(decide(root, call, key.text, cairn_buf_slice(&document), &decided, err));
    if (!decided.ours) {
        return error_set(err, CAIRN_E_FENCED, "epoch %llu was started by another attempt",
                         (unsigned long long)start->epoch);
    }
    CAIRN_FAILPOINT("backend.start.after", err);
    return CAIRN_OK;
}
