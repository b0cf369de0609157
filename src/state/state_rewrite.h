/*
 * Rewrites what a table holds of a state: from one value serializer to another by a migration, and
 * from values without stamps (state_stamp.h) to values with them, or back.
 */
#ifndef CAIRN_STATE_STATE_REWRITE_H
#define CAIRN_STATE_STATE_REWRITE_H

#include <cairn/state.h>

#include "state_table.h"

typedef struct state_rewrite {
    const cairn_state_info *from; /* as it is stored; with stamps if it has a time to live */
    const cairn_state_info *to;
    const cairn_migration *migration; /* NULL: value serializers are the same */
    uint32_t max_parallelism;
    uint64_t now_ms; /* the stamp of what had none */
} state_rewrite;

/* False: what is stored is already as it shall be. */
bool state_rewrite_is_needed(const state_rewrite *rewrite);

/*
 * Reads the table of the engine (no decorator of it) to the end and writes each entry anew. What
 * loses its stamp and has expired by then is removed: it would live for ever. *out_begun: an entry
 * was written, or that was tried; set on failure too, for then the table holds both forms.
 */
cairn_code state_rewrite_run(state_table *table, const state_rewrite *rewrite, bool *out_begun,
                             cairn_error *err);

#endif
