/* Whether the store can keep two attempts of a job apart. */
#ifndef CAIRN_BACKEND_CREATE_CHECK_H
#define CAIRN_BACKEND_CREATE_CHECK_H

#include <cairn/backend.h>

#include "check.h"

/*
 * Probes `store`, the job's without retries, if it does not vouch for itself and `check` asks for
 * it. CAIRN_E_INCOMPATIBLE: it can't; the message says what was seen and which option would accept
 * it. *out_single: only the operator keeps attempts apart, which is logged.
 */
cairn_code create_check_run(cairn_store *store, const cairn_call *call, cairn_create_check check,
                            const cairn_log *log, bool *out_single, cairn_error *err);

#endif
