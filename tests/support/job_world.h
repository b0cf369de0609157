/*
 * A small world for scenario tests of the backend: a directory store, local folders, a job whose
 * n-th operation is a pure function of n, and a plain model, so that "the state after exactly the
 * first n operations" can be compared key by key.
 *
 * Operation n: key n mod `keys` (with a zero byte in it), value "v<n>" padded to some length;
 * every 13th operation clears its key instead.
 */
#ifndef CAIRN_TESTS_JOB_WORLD_H
#define CAIRN_TESTS_JOB_WORLD_H

#include <cairn/cairn.h>

#include "tmpdir.h"

#define JOB_NAME "job"
#define JOB_KEYS 40000

typedef struct job_world {
    tmpdir *dir;
    cairn_store *directory; /* <dir>/store */
    cairn_store *store; /* what backends use: `directory` unless a test puts something in between */
    uint64_t keys;      /* JOB_KEYS, or what a test sets before the first operation */
    cairn_state_backend state_backend; /* of job_options: RocksDB, or what a test sets */
} job_world;

/* 0, or 1 for cmocka's setup if it can't be made. */
int job_world_new(job_world **out);
void job_world_free(job_world *world);

/* Options with small memory and this world's store; local_dir is set by open. */
cairn_backend_options job_options(const job_world *world);
/* Opens with local folder <dir>/local-<name>; `options` NULL: job_options. Fails the test if it
 * can't. */
cairn_backend *job_open(job_world *world, const char *name, const cairn_backend_options *options);
cairn_code job_try_open(job_world *world, const char *name, const cairn_backend_options *options,
                        cairn_backend **out, cairn_error *err);

/* Applies operations [first, end). */
void job_write(job_world *world, cairn_backend *backend, uint64_t first, uint64_t end);
cairn_code job_try_write(job_world *world, cairn_backend *backend, uint64_t first, uint64_t end,
                         cairn_error *err);
/* Compares every key with the model after operations [0, end). */
void job_expect_prefix(job_world *world, cairn_backend *backend, uint64_t end);

/* Takes a checkpoint with position `records`, waits, and fails the test unless it commits. */
uint64_t job_checkpoint(cairn_backend *backend, uint64_t records);
/* The same, for checkpoints that may fail; `out_id` may be NULL. */
cairn_code job_try_checkpoint(cairn_backend *backend, uint64_t records, uint64_t *out_id,
                              cairn_error *err);
void job_checkpoint_stats(cairn_backend *backend, uint64_t records, cairn_checkpoint_stats *out);
/* Position 77 of "input", operator state "abc", one output with `text`. */
void job_checkpoint_with_output(job_world *world, cairn_backend *backend, const char *text);

/* Ids of committed checkpoints that stand, or that count, newest first; 0 ends. */
void job_expect_ids(job_world *world, const uint64_t *ids);
void job_expect_counting(job_world *world, const uint64_t *ids);

/*
 * I5: below the job root stand only epoch records, certificates, manifests, and what standing
 * commits name (files, outputs, parts).
 */
void job_expect_no_garbage(job_world *world);

/* Flips one bit in the middle of the first file of checkpoint `id` whose name begins with `prefix`.
 */
void job_flip_file_of(job_world *world, uint64_t id, const char *prefix);
void job_expect_file(const char *path, const char *text);

#endif
