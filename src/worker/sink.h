/*
 * The output of a worker: lines that become visible when the checkpoint that covers them is
 * committed.
 *
 *   1. sink_emit appends a line to the current segment, a local file.
 *   2. At a barrier sink_stage ends that segment; what sink_staged lists goes into the checkpoint.
 *   3. Committed: sink_publish writes all staged segments, in order, as one output object.
 *      Failed: they stay staged, and the next barrier adds to them.
 *   4. After a restore sink_reserve takes the checkpoint's outputs in as staged; then sink_publish.
 *
 * One thread. While a checkpoint is in flight no barrier may be staged and nothing published, so
 * what is staged is what the checkpoint in flight holds.
 */
#ifndef CAIRN_WORKER_SINK_H
#define CAIRN_WORKER_SINK_H

#include <cairn/checkpoint.h>
#include <cairn/store.h>

#include "check.h"

typedef struct sink sink;

/*
 * Spools in the folder `<local_dir>/output`, which is emptied now and removed by sink_free.
 * `output` is borrowed. `subtask` goes into the names of output objects.
 */
cairn_code sink_new(const char *local_dir, cairn_store *output, uint32_t subtask, sink **out,
                    cairn_error *err);
void sink_free(sink *to);
CAIRN_DEFINE_AUTO_PTR(sink, sink_free)

/* Adds one line. CAIRN_E_INVALID if there is a newline in it. */
cairn_code sink_emit(sink *to, cairn_slice line, cairn_error *err);

/* Ends the current segment, if it holds anything, and stages it. */
cairn_code sink_stage(sink *to, cairn_error *err);

/* What is staged, in order; borrowed until the next call that changes it. */
const cairn_output_file *sink_staged(const sink *to, size_t *out_count);

/* Stages one more file, which the caller makes at *out_path (borrowed). */
cairn_code sink_reserve(sink *to, const char **out_path, cairn_error *err);

/*
 * Publishes what is staged as `part-<checkpoint, 12 digits>-<subtask, 5 digits>`, create-only, and
 * forgets it; *out_created is true if the object is new. An object that stands there with the same
 * bytes is fine (a reply was lost, or an earlier run published it); other bytes are
 * CAIRN_E_INTEGRITY. Nothing staged: nothing is done. After a failure it may be called again.
 */
cairn_code sink_publish(sink *to, const cairn_call *call, uint64_t checkpoint_id, bool *out_created,
                        cairn_error *err);

#endif
