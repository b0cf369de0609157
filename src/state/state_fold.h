/*
 * What reducing and aggregating states share: a user's function makes what is stored next out of
 * what is stored and what comes. It writes to a buffer of ours and reads from others, so a failure
 * of it changes nothing.
 */
#ifndef CAIRN_STATE_STATE_FOLD_H
#define CAIRN_STATE_STATE_FOLD_H

#include "state_merge.h"

void state_fold_init(state_fold *fold);
void state_fold_release(state_fold *fold);

#define STATE_FOLD_CALL "add to a state" /* in messages */

/* Empties the buffers and copies the element. */
cairn_code state_fold_begin(state_fold *fold, cairn_slice element, cairn_error *err);

/* Stores what stands in fold->spare, where the function has written it. */
cairn_code state_fold_store(const state_handle *handle, const state_fold *fold, cairn_error *err);

/* `sum` combines the target's and the sources', in this order. */
cairn_code state_fold_merge(const state_handle *handle, state_fold *fold,
                            const cairn_reduce_function *sum, const state_merge *merge,
                            cairn_error *err);

#endif
