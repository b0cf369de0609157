/*
 * Savepoints: copies of a checkpoint that belong to the user. A savepoint stands by itself below
 * `<store>/<job>/savepoints/<name>/`: nothing that the job does later touches it, neither retention
 * nor garbage collection, and it may be copied elsewhere as a folder. Jobs start from it
 * (cairn_backend_options.savepoint), also others, and more than one.
 *
 * It is made of a checkpoint as it stands in the store: no worker is needed, and none is disturbed.
 * Its form is *canonical* (keyed state in files that any engine begins from, one for each key group
 * and the same bytes whatever engine held it) or *native* (the engine's files as they are, for that
 * engine alone). Positions, operator state and output go with it.
 *
 * Life of one: its objects are stored under keys that are this attempt's own, then
 * `savepoints/<name>/manifest.json` is created. That is the last write, and the one that counts:
 * without it what stands below the name means nothing to any reader. So after a failure or a kill
 * the same name may be tried again, at once; what was left is not used and not in the way. A name
 * that has a manifest is taken for good (CAIRN_E_EXISTS).
 *
 * Names: ^[A-Za-z0-9._-]{1,255}$ with a character that is no digit (a number is a checkpoint).
 *
 * Thread safety: one thread at a time uses a cairn_history; the store may be shared.
 */
#ifndef CAIRN_SAVEPOINT_H
#define CAIRN_SAVEPOINT_H

#include <cairn/history.h>

CAIRN_BEGIN_DECLS

typedef enum cairn_savepoint_format {
    CAIRN_SAVEPOINT_CANONICAL = 0,
    CAIRN_SAVEPOINT_NATIVE = 1
} cairn_savepoint_format;

typedef struct cairn_savepoint_options {
    uint32_t version;
    uint64_t checkpoint_id; /* 0: the newest that counts */
    const char *name;       /* required */
    cairn_savepoint_format format;
    /* Required: a folder that is there. The canonical form needs room in it for the state twice;
     * what is made in it is removed at the end. */
    const char *scratch_dir;
    uint32_t transfer_threads; /* that read, copy and store; 1..64 */
    cairn_log log;
} cairn_savepoint_options;

#define CAIRN_SAVEPOINT_OPTIONS_VERSION 1
/* In the order of the members, as C++17 knows no designators. */
#define CAIRN_SAVEPOINT_OPTIONS_INIT                                                  \
    {                                                                                 \
        CAIRN_SAVEPOINT_OPTIONS_VERSION, 0, NULL, CAIRN_SAVEPOINT_CANONICAL, NULL, 4, \
            CAIRN_LOG_INIT                                                            \
    }

typedef struct cairn_savepoint_report {
    uint64_t checkpoint_id; /* that it is of */
    uint64_t files;
    uint64_t bytes;
    char sha256[CAIRN_SHA256_HEX_SIZE]; /* of its manifest */
} cairn_savepoint_report;

/*
 * Makes a savepoint of `<store>/<job>`. In memory are buffers, and of a hash map's checkpoint one
 * key group. All bytes are checked: those that are read against the checkpoint's SHA-256, and those
 * that the store copied by itself by reading them back.
 *
 * CAIRN_E_NOT_FOUND: no such job or checkpoint, or it was retired while it was copied;
 * CAIRN_E_EXISTS: the name is taken; CAIRN_E_INTEGRITY: the checkpoint is damaged;
 * CAIRN_E_LIMIT: an entry is larger than the canonical form takes (a list may grow so);
 * CAIRN_E_INVALID: a name or an option. On failure what was stored is deleted again, as far as that
 * is possible.
 */
cairn_code cairn_savepoint_create(cairn_store *store, const cairn_call *call, const char *job,
                                  const cairn_savepoint_options *options,
                                  cairn_savepoint_report *report, cairn_error *err);

/* True for a name that a savepoint may have. */
bool cairn_savepoint_name_is_valid(const char *name);

/*
 * A history that holds this savepoint and nothing else, as its head: what history.h does with a
 * checkpoint it does with it (find, verify, restore, restore_key, scan_operator; id 0, or that of
 * the checkpoint that it is of). CAIRN_E_NOT_FOUND: the job has none of that name;
 * CAIRN_E_INVALID: nor could it; CAIRN_E_INTEGRITY: its manifest is damaged, or names what is not
 * its own.
 */
cairn_code cairn_history_load_savepoint(cairn_store *store, const cairn_call *call, const char *job,
                                        const char *name, cairn_history **out, cairn_error *err);

/* Of the history of a job: the names of its savepoints, sorted; NULL beyond the last. Those whose
 * manifest stood when the history was loaded. Borrowed. */
const char *cairn_history_savepoint_name(const cairn_history *history, size_t index);

CAIRN_END_DECLS

#endif
