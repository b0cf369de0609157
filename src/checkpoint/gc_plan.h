/*
 * What a garbage collection deletes. Pure: from a timeline to a list of victims, in an order in
 * which a crash at any point leaves everything restorable: manifests first, then data. (Manifests
 * stand oldest first, but a store that deletes many at once has an order of its own: none of them
 * counts any more once the certificate stands.) What probes of a store have left goes after
 * CAIRN_PROBE_LINGER_MS.
 *
 * Outside (own_epoch 0): only objects of epochs older than the newest started one are touched; the
 * checkpoint that it started from and every one of the living epoch stay, whatever num_retained
 * says. The living epoch's own writer (own_epoch = the started epoch) may also retire its own
 * checkpoints.
 */
#ifndef CAIRN_CHECKPOINT_GC_PLAN_H
#define CAIRN_CHECKPOINT_GC_PLAN_H

#include "timeline.h"

typedef struct gc_rules {
    uint32_t num_retained; /* at least 1 */
    uint64_t own_epoch;    /* 0: from outside */
    bool abandoned;        /* also checkpoints above the boundary that do not count */
} gc_rules;

typedef struct gc_plan {
    uint64_t boundary;
    uint64_t head;
    key_list victims;
    size_t manifest_victims;  /* the first so many of victims */
    uint64_t *manifests_read; /* ids, for the certificate */
    size_t manifests_read_count;
} gc_plan;

void gc_plan_release(gc_plan *plan);
CAIRN_DEFINE_AUTO(gc_plan, gc_plan_release)

/* CAIRN_E_INTEGRITY if any manifest could not be read: nothing may be deleted then. */
cairn_code gc_plan_make(const timeline *line, const gc_rules *rules, gc_plan *out,
                        cairn_error *err);

/* Adds every key that a manifest names (files, outputs, parts). */
cairn_code gc_add_named(const cairn_manifest *manifest, key_list *out, cairn_error *err);

#endif
