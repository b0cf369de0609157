/*
 * A job's checkpoints as they stand in a store, read without a worker: list, show, verify, restore
 * to a folder, look up a key, collect garbage. Reading writes nothing.
 *
 * Thread safety: one thread at a time uses a cairn_history; the store may be shared.
 */
#ifndef CAIRN_HISTORY_H
#define CAIRN_HISTORY_H

#include <cairn/log.h>
#include <cairn/manifest.h>
#include <cairn/store.h>

CAIRN_BEGIN_DECLS

typedef struct cairn_history cairn_history;

/* One id whose decision stands at `chk-<id>/manifest.json`. */
typedef struct cairn_history_entry {
    uint64_t id;
    bool counts;                    /* the head or an ancestor of it, not retired */
    bool head;                      /* the newest that counts */
    cairn_code code;                /* CAIRN_OK, or why the manifest can't be read */
    const cairn_manifest *manifest; /* NULL unless code is CAIRN_OK */
    const char *problem;            /* the message for `code`, else NULL */
} cairn_history_entry;

/*
 * Reads all epochs, certificates and manifests of `<store>/<job>`. CAIRN_E_NOT_FOUND if there is no
 * such job (neither an epoch nor a checkpoint). A damaged manifest is an entry, not a failure; a
 * store that cannot be read is a failure.
 */
cairn_code cairn_history_load(cairn_store *store, const cairn_call *call, const char *job,
                              cairn_history **out, cairn_error *err);
void cairn_history_free(cairn_history *history);

/* Entries, newest first. */
size_t cairn_history_count(const cairn_history *history);
const cairn_history_entry *cairn_history_at(const cairn_history *history, size_t index);

/* The highest claimed and the newest started epoch (0: none), and the retirement boundary. */
typedef struct cairn_history_epochs {
    uint64_t claimed;
    uint64_t started;
    uint64_t started_from; /* checkpoint id; 0: empty */
    uint64_t boundary;
} cairn_history_epochs;
void cairn_history_get_epochs(const cairn_history *history, cairn_history_epochs *out);

/*
 * The entry of checkpoint `id`, or the head for id 0. CAIRN_E_NOT_FOUND names the newest there is;
 * a damaged manifest is CAIRN_E_INTEGRITY and names the newest older one that reads. Borrowed.
 */
cairn_code cairn_history_find(cairn_history *history, uint64_t id, const cairn_history_entry **out,
                              cairn_error *err);

/* What a check of one object found. */
typedef struct cairn_check_result {
    const char *key;
    cairn_code code;     /* CAIRN_OK, CAIRN_E_NOT_FOUND, CAIRN_E_INTEGRITY, or a store error */
    const char *problem; /* NULL if CAIRN_OK */
    uint64_t bytes;
} cairn_check_result;
/* Called on the caller's thread for each object that was checked. */
typedef struct cairn_check_visitor {
    void (*visit)(void *context, const cairn_check_result *result);
    void *context;
} cairn_check_visitor;

typedef struct cairn_verify_report {
    uint64_t objects;
    uint64_t bytes;
    uint64_t damaged;
    uint64_t newest_good_id; /* the newest checkpoint that counts, not newer than `id`, all of whose
                                objects are right; 0: none. Filled only if something is damaged. */
} cairn_verify_report;

/*
 * Reads every object of checkpoint `id` (0: the head) and compares sizes and SHA-256. Returns
 * CAIRN_E_INTEGRITY, naming the first bad object and the newest good checkpoint, if anything is
 * wrong; the report is filled all the same. `visitor` may be NULL.
 */
cairn_code cairn_history_verify(cairn_history *history, const cairn_call *call, uint64_t id,
                                const cairn_check_visitor *visitor, cairn_verify_report *report,
                                cairn_error *err);

/*
 * Downloads checkpoint `id` (0: the head) to `dir`, which must be absent or empty:
 * `<dir>/manifest.json` and `<dir>/<operator>/<subtask>/<files>`, the files of the engine: what
 * RocksDB opens, or those of the hash map (docs/format.md). Every file is checked on disk by size
 * and SHA-256 before `dir` gets its name; on failure nothing is left.
 */
cairn_code cairn_history_restore(cairn_history *history, const cairn_call *call, uint64_t id,
                                 const char *dir, cairn_error *err);

/*
 * The same of what holds one key, for cairn_state_reader_get alone: the subtask of `operator_uid`
 * that owns the key, of a hash map's files the one of its key group. An operator that the
 * checkpoint lacks has no files.
 */
typedef struct cairn_history_key {
    const char *operator_uid;
    cairn_slice key;
} cairn_history_key;
cairn_code cairn_history_restore_key(cairn_history *history, const cairn_call *call, uint64_t id,
                                     const cairn_history_key *of, const char *dir,
                                     cairn_error *err);

/* An element of an operator state: of subtask `subtask`'s list, or an entry of its broadcast map.
 */
