#include "create_check.h"

#include "errors.h"
#include "layout.h"
#include "logging.h"
#include "random.h"
#include "store_probe.h"
#include "stores.h"

static cairn_code probe(cairn_store *store, const cairn_call *call, const cairn_log *log,
                        cairn_error *err)
{
    char id[RANDOM_ID_SIZE];
    store_probe seen = {0};

    random_id(id);
    const layout_key prefix = layout_probe(id);
    CAIRN_TRY(store_probe_create(store, call, prefix.text, CAIRN_PROBE_ROUNDS, &seen, err));
    if (seen.verdict == CAIRN_PROBE_ATOMIC) {
        log_write(log, CAIRN_LOG_DEBUG, "%s: %s", cairn_store_uri(store), seen.detail);
        return CAIRN_OK;
    }
    return error_set(
        err, CAIRN_E_INCOMPATIBLE,
        "%s can't keep two attempts of a job apart: %s; use another store, or make sure "
        "yourself that only one runs and set 'cairn.store.create-check: single'",
        cairn_store_uri(store), seen.detail);
}

cairn_code create_check_run(cairn_store *store, const cairn_call *call, cairn_create_check check,
                            const cairn_log *log, bool *out_single, cairn_error *err)
{
    if (store_create_is_atomic(store) || check == CAIRN_CREATE_CHECK_TRUST) {
        return CAIRN_OK;
    }
    if (check == CAIRN_CREATE_CHECK_PROBE) {
        return probe(store, call, log, err);
    }
    log_write(log, CAIRN_LOG_WARN,
              "%s: that only one attempt of the job runs at a time is the operator's promise "
              "(cairn.store.create-check: single)",
              cairn_store_uri(store));
    *out_single = true;
    return CAIRN_OK;
}
