/*
 * The stored files that a manifest names: of the engine, of the output, of the operator state; for
 * commands that ask who names what. Pure.
 */
#ifndef CAIRN_CLI_STORED_FILES_H
#define CAIRN_CLI_STORED_FILES_H

#include <cairn/history.h>

#include "check.h"

typedef enum stored_role {
    CAIRN_STORED_STATE = 0,
    CAIRN_STORED_OUTPUT = 1,
    CAIRN_STORED_OPERATOR = 2
} stored_role;

/* "state", "output", "operator-state"; static storage. */
const char *stored_role_name(stored_role role);

/* One file as one checkpoint names it; all of it is borrowed from the history. */
typedef struct stored_file {
    const cairn_history_entry *entry;
    const char *operator_uid;
    uint32_t subtask;
    stored_role role;
    const cairn_file_info *file;
} stored_file;

/* Zero-initialise it. */
typedef struct stored_files {
    stored_file *items;
    size_t count;
} stored_files;
void stored_files_release(stored_files *files);
CAIRN_DEFINE_AUTO(stored_files, stored_files_release)

/* How many files a manifest names. */
uint64_t stored_files_in(const cairn_manifest *manifest);

/* Those of one checkpoint, in the order of its manifest; of an entry without manifest none. */
cairn_code stored_files_of_entry(const cairn_history_entry *entry, stored_files *out,
                                 cairn_error *err);
/* Those of all checkpoints whose manifests read, newest first. */
cairn_code stored_files_of_history(const cairn_history *history, stored_files *out,
                                   cairn_error *err);

/* Are these the same bytes of the same object? */
bool stored_file_same(const stored_file *a, const stored_file *b);
/* Sorts by object and offset, those of one place newest first. */
void stored_files_sort_by_place(stored_files *files);
/* Sorts by operator, subtask, role and name. */
void stored_files_sort_by_name(stored_files *files);
/* The order of stored_files_sort_by_name. */
int stored_file_compare_names(const stored_file *a, const stored_file *b);

#endif
