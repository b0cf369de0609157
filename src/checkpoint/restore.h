/*
 * Bringing the files of a checkpoint to the local disk. Nothing is left behind on failure: files go
 * to a folder with a temporary name, which gets its own name when every file was checked on disk.
 */
#ifndef CAIRN_CHECKPOINT_RESTORE_H
#define CAIRN_CHECKPOINT_RESTORE_H

#include "layout.h"
#include "transfer.h"

/* CAIRN_E_NO_SPACE with need and free if the files of `subtask` do not fit below `dir`. */
cairn_code restore_check_space(const char *dir, uint64_t need_bytes, cairn_error *err);

/*
 * Downloads the engine's files into the existing empty folder `dir`. `durable`: for people, fsynced
 * and their own. Else for the engine, which never writes to SSTs and group files: those may be
 * shared with the store.
 */
cairn_code restore_files(const transfer_context *context, const cairn_file_info *files,
                         size_t count, const char *dir, bool durable, cairn_error *err);

/* The working state: downloads to `<dir>.partial` and renames it to `dir`, which must be absent. */
cairn_code restore_subtask(const transfer_context *context, const cairn_subtask_info *subtask,
                           const char *dir, cairn_error *err);

/* Of a checkpoint what holds one key: of one operator the subtask that owns the key group, without
 * its outputs, and of the hash map no more than the file of that group. */
typedef struct restore_filter {
    const char *operator_uid;
    uint32_t key_group;
} restore_filter;

typedef struct restore_source {
    const cairn_manifest *manifest;
    cairn_slice document;         /* its bytes */
    const restore_filter *filter; /* NULL: all of it */
} restore_source;

/* A checkpoint for people: see cairn_history_restore. */
cairn_code restore_checkpoint(const transfer_context *context, const restore_source *source,
                              const char *dir, cairn_error *err);

/*
 * Reads the part of a subtask and checks its seal and what it says it is. A restore of the working
 * state does not need parts; people who copy or verify a checkpoint want every object of it right.
 */
cairn_code restore_check_part(const transfer_context *context, const cairn_manifest *manifest,
                              const layout_writer *writer, cairn_error *err);

/*
 * CAIRN_OK if every object of a checkpoint, parts included, is whole; else the first failure.
 * `visit` (may be NULL) is called on the calling thread for each object; then all are checked, not
 * only up to the first failure.
 */
typedef void (*restore_check_visit)(void *context, const char *key, uint64_t bytes, cairn_code code,
                                    const cairn_error *problem);
cairn_code restore_verify(const transfer_context *context, const cairn_manifest *manifest,
                          restore_check_visit visit, void *visit_context, cairn_error *err);

#endif
