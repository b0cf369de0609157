/*
 * Taking checkpoints.
 *
 * cairn_checkpoint_begin is the sync phase: it fixes the state as it is now, in time that does not
 * depend on the size of the state, and returns. The async phase then runs on the backend's threads:
 * files that the last confirmed checkpoint lacks are hashed and uploaded, then one create-only
 * write of the manifest commits. The outcome arrives when it is asked for; nothing is called back.
 */
#ifndef CAIRN_CHECKPOINT_H
#define CAIRN_CHECKPOINT_H

#include <cairn/backend.h>

CAIRN_BEGIN_DECLS

/*
 * A checkpoint in flight. Any thread may poll, wait, cancel and read its statistics. One thread
 * frees it, when no other can still touch it, and before the backend is closed.
 */
typedef struct cairn_checkpoint cairn_checkpoint;

/* A local file whose bytes become part of the checkpoint; must not change until it has ended. */
typedef struct cairn_output_file {
    const char *name; /* recorded: ^[A-Za-z0-9._-]{1,255}$ */
    const char *path;
} cairn_output_file;

/* What goes into the checkpoint beside the state. All is copied. */
typedef struct cairn_checkpoint_request {
    uint32_t version;
    const cairn_source_position *positions;
    size_t position_count;
    cairn_slice operator_state; /* opaque, at most 1 MiB */
    const cairn_output_file *outputs;
    size_t output_count;
    uint64_t timeout_ms; /* 0: the backend's */
} cairn_checkpoint_request;

#define CAIRN_CHECKPOINT_REQUEST_VERSION 1
/* In the order of the members, as C++17 knows no designators. */
#define CAIRN_CHECKPOINT_REQUEST_INIT                                    \
    {                                                                    \
        CAIRN_CHECKPOINT_REQUEST_VERSION, NULL, 0, {NULL, 0}, NULL, 0, 0 \
    }

/*
 * Owner's thread, between two records. CAIRN_E_STATE while another checkpoint of the backend is in
 * flight; CAIRN_E_FENCED after a newer attempt was seen. A call that failed has no checkpoint to
 * follow.
 */
cairn_code cairn_checkpoint_begin(cairn_backend *backend, const cairn_checkpoint_request *request,
                                  cairn_checkpoint **out, cairn_error *err);

/* True once the outcome stands. */
bool cairn_checkpoint_done(cairn_checkpoint *checkpoint);

/*
 * Waits up to `timeout_ms` for the outcome (CAIRN_E_TIMEOUT if it does not come, the checkpoint
 * goes on). CAIRN_OK: committed and confirmed, it may be published. CAIRN_E_FENCED: stop. Anything
 * else: not committed as far as is known; nothing may be published for it; the next checkpoint
 * covers it.
 */
cairn_code cairn_checkpoint_wait(cairn_checkpoint *checkpoint, uint64_t timeout_ms,
                                 cairn_error *err);

/* Asks it to end early; the outcome is then CAIRN_E_CANCELLED unless it had committed already. */
void cairn_checkpoint_cancel(cairn_checkpoint *checkpoint);

typedef struct cairn_checkpoint_stats {
    uint64_t id;
    uint64_t sync_us;  /* pause of the owner */
    uint64_t link_ms;  /* until the snapshot's files stood */
    uint64_t async_ms; /* from begin to the outcome */
    uint64_t total_files;
    uint64_t total_bytes;
    uint64_t new_files; /* uploaded by this checkpoint */
    uint64_t new_bytes;
} cairn_checkpoint_stats;
/* Complete once the outcome stands. */
void cairn_checkpoint_get_stats(cairn_checkpoint *checkpoint, cairn_checkpoint_stats *out);

/* Waits for the outcome first. NULL is fine. */
void cairn_checkpoint_free(cairn_checkpoint *checkpoint);

CAIRN_END_DECLS

#endif
