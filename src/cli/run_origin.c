#include "run_origin.h"

#include "errors.h"
#include "store_pick.h"

#include <string.h>

bool run_origin_is_savepoint(const char *restore)
{
    return restore != NULL && strpbrk(restore, "@/") != NULL;
}

static cairn_code check_claim_mode(const cli_args *args, cairn_error *err)
{
    const char *mode = cli_value(args, "claim-mode");

    if (mode == NULL || strcmp(mode, "no-claim") == 0) {
        return CAIRN_OK;
    }
    if (strcmp(mode, "claim") == 0) {
        return error_set(err, CAIRN_E_INVALID,
                         "run: a savepoint is not claimed: it stays yours; use no-claim, and "
                         "delete it once the job has a checkpoint of its own");
    }
    return error_set(err, CAIRN_E_INVALID, "run: --claim-mode takes no-claim");
}

static run_origin take_origin(run_origin *from)
{
    run_origin taken = *from;

    *from = (run_origin){0};
    return taken;
}

cairn_code run_origin_open(const cli_args *args, const cairn_config *config, const cairn_log *log,
                           run_origin *out, cairn_error *err)
{
    CAIRN_AUTO(run_origin) origin = {0};
    const char *restore = cli_value(args, "restore");

    CAIRN_TRY(check_claim_mode(args, err));
    if (!run_origin_is_savepoint(restore)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(job_uri_parse(restore, &origin.uri, err));
    if (origin.uri.savepoint == NULL) {
        return error_set(err, CAIRN_E_INVALID,
                         "run: --restore takes JOBURI@NAME of a savepoint, or the id of a "
                         "checkpoint of the job itself");
    }
    CAIRN_TRY(store_pick(config, log, origin.uri.store, false, &origin.store, err));
    origin.source = (cairn_savepoint_source){origin.store, origin.uri.job, origin.uri.savepoint};
    *out = take_origin(&origin);
    return CAIRN_OK;
}

void run_origin_release(run_origin *origin)
{
    cairn_store_free(origin->store);
    job_uri_release(&origin->uri);
    *origin = (run_origin){0};
}
