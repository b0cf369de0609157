/*
 * What is known of a state: its copies and its memory. It stands in base because the registry of
 * states (src/state) and the manifest (src/manifest), which know nothing of each other, hold it.
 */
#ifndef CAIRN_BASE_STATE_INFO_H
#define CAIRN_BASE_STATE_INFO_H

#include <cairn/manifest.h>

#include "check.h"

/* A deep copy. `out` is overwritten, not freed; after a failure it is as before. */
cairn_code state_info_copy(const cairn_state_info *from, cairn_state_info *out, cairn_error *err);
/* Leaves `from` empty. `to` is overwritten, not freed. */
void state_info_move(cairn_state_info *from, cairn_state_info *to);
void state_info_release(cairn_state_info *info);
CAIRN_DEFINE_AUTO(cairn_state_info, state_info_release)

/* "value", "list" ... by cairn_state_kind, as in manifests; NULL stands at the end. */
extern const char *const state_kind_names[];
/* "unknown" if it is none of them. */
const char *state_kind_name(cairn_state_kind kind);

/* The same for operator states. */
cairn_code operator_state_info_copy(const cairn_operator_state_info *from,
                                    cairn_operator_state_info *out, cairn_error *err);
void operator_state_info_move(cairn_operator_state_info *from, cairn_operator_state_info *to);
void operator_state_info_release(cairn_operator_state_info *info);
CAIRN_DEFINE_AUTO(cairn_operator_state_info, operator_state_info_release)
/* An array, also one of which only the first `count` elements were filled. */
void operator_state_infos_free(cairn_operator_state_info *infos, size_t count);

/* "list", "union" or "broadcast"; NULL if it is none of them. */
const char *operator_mode_name(cairn_operator_mode mode);

#endif
