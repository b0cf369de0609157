/*
 * Making manifests and parts. The same cairn_manifest structs are filled here, validated by the
 * same code as after download (manifest_validate), and printed with a seal.
 *
 * A sealed document is pretty JSON whose last line is exactly
 *     `  "sha256": "<64 hex>"}` + newline
 * where the digest is over all bytes before that line.
 */
#ifndef CAIRN_MANIFEST_MANIFEST_WRITE_H
#define CAIRN_MANIFEST_MANIFEST_WRITE_H

#include <cairn/manifest.h>

#include "buf.h"
#include "digest.h"
#include "state_info.h"

CAIRN_DEFINE_AUTO_PTR(cairn_manifest, cairn_manifest_free)

/* A zeroed manifest; fill it with the functions below or by hand with memory of mem_alloc. */
cairn_code manifest_new(cairn_manifest **out, cairn_error *err);

/* Deep copies. `out` is overwritten, not freed. (Those of a state: state_info.h.) */
cairn_code file_info_copy(const cairn_file_info *from, cairn_file_info *out, cairn_error *err);
cairn_code subtask_info_copy(const cairn_subtask_info *from, cairn_subtask_info *out,
                             cairn_error *err);
void file_info_release(cairn_file_info *file);
void subtask_info_release(cairn_subtask_info *subtask);
void operator_info_release(cairn_operator_info *info);
/* A copy that the caller owns; free takes NULL. */
cairn_code operator_states_info_copy(const cairn_operator_states_info *from,
                                     cairn_operator_states_info **out, cairn_error *err);
void operator_states_info_free(cairn_operator_states_info *info);
CAIRN_DEFINE_AUTO_PTR(cairn_operator_states_info, operator_states_info_free)
CAIRN_DEFINE_AUTO(cairn_operator_info, operator_info_release)
CAIRN_DEFINE_AUTO(cairn_file_info, file_info_release)
CAIRN_DEFINE_AUTO(cairn_subtask_info, subtask_info_release)

/*
 * Pure check of every rule of docs/format.md: names, keys (relative, safe parts, below `shared/` or
 * `chk-<n>/`), sorted and unique files, sums that do not overflow, key-group ranges that cover
 * 0..max-1 exactly once per operator, new files (uploaded_by == id) whose key carries this epoch,
 * parent below id, bounds of bounds.h.
 */
cairn_code manifest_validate(const cairn_manifest *manifest, cairn_error *err);

/*
 * Validates, prints and seals; `out` then holds the document and nothing else. *out_sha256 (may be
 * NULL) is the digest of the whole document.
 */
cairn_code manifest_print(const cairn_manifest *manifest, cairn_buf *out, sha256 *out_sha256,
                          cairn_error *err);

/*
 * A part: what one subtask contributes to checkpoint `id`. Sealed too ("cairn-part", version 1).
 * It holds the operator's uid, parallelism and states, and one subtask.
 */
typedef struct manifest_part {
    char *job;
    uint64_t checkpoint_id;
    uint64_t epoch;
    uint64_t started_ms;
    uint32_t max_parallelism;
    cairn_operator_info operator_info; /* with exactly one subtask */
} manifest_part;

void manifest_part_release(manifest_part *part);
CAIRN_DEFINE_AUTO(manifest_part, manifest_part_release)
cairn_code manifest_part_print(const manifest_part *part, cairn_buf *out, cairn_error *err);
cairn_code manifest_part_read(cairn_slice document, manifest_part *out, cairn_error *err);

#endif
