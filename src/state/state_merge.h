/* Namespaces of one key merged into one: what list, reducing and aggregating states share. */
#ifndef CAIRN_STATE_STATE_MERGE_H
#define CAIRN_STATE_STATE_MERGE_H

#include "state_handle.h"

/* Which namespaces of the current key. */
typedef struct state_merge {
    cairn_slice target;
    const cairn_slice *sources;
    size_t count;
} state_merge;

typedef struct state_merge_ops {
    /* What stands in a namespace: the target's (if `with_target`), then the sources'. Borrowed for
     * the call. */
    cairn_code (*take)(void *context, cairn_slice stored, cairn_error *err);
    /* Stores what was taken. Called once, if a source held something. */
    cairn_code (*give)(void *context, const state_place *target, cairn_error *err);
    bool with_target;
    bool as_stored; /* with the stamps of a time to live (state_stamp.h) */
} state_merge_ops;

/*
 * Reads all, gives, then removes the sources. Until `give` nothing is changed. Checks handle, key
 * and slices first; CAIRN_E_LIMIT with more than CAIRN_MERGE_SOURCES_MAX sources.
 */
cairn_code state_merge_run(const state_handle *handle, const state_merge *merge,
                           const state_merge_ops *ops, void *context, cairn_error *err);

#endif
