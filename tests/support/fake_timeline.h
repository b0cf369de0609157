/*
 * Timelines written down in a few lines, for tests of the pure rules: which checkpoint counts, what
 * a garbage collection may delete.
 */
#ifndef CAIRN_TESTS_FAKE_TIMELINE_H
#define CAIRN_TESTS_FAKE_TIMELINE_H

#include "timeline.h"

/* One standing manifest. Its digest is made of its id and `variant`. */
typedef struct fake_entry {
    uint64_t id;
    uint64_t epoch;
    uint64_t parent; /* 0: none */
    cairn_manifest_kind kind;
    bool damaged;
    unsigned variant;        /* a manifest with the same id but other bytes */
    unsigned parent_variant; /* of the parent that this one was built on */
    const char *files[4];    /* object keys that it names, NULL at the end */
} fake_entry;

typedef struct fake_job {
    uint64_t claimed;
    uint64_t started;
    uint64_t started_from;
    uint64_t first_id;
    uint64_t boundary;
    uint64_t start_boundary; /* in the start record */
    fake_entry entries[8];   /* by id, descending; id 0 ends */
    const char *objects[24]; /* all keys below the root, NULL at the end */
} fake_job;

/* Builds and judges; fails the test if memory is short. */
void fake_timeline(const fake_job *job, timeline *out);

#endif
