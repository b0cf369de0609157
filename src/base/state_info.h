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

#endif
