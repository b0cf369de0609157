/*
 * A state backend: the working state of one operator of one job on this machine, and its
 * checkpoints in a store.
 *
 * Life cycle:
 *   1. cairn_backend_open locks the local folder, makes sure that it could start at all and that
 * the store can tell two attempts apart (cairn_create_check), claims the next epoch of the job
 * (which ends the attempt that runs), reads the newest checkpoint that counts, downloads and checks
 * it, starts the epoch. cairn_backend_restored tells what was restored.
 *   2. cairn_value_state_open ... (state.h), then per record: cairn_backend_set_key, read, update.
 *   3. cairn_checkpoint_begin between two records (checkpoint.h); go on; look at its outcome later.
 *   4. cairn_backend_close.
 * State that is in no committed checkpoint is gone after close: the local folder is a cache.
 *
 * Thread safety: a backend, its states and its checkpoints' begin belong to one thread, the owner.
 * Functions marked [any] may be called from any thread.
 */
#ifndef CAIRN_BACKEND_H
#define CAIRN_BACKEND_H

#include <cairn/log.h>
#include <cairn/manifest.h>
#include <cairn/state.h>
#include <cairn/store.h>

CAIRN_BEGIN_DECLS

typedef enum cairn_restore_mode {
    CAIRN_RESTORE_LATEST = 0, /* the newest that counts; damaged: CAIRN_E_INTEGRITY */
    CAIRN_RESTORE_LATEST_GOOD =
        1, /* the newest that counts and is whole; what was passed over is logged */
    CAIRN_RESTORE_NONE = 2, /* start empty; what is there stops counting */
    CAIRN_RESTORE_ID = 3, /* `restore_id`, which must count; a step back if it is not the newest */
    CAIRN_RESTORE_SAVEPOINT = 4 /* `savepoint`; what is there stops counting */
} cairn_restore_mode;

/*
 * What tells an attempt of a job that a newer one exists is a put that must not replace anything.
 * Whether a store does that right when two write at once is looked at before anything is claimed,
 * unless the store vouches for itself by what it is (a directory, HDFS).
 */
typedef enum cairn_create_check {
    CAIRN_CREATE_CHECK_PROBE = 0, /* two threads race for keys below `<job>/probe/`; a store that
                                     lets both win is CAIRN_E_INCOMPATIBLE */
    CAIRN_CREATE_CHECK_TRUST = 1, /* it is known to be right: nothing is asked */
    CAIRN_CREATE_CHECK_SINGLE = 2 /* a weaker mode: the operator promises that never two attempts of
                                     the job run at once. Nothing is asked; manifests say so */
} cairn_create_check;

/*
 * What holds the working state. A checkpoint is in the form of the engine that wrote it: another
 * engine refuses it (CAIRN_E_INCOMPATIBLE). What `cairn run` calls DiskStateBackend is HASHMAP with
 * a directory as `store`, FsStateBackend HASHMAP with S3 or HDFS, RocksDBStateBackend ROCKSDB.
 */
typedef enum cairn_state_backend {
    CAIRN_STATE_BACKEND_ROCKSDB = 0, /* on the local disk, with a budget of memory */
    CAIRN_STATE_BACKEND_HASHMAP = 1  /* all of it in memory: faster, as large as memory allows */
} cairn_state_backend;

/*
 * A savepoint (savepoint.h) to start from: of this job or of another one, whose state is taken but
 * whose output is not. It stays the user's: it is only read, and once the first checkpoint is
 * committed, which stores everything, it is not needed any more. A canonical one is for any
 * state_backend. Until that checkpoint an attempt with CAIRN_RESTORE_LATEST starts from it again,
 * if it is in this backend's own store.
 */
typedef struct cairn_savepoint_source {
    cairn_store *store; /* NULL: the backend's own; borrowed for the open */
    const char *job;
    const char *name;
} cairn_savepoint_source;

