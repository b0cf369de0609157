/*
 * Which checkpoint an attempt starts from: the restore mode applied to a timeline. Downloads,
 * because "good" can only be known by checking the bytes.
 */
#ifndef CAIRN_BACKEND_CHOOSE_H
#define CAIRN_BACKEND_CHOOSE_H

#include "backend_impl.h"

/*
 * What can be refused without downloading anything: an id that does not count, another operator,
 * engine or max parallelism. Asked before an epoch is claimed, because a claim ends the attempt
 * that runs.
 */
cairn_code choose_preview(const cairn_backend *self, const cairn_backend_options *options,
                          const timeline *line, cairn_error *err);

/*
 * Restores into self->db_dir what `options` ask for and sets *out_index to its entry, or to
 * line->count for an empty start.
 */
cairn_code choose_and_restore(cairn_backend *self, const cairn_backend_options *options,
                              const cairn_call *call, timeline *line, size_t *out_index,
                              cairn_error *err);

/* The newest entry that counts, older than `below_id`, whose objects are all whole; or line->count.
 */
size_t choose_newest_good(const transfer_context *context, const timeline *line, uint64_t below_id);

/* The subtask of `operator_uid` in a manifest that can be restored with these options. */
cairn_code choose_subtask(const cairn_manifest *manifest, const char *operator_uid,
                          const cairn_backend_options *options, const cairn_subtask_info **out,
                          cairn_error *err);

#endif
