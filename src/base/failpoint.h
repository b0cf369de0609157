/*
 * Fail points: named places where tests make the process die, fail or wait. Compiled in only with
 * CAIRN_FAILPOINTS; a release build has none.
 *
 * The variable CAIRN_FAILPOINT holds entries separated by ';', each
 *     name=[n*]action[(argument)][->[n*]action...]
 * with action: off, return(code-name), kill (SIGKILL to itself), abort, sleep(ms), pause(path of a
 * fifo: blocks until somebody opens it for writing). `n*action` acts on n hits, then the next of
 * the chain takes over; without a count the action acts on every hit; after the chain the point is
 * off. "commit.manifest.after=3*off->1*kill" kills at the fourth hit. A malformed value asserts.
 * CAIRN_FAILPOINT_TRACE names a file to which each point appends its name when first reached, so
 * that a test can prove that every point in the table is reached.
 */
#ifndef CAIRN_BASE_FAILPOINT_H
#define CAIRN_BASE_FAILPOINT_H

#include "check.h"

#ifdef CAIRN_FAILPOINTS
#    define CAIRN_FAILPOINT(name, err) CAIRN_TRY(failpoint_hit((name), (err)))
#else
#    define CAIRN_FAILPOINT(name, err) ((void)(err))
#endif

/* OK, or the code that an active return(...) asks for. Thread-safe. */
cairn_code failpoint_hit(const char *name, cairn_error *err);

/* Every name in the tree, sorted, NULL at the end; a hit on a name outside it asserts. */
extern const char *const failpoint_names[];

#endif
