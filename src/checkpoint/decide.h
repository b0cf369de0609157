/*
 * The one write that decides: a create-only put of a document under a key that every contender
 * uses. Whoever loses reads what stands there; the same bytes mean that only the reply was lost.
 */
#ifndef CAIRN_CHECKPOINT_DECIDE_H
#define CAIRN_CHECKPOINT_DECIDE_H

#include <cairn/store.h>

#include "check.h"

typedef enum decision {
    DECISION_OURS = 1, /* our document stands */
    DECISION_OTHER = 2 /* another one stands */
} decision;

/*
 * On CAIRN_OK *out tells whose document stands. `out_standing` (may be NULL) gets the other
 * document. Any other code: not known whether ours stands; the caller must find out before it goes
 * on.
 */
cairn_code decide(cairn_store *root, const cairn_call *call, const char *key, cairn_slice document,
                  decision *out, cairn_buf *out_standing, cairn_error *err);

#endif
