/*
 * What a checkpoint holds: the manifest, as a plain read-only struct.
 *
 * A manifest is one JSON document at `chk-<n>/manifest.json`, written once, create-only. Either it
 * commits checkpoint n, or it records that n was aborted. All object keys in it are relative to the
 * job root (`<checkpoints-uri>/<job>/`), so that a checkpoint may be copied to another store. Its
 * last line carries the SHA-256 of all bytes before that line; `head -n -1 | sha256sum` computes it
 * too.
 *
 * A cairn_manifest is immutable once read or validated, and may be read from any thread.
 * docs/format.md describes the JSON.
 */
#ifndef CAIRN_MANIFEST_H
#define CAIRN_MANIFEST_H

#include <cairn/error.h>

CAIRN_BEGIN_DECLS

#define CAIRN_MANIFEST_FORMAT  "cairn-manifest"
#define CAIRN_MANIFEST_VERSION 2 /* the newest; the oldest that can say it is written */

#define CAIRN_SHA256_HEX_SIZE 65 /* 64 lower-case hex digits and a NUL */
#define CAIRN_ATTEMPT_ID_SIZE 17 /* 16 lower-case hex digits and a NUL */

typedef enum cairn_manifest_kind {
    CAIRN_MANIFEST_CHECKPOINT = 0,
    CAIRN_MANIFEST_SAVEPOINT = 1,
    CAIRN_MANIFEST_ABORTED = 2 /* no operators; `reason` says why */
} cairn_manifest_kind;

typedef enum cairn_state_kind {
    CAIRN_STATE_VALUE = 0,       /* "value" */
    CAIRN_STATE_LIST = 1,        /* "list" */
    CAIRN_STATE_MAP = 2,         /* "map" */
    CAIRN_STATE_REDUCING = 3,    /* "reducing" */
    CAIRN_STATE_AGGREGATING = 4, /* "aggregating" */
    CAIRN_STATE_TIMERS = 5       /* "timers" of one domain, see timer.h */
} cairn_state_kind;

/* How bytes of keys or values were made; compared when a state is opened again. */
typedef struct cairn_serializer_id {
    char *id; /* "bytes", "u64", "string" ... a safe name */
    uint32_t version;
} cairn_serializer_id;

typedef struct cairn_state_info {
    char *name;
    cairn_state_kind kind;
    cairn_serializer_id key_serializer;
    cairn_serializer_id value_serializer;
    uint64_t ttl_ms; /* 0: none */
} cairn_state_info;

/* How an operator state is shared out among subtasks: operator_state.h. */
typedef enum cairn_operator_mode {
    CAIRN_OPERATOR_LIST = 0,     /* "list" */
    CAIRN_OPERATOR_UNION = 1,    /* "union" */
    CAIRN_OPERATOR_BROADCAST = 2 /* "broadcast" */
} cairn_operator_mode;

typedef struct cairn_operator_state_info {
    char *name;
    cairn_operator_mode mode;
    cairn_serializer_id key_serializer;   /* of a broadcast map's keys */
    cairn_serializer_id value_serializer; /* of elements, or of a broadcast map's values */
    uint64_t elements;
} cairn_operator_state_info;

/* One stored file. `offset` and `length` are the bytes of object `key` that hold it. */
typedef struct cairn_file_info {
    char *name; /* local name: ^[A-Za-z0-9._-]{1,255}$ */
    char *key;  /* relative to the job root */
    uint64_t offset;
    uint64_t size; /* bytes; also the length within the object */
    char sha256[CAIRN_SHA256_HEX_SIZE];
    uint32_t first_key_group; /* of the keys in it; for files without keys the subtask's range */
    uint32_t last_key_group;
    uint64_t uploaded_by; /* the checkpoint that uploaded it */
} cairn_file_info;

/* The operator states of a subtask: the file that holds them, and what is in it. */
typedef struct cairn_operator_states_info {
    cairn_file_info file;
    cairn_operator_state_info *states; /* sorted by name, at least one */
    size_t state_count;
} cairn_operator_states_info;

/* How far an input was read: everything before this point is in the state. */
typedef struct cairn_source_position {
    char *source;    /* name of the input, chosen by the worker */
    uint64_t offset; /* bytes */
    uint64_t records;
} cairn_source_position;

typedef struct cairn_subtask_info {
    uint32_t index;
    uint32_t first_key_group; /* inclusive range that it owns */
    uint32_t last_key_group;
    char attempt[CAIRN_ATTEMPT_ID_SIZE]; /* of the worker that wrote the part */
    char *engine;                        /* "rocksdb" or "hashmap" */
    char *engine_version;                /* "7.8.3" */
    cairn_source_position *positions;
    size_t position_count;
    cairn_buf operator_state; /* opaque bytes of the worker, at most 1 MiB */
    cairn_file_info *files;   /* the engine's files, sorted by name */
    size_t file_count;
    cairn_file_info *outputs; /* output that is published once this is committed, in order */
    size_t output_count;
    cairn_operator_states_info *operator_states; /* NULL: none */
} cairn_subtask_info;

typedef struct cairn_operator_info {
    char *uid;
    uint32_t parallelism;
    cairn_state_info *states; /* sorted by name */
    size_t state_count;
    cairn_subtask_info *subtasks; /* sorted by index; together they own all key groups once */
    size_t subtask_count;
} cairn_operator_info;

typedef struct cairn_manifest {
    char *job;
    uint64_t id;
    cairn_manifest_kind kind;
    uint64_t epoch;
    char attempt[CAIRN_ATTEMPT_ID_SIZE];       /* of the committer */
    uint64_t parent_id;                        /* 0: none */
    char parent_sha256[CAIRN_SHA256_HEX_SIZE]; /* of the parent's manifest bytes; "" if none */
    uint64_t started_ms;                       /* wall clock of the writer, ms since 1970 */
    uint64_t committed_ms;                     /* when the manifest was made */
    uint32_t max_parallelism;
    char *reason; /* of an abort, else NULL */
    /* Written where only the operator's promise keeps two attempts of the job apart, by his choice
     * (cairn_create_check). In the document: "extensions": {"safety": "single-attempt"}. */
    bool single_attempt;
    cairn_operator_info *operators; /* sorted by uid */
    size_t operator_count;
    char sha256[CAIRN_SHA256_HEX_SIZE]; /* of the whole document, as sha256sum gives it; set by read
                                         */
    uint64_t document_bytes;
} cairn_manifest;

/*
 * Reads and validates a document. `job` and `id` are what the place it was found at says (`job`
 * NULL and id 0: not compared). CAIRN_E_INTEGRITY: damaged or inconsistent (the message says
 * where); CAIRN_E_INCOMPATIBLE: a newer format version, or another job's.
 */
cairn_code cairn_manifest_read(cairn_slice document, const char *job, uint64_t id,
                               cairn_manifest **out, cairn_error *err);
void cairn_manifest_free(cairn_manifest *manifest);

/* Sums over files, outputs and operator states of all subtasks: all bytes, and those that this
 * checkpoint uploaded.
 */
uint64_t cairn_manifest_total_bytes(const cairn_manifest *manifest);
uint64_t cairn_manifest_new_bytes(const cairn_manifest *manifest);

CAIRN_END_DECLS

#endif
