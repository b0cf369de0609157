/*
 * The one write that decides: a create-only put of a document under a key that every contender
 * uses. Whoever loses reads what stands there; the same bytes mean that only the reply was lost.
 */
#ifndef CAIRN_CHECKPOINT_DECIDE_H
#define CAIRN_CHECKPOINT_DECIDE_H

#include <cairn/store.h>

#include "check.h"

/* Whose document stands. */
typedef struct decision {
    bool ours;
    cairn_buf standing; /* the other one, if it is not ours */
} decision;

void decision_release(decision *self);
CAIRN_DEFINE_AUTO(decision, decision_release)

/*
 * On CAIRN_OK *out, zeroed before, tells whose document stands. Any other code: not known whether
 * ours stands; the caller must find out before it goes on.
 */
cairn_code decide(cairn_store *root, const cairn_call *call, const char *key, cairn_slice document,
                  decision *out, cairn_error *err);

#endif