typedef struct cairn_operator_element {
    uint32_t subtask;
    cairn_slice key; /* of a broadcast map; else empty */
    cairn_slice value;
} cairn_operator_element;
/* Slices are valid for the call. */
typedef cairn_code (*cairn_operator_element_visit)(void *context,
                                                   const cairn_operator_element *element,
                                                   cairn_error *err);
typedef struct cairn_operator_scan {
    uint64_t id; /* of a checkpoint; 0: the head */
    const char *operator_uid;
    const char *state;
    cairn_operator_element_visit visit;
    void *context;
} cairn_operator_scan;
/*
 * Reads an operator state from the store, checked by size and SHA-256: by subtask, a list in its
 * order, a broadcast map by key. CAIRN_E_NOT_FOUND: no such operator or state. A code that `visit`
 * gives other than CAIRN_OK ends the call and is returned.
 */
cairn_code cairn_history_scan_operator(cairn_history *history, const cairn_call *call,
                                       const cairn_operator_scan *scan, cairn_error *err);

/* Reads keyed state of a folder that cairn_history_restore made, or cairn_history_restore_key: of
 * that key alone. Files are opened with the first read that needs them. One thread at a time. */
typedef struct cairn_state_reader cairn_state_reader;
cairn_code cairn_state_reader_open(const char *dir, const char *operator_uid,
                                   cairn_state_reader **out, cairn_error *err);
/* An entry of a state, by its kind. */
typedef struct cairn_state_entry {
    cairn_slice key;
    cairn_slice name_space; /* empty: the void one */
    cairn_slice user_key;   /* of a map; else empty */
    /* Value, a map's value, the reduced value or the accumulator; all elements of a list, for
     * cairn_list_next: a view {value.data, value.len}. */
    cairn_slice value;
    /* Of a state with a time to live: when the value was accessed last, or each element of a list,
     * in ms since 1970; else none. */
    const uint64_t *times_ms;
    size_t time_count;
} cairn_state_entry;
/* Whether reads give what has expired by the wall clock, too; they don't unless this is called. */
void cairn_state_reader_show_expired(cairn_state_reader *reader, bool show);
/* What stands at key, namespace and user key; `at->value` is not looked at. CAIRN_E_NOT_FOUND: no
 * such state; CAIRN_E_INVALID: it holds timers. An absent entry is *out_found false. */
cairn_code cairn_state_reader_get(cairn_state_reader *reader, const char *state,
                                  const cairn_state_entry *at, cairn_buf *out, bool *out_found,
                                  cairn_error *err);
/* The times_ms of what cairn_state_reader_get found last; borrowed until the next read. */
const uint64_t *cairn_state_reader_times(const cairn_state_reader *reader, size_t *out_count);
/* What the state is; NULL if there is none. Borrowed. */
const cairn_state_info *cairn_state_reader_info(const cairn_state_reader *reader,
                                                const char *state);
/* Every entry, by key group, key, namespace and user key. Slices are valid for the call. */
typedef cairn_code (*cairn_state_visit)(void *context, const cairn_state_entry *entry,
                                        cairn_error *err);
cairn_code cairn_state_reader_scan(cairn_state_reader *reader, const char *state,
                                   cairn_state_visit visit, void *context, cairn_error *err);
void cairn_state_reader_free(cairn_state_reader *reader);

/*
 * Garbage collection from storage alone, safe beside a running worker: keeps the `num_retained`
 * newest checkpoints that count; everything else that no living epoch may still need goes. Stops
 * with CAIRN_E_STATE while the highest epoch is claimed but not started, with CAIRN_E_INTEGRITY if
 * a manifest can't be read, with CAIRN_E_FENCED if an epoch is claimed meanwhile.
 */
typedef struct cairn_gc_options {
    uint32_t version;
    uint32_t num_retained; /* at least 1 */
    bool execute;          /* false: only tells what it would delete */
    /* Called for each victim before anything is deleted; may be NULL. */
    void (*visit)(void *context, const char *key);
    void *visit_context;
    cairn_log log;
} cairn_gc_options;
#define CAIRN_GC_OPTIONS_VERSION 1
/* In the order of the members, as C++17 knows no designators. */
#define CAIRN_GC_OPTIONS_INIT                                          \
    {                                                                  \
        CAIRN_GC_OPTIONS_VERSION, 1, false, NULL, NULL, CAIRN_LOG_INIT \
    }
typedef struct cairn_gc_report {
    uint64_t boundary;
    uint64_t objects; /* seen */
    uint64_t victims;
    uint64_t deleted;
    uint64_t kept; /* the store refused to delete them (object lock) */
} cairn_gc_report;
cairn_code cairn_gc(cairn_store *store, const cairn_call *call, const char *job,
                    const cairn_gc_options *options, cairn_gc_report *report, cairn_error *err);

CAIRN_END_DECLS

#endif