typedef struct cairn_backend_options {
    uint32_t version;
    cairn_store *store;       /* required; borrowed until close; the job lives at `<store>/<job>` */
    const char *job;          /* required: ^[A-Za-z0-9._-]{1,255}$ */
    const char *operator_uid; /* required, same form; stable between runs */
    const char *local_dir;    /* required; made if missing; empty, or one that cairn used before */
    uint32_t max_parallelism; /* 0: that of the restored checkpoint, else 128 */
    cairn_restore_mode restore;
    uint64_t restore_id;
    /* RocksDB: block cache, index, filters and write buffers together. Hash map: the most that all
     * of the state may take; writes beyond it are CAIRN_E_LIMIT. 0: 256 MiB for RocksDB, 1 GiB
     * for the hash map. */
    uint64_t memory_bytes;
    uint32_t transfer_threads; /* that hash, upload and download; 1..64 */
    uint32_t background_jobs;  /* of RocksDB: flushes and compactions at once */
    uint32_t num_retained;     /* committed checkpoints kept; at least 1 */
    uint64_t checkpoint_timeout_ms;
    uint64_t open_timeout_ms;        /* bound of claim, read, download and start together */
    cairn_create_check create_check; /* of stores that do not vouch for themselves */
    cairn_state_backend state_backend;
    const cairn_savepoint_source *savepoint; /* with CAIRN_RESTORE_SAVEPOINT, else NULL */
    const cairn_cancel *cancel; /* ends open early; may be NULL; borrowed until close */
    cairn_log log;
    cairn_clock clock; /* of times to live (state.h); zero: the wall clock; used until close */
} cairn_backend_options;

#define CAIRN_BACKEND_OPTIONS_VERSION 1
/* In the order of the members, as C++17 knows no designators: 4 transfer threads, 2 background
 * jobs, 1 retained, 10 minutes for a checkpoint, an hour for open. */
#define CAIRN_BACKEND_OPTIONS_INIT                                                               \
    {                                                                                            \
        CAIRN_BACKEND_OPTIONS_VERSION, NULL, NULL, NULL, NULL, 0, CAIRN_RESTORE_LATEST, 0, 0, 4, \
            2, 1, 600000, 3600000, CAIRN_CREATE_CHECK_PROBE, CAIRN_STATE_BACKEND_ROCKSDB, NULL,  \
            NULL, CAIRN_LOG_INIT,                                                                \
        {                                                                                        \
            NULL, NULL                                                                           \
        }                                                                                        \
    }

/*
 * Errors besides those of the store: CAIRN_E_LOCKED (another process holds local_dir),
 * CAIRN_E_FENCED (a newer attempt of the job exists), CAIRN_E_NOT_FOUND (restore_id does not count;
 * the message names the newest that does), CAIRN_E_INTEGRITY (damaged; the message names the object
 * and the newest good checkpoint), CAIRN_E_INCOMPATIBLE (format version, job, operator, engine,
 * max parallelism, a store whose create-only puts have more than one winner), CAIRN_E_NO_SPACE (the
 * message says how much is needed and free). A store that cannot be reached never leads to an empty
 * start.
 */
cairn_code cairn_backend_open(const cairn_backend_options *options, cairn_backend **out,
                              cairn_error *err);

/* What was restored, borrowed until close; NULL if the job started empty. [any] */
const cairn_manifest *cairn_backend_restored(const cairn_backend *backend);

/*
 * How this subtask is cut out of the job, for who routes input to it: a record with key k is its
 * own if cairn_key_group_of(k, cairn_backend_max_parallelism(b)) lies in
 * cairn_backend_key_groups(b) (setting another key is CAIRN_E_INVALID). Both are fixed at open,
 * where options and the restored checkpoint decide, and stay until close. [any]
 */
uint32_t cairn_backend_max_parallelism(const cairn_backend *backend);
/* First and last are both owned. */
cairn_key_group_range cairn_backend_key_groups(const cairn_backend *backend);

/* Downloads output `index` of the restored checkpoint to the new file `path` and checks it. */
cairn_code cairn_backend_fetch_output(cairn_backend *backend, size_t index, const char *path,
                                      cairn_error *err);

/*
 * CAIRN_E_FENCED once a newer attempt was seen (the backend looks every 2 s and at each
 * checkpoint); then stop: nothing of this attempt counts any more. Cheap. [any]
 */
cairn_code cairn_backend_check(cairn_backend *backend, cairn_error *err);

/* A picture for progress and metrics. [any] */
typedef struct cairn_backend_stats {
    uint64_t epoch;
    uint64_t state_bytes;        /* estimate: on local disk and in write buffers, or on the heap */
    uint64_t memory_bytes;       /* used of the budget */
    uint64_t last_checkpoint_id; /* committed; 0: none yet */
    uint64_t
        last_checkpoint_age_ms; /* since its commit, monotonic; of the restored one since open */
    uint64_t completed_checkpoints;
    uint64_t failed_checkpoints;
    uint64_t consecutive_failures;
} cairn_backend_stats;
void cairn_backend_get_stats(cairn_backend *backend, cairn_backend_stats *out);

/*
 * Cancels and waits for what is in flight, closes the engine, removes the local state, unlocks.
 * Handles of states and checkpoints must not be used afterwards. NULL is fine.
 */
void cairn_backend_close(cairn_backend *backend);

CAIRN_END_DECLS

#endif
