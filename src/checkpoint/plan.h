/*
 * What a checkpoint uploads: the files of a snapshot compared with those of the last confirmed
 * checkpoint. Pure, but for engine_files_scan.
 *
 * An SST is re-referenced if the base holds a file of that name which is the same local file:
 * device, inode, size and time of last change. (RocksDB never writes an SST twice and never uses a
 * number again; a name alone would prove nothing.) A group file of the hash map (state_heap.h) is
 * re-referenced if the base holds a file of that name: its name says its contents. All other files
 * are uploaded each time, as files of this checkpoint alone.
 *
 * Group files are many and often small: those that are uploaded together share objects, of at most
 * CAIRN_PACK_BYTES (a larger file has one of its own), in the order of their names. An object stays
 * as long as one file in it is named. So that a few do not keep many dead ones, files of an object
 * less than half of which is named are stored again (plan_mark_sparse). What is stored again is
 * less than what died, and a byte dies once: at most as much again is uploaded, and objects take at
 * most twice the room of what is named (of those that a restore found, as far as it can be seen).
 */
#ifndef CAIRN_CHECKPOINT_PLAN_H
#define CAIRN_CHECKPOINT_PLAN_H

#include <cairn/state.h>

#include "fsutil.h"
#include "layout.h"
#include "manifest_write.h"
#include "state_table.h"

/* A local file of the engine and what is stored of it. */
typedef struct engine_file {
    fs_stat stat;
    bool absent;           /* not on the local disk: the engine knew that the base holds it */
    bool grouped;          /* info.first_key_group and last_key_group are those of its keys */
    bool fresh;            /* to be uploaded: info.sha256 is not known yet */
    bool sparse;           /* of a base: its object is mostly dead */
    uint64_t object_bytes; /* of a base: the least size that its object can have; 0: not known */
    cairn_file_info info;
} engine_file;

typedef struct engine_files {
    engine_file *items; /* sorted by info.name */
    size_t count;
} engine_files;

void engine_files_release(engine_files *files);
/* Moves the contents out; `files` is empty afterwards. */
engine_files engine_files_take(engine_files *files);
CAIRN_DEFINE_AUTO(engine_files, engine_files_release)

/* Lists a folder of the engine's files: name and stat of each that checkpoints store. Does I/O. */
cairn_code engine_files_scan(const char *dir, engine_files *out, cairn_error *err);
/* The same for a snapshot that was written to `dir`, with what the engine tells of its files. */
cairn_code engine_files_of(state_snapshot *snapshot, const char *dir, engine_files *out,
                           cairn_error *err);

typedef struct plan_context {
    uint64_t checkpoint_id;
    const layout_writer *writer;
    const engine_files *base;    /* of the last confirmed checkpoint; may be empty */
    cairn_key_group_range range; /* owned; for files whose keys are not known */
    uint64_t *next_sequence;     /* of shared keys; counts up, never reused in an attempt */
} plan_context;

/* Fills info of every file, of which name and stat are set, but sha256 of fresh ones.
 * CAIRN_E_INTERNAL if a file that is absent is not in the base. */
cairn_code plan_files(const plan_context *context, engine_files *files, cairn_error *err);

/* Marks the group files of a base whose objects are mostly dead: they count as not stored. To be
 * called before the snapshot is written, since such files must be written again. */
cairn_code plan_mark_sparse(engine_files *base, cairn_error *err);
/* Does the base hold a file of that name which may be named again without a look at the disk? */
bool plan_stands(const engine_files *base, const char *name);

/* The file with that name, or NULL. */
engine_file *engine_files_find(const engine_files *files, const char *name);

/* True for names of SSTs ("000012.sst"). */
bool plan_is_sst(const char *name);
/* True for names of files that are written once: SSTs and group files. */
bool plan_is_frozen(const char *name);
/* True for names of files that may share an object with others. */
bool plan_is_packed(const char *name);

#endif
