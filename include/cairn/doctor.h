/*
 * What a store really does: questions put to it, with what follows from the answers. Behind `cairn
 * doctor URI`, and, the part about create-only puts, behind every cairn_backend_open on a store
 * that does not vouch for itself.
 */
#ifndef CAIRN_DOCTOR_H
#define CAIRN_DOCTOR_H

#include <cairn/store.h>

CAIRN_BEGIN_DECLS

typedef enum cairn_verdict {
    CAIRN_VERDICT_OK = 0,
    CAIRN_VERDICT_NOTE = 1,   /* works otherwise than expected, no promise of cairn hangs on it */
    CAIRN_VERDICT_BAD = 2,    /* a promise is lost; the detail says which and what to do */
    CAIRN_VERDICT_UNKNOWN = 3 /* could not be asked; the detail says why */
} cairn_verdict;

/* How safely a job may run on a store. */
typedef enum cairn_safety {
    CAIRN_SAFETY_FENCED = 0, /* create-only is atomic: any number of attempts may meet */
    CAIRN_SAFETY_SINGLE = 1, /* it is not: one attempt at a time is the operator's promise */
    CAIRN_SAFETY_NONE = 2 /* not usable for checkpoints: it cannot be written, or loses objects */
} cairn_safety;

/* One question. `name` is stable ("create-only-race"); texts are borrowed for the call. */
typedef struct cairn_finding {
    const char *name;
    cairn_verdict verdict;
    const char *detail; /* one line, no secret */
} cairn_finding;

typedef void (*cairn_finding_visit)(void *context, const cairn_finding *finding);

/*
 * Puts, reads, lists and deletes objects below `doctor/<random>/`, all of which it removes, as far
 * as the store lets it and also after a failure, and asks the driver for what only it can tell.
 * Where they could not be found again or deleted it puts a few alone. `store` is a plain one,
 * without cairn_store_retrying, which would pull the writers of a race apart. `visit` gets each
 * finding, on the calling thread; *out_safety what follows. An error is returned only if the
 * examination itself could not go on (cancelled, no memory, deadline, a store that cannot be
 * reached at all).
 *
 * The names, in this order: write, read-after-write, range, range-beyond-end, empty-object,
 * overwrite, clock, not-found, list-after-write, list-paging, key-characters, create-only,
 * create-only-race, delete, delete-missing, those of the driver, role-subtask, role-coordinator,
 * role-gc, role-restore (what the credentials allow: no promise hangs on it), and clean-up if
 * something was left.
 */
cairn_code cairn_store_examine(cairn_store *store, const cairn_call *call,
                               cairn_finding_visit visit, void *context, cairn_safety *out_safety,
                               cairn_error *err);

CAIRN_END_DECLS

#endif
