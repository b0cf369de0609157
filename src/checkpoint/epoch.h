/*
 * Epochs: attempts to run a job, fenced by create-only claims (docs/protocol.md).
 *
 * The order claim, read, start is the caller's; this unit does the single steps. All calls may be
 * made from any thread.
 */
#ifndef CAIRN_CHECKPOINT_EPOCH_H
#define CAIRN_CHECKPOINT_EPOCH_H

#include <cairn/store.h>

#include "records.h"

/* What a claim says about its maker; all borrowed. */
typedef struct epoch_request {
    const char *job;
    const char *attempt;
    uint32_t max_parallelism;
} epoch_request;

/* Claims the epoch after the highest; bounded by CAIRN_CLAIM_ATTEMPTS_MAX lost races. */
cairn_code epoch_claim(cairn_store *root, const cairn_call *call, const epoch_request *request,
                       uint64_t *out_epoch, cairn_error *err);

/*
 * The look: CAIRN_E_FENCED if a higher epoch is claimed. Claims are dense (each is the successor of
 * one that stood), so one request for the next claim answers it.
 */
cairn_code epoch_look(cairn_store *root, const cairn_call *call, uint64_t epoch, cairn_error *err);

/* Creates the start record of an own epoch. CAIRN_E_FENCED if another attempt stands there. */
cairn_code epoch_start(cairn_store *root, const cairn_call *call, const record_start *start,
                       cairn_error *err);

#endif
