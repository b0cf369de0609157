/*
 * A picture of a job's storage: epochs, retirement boundary, every standing manifest, and which of
 * them count. Reading and judging are apart: timeline_read does the I/O, timeline_judge is pure.
 *
 * Rules (docs/protocol.md): the head is the highest checkpoint that the newest *started* epoch
 * committed, else the one that its start names. A checkpoint counts if it is the head or an
 * ancestor of the head by parent links, and not below the boundary in force: the highest of the
 * boundary in that epoch's start record and those of the certificates that were made in that epoch.
 * A job root without any started epoch (a plain copy of checkpoints) has its highest commit as
 * head.
 */
#ifndef CAIRN_CHECKPOINT_TIMELINE_H
#define CAIRN_CHECKPOINT_TIMELINE_H

#include <cairn/store.h>

#include "keylist.h"
#include "manifest_write.h"
#include "records.h"

typedef struct timeline_entry {
    uint64_t id;
    bool counts;
    cairn_code code;          /* CAIRN_OK: manifest is set */
    cairn_error problem;      /* if code is not CAIRN_OK */
    cairn_manifest *manifest; /* owned */
} timeline_entry;

/* What a start has left that was killed while it tried the store. */
typedef struct timeline_probe {
    const char *key; /* in timeline.objects */
    uint64_t modified_ms;
} timeline_probe;

typedef struct timeline {
    uint64_t claimed;   /* highest claimed epoch, 0: none */
    uint64_t started;   /* newest started epoch, 0: none */
    record_start start; /* of `started` */
    uint64_t boundary;
    timeline_entry *entries; /* by id, descending */
    size_t count;
    size_t head;      /* index into entries; == count: none */
    key_list objects; /* every key below the root, in no order */
    timeline_probe *probes;
    size_t probe_count;
    size_t probe_capacity;
    uint64_t
        newest_ms; /* when the youngest object was written: the store's clock has come so far */
} timeline;

/*
 * Reads and judges. An unreadable manifest becomes an entry with a code; an unreadable epoch record
 * or certificate, or a store that fails, fails the call. Order of reads: epochs, objects,
 * certificates, manifests; a manifest that vanished between listing and reading (retired meanwhile)
 * starts over, at most CAIRN_TIMELINE_ROUNDS_MAX times.
 */
cairn_code timeline_read(cairn_store *root, const cairn_call *call, const char *job, timeline *out,
                         cairn_error *err);
void timeline_release(timeline *line);
CAIRN_DEFINE_AUTO(timeline, timeline_release)

/* Sets head, counts and, for broken links, codes. Pure. */
void timeline_judge(timeline *line);

/*
 * CAIRN_E_INTEGRITY if the newest started epoch, or a certificate made in it, says that there is a
 * checkpoint and none counts: that is damage, and never a reason to start empty.
 */
cairn_code timeline_check_head(const timeline *line, cairn_error *err);

/* Index of the entry with that id, or line->count. */
size_t timeline_find(const timeline *line, uint64_t id);

/*
 * The lowest id that a new epoch may use: above every id that stands, counting or not, and not
 * below what the last start said, because an id that was collected has named published output.
 */
uint64_t timeline_first_id(const timeline *line);

#endif
