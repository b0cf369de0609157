/*
 * The parts of a savepoint that are about storage: reading its manifest, and filling its folder.
 * include/cairn/savepoint.h tells what savepoints are.
 */
#ifndef CAIRN_CHECKPOINT_SAVEPOINT_STORE_H
#define CAIRN_CHECKPOINT_SAVEPOINT_STORE_H

#include "keylist.h"
#include "layout.h"
#include "transfer.h"

/*
 * Reads the manifest of `name` below the root of `job` and checks that it is a savepoint's and
 * names nothing outside of its folder. `document` (may be NULL) gets its bytes. CAIRN_E_NOT_FOUND:
 * there is none.
 */
typedef struct savepoint_place {
    const char *job;
    const char *name;
} savepoint_place;
cairn_code savepoint_read(cairn_store *root, const cairn_call *call, const savepoint_place *place,
                          cairn_buf *document, cairn_manifest **out, cairn_error *err);

/* One attempt to make a savepoint. Names every object once, by its own id and a number. */
typedef struct savepoint_writer {
    transfer_context transfer;
    const char *name;
    const char *scratch_dir; /* for objects that the store does not copy by itself */
    uint64_t checkpoint_id;
    layout_writer writer; /* of the subtask at hand */
    uint64_t next_sequence;
    key_list stored; /* keys under which something may stand */
} savepoint_writer;

/* The key of the next object; it is on the list from then on. */
cairn_code savepoint_next_key(savepoint_writer *self, layout_key *out, cairn_error *err);

/*
 * Copies the objects that `files` name, each once, and makes `files` name the copies, which are
 * then read back and compared with what `files` say. Files of the checkpoint, so what is missing is
 * damage: CAIRN_E_INTEGRITY.
 */
cairn_code savepoint_copy_files(savepoint_writer *self, cairn_file_info *const *files, size_t count,
                                cairn_error *err);

/*
 * Stores the local files of `dir` that `files` name (name, size and key groups are set) as objects
 * of the savepoint, small ones together, and fills in the rest.
 */
cairn_code savepoint_store_files(savepoint_writer *self, const char *dir, cairn_file_info *files,
                                 size_t count, cairn_error *err);

/* Deletes what was stored: of an attempt whose manifest surely does not stand. */
void savepoint_discard(savepoint_writer *self);

#endif
