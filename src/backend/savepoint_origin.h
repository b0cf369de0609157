/*
 * Starting from a savepoint. Such an epoch starts from no checkpoint: what the job has stops
 * counting, its first checkpoint has no parent and stores everything. Its start record names the
 * savepoint, so that an attempt that dies before its first checkpoint is followed by one that
 * starts from the savepoint again, and never by an empty one (docs/protocol.md, "Savepoints").
 */
#ifndef CAIRN_BACKEND_SAVEPOINT_ORIGIN_H
#define CAIRN_BACKEND_SAVEPOINT_ORIGIN_H

#include "backend_impl.h"

typedef struct savepoint_origin {
    cairn_store *store; /* all borrowed */
    const char *job;
    const char *name;
    const char *sha256; /* of its manifest, if a start record names it; NULL: whatever stands */
} savepoint_origin;

/* Do the options, or the newest start in `line`, ask for a savepoint? */
bool savepoint_origin_find(const cairn_backend_options *options, const timeline *line,
                           savepoint_origin *out);

/* What can be refused before anything is claimed: as choose_preview. */
cairn_code savepoint_origin_preview(const cairn_backend *self, const cairn_backend_options *options,
                                    const cairn_call *call, const savepoint_origin *origin,
                                    cairn_error *err);

/*
 * Downloads the files of the savepoint, to self->db_dir or, in canonical form, to
 * self->canonical_dir, and sets what the backend knows of what was restored. Another job's output
 * is none of this one's: it is left out. Own is a savepoint of the same job's name that stands
 * below the job's own root too, by its name and digest: a store may be spelled in many ways.
 */
cairn_code savepoint_origin_restore(cairn_backend *self, const cairn_backend_options *options,
                                    const cairn_call *call, const savepoint_origin *origin,
                                    cairn_error *err);

/* Fills the new engine from self->canonical_dir, if that is what was restored. */
cairn_code savepoint_origin_load(cairn_backend *self, cairn_error *err);

#endif
