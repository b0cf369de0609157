/* Descriptors of states: checked, compared with what is stored, turned into what will be. Pure. */
#ifndef CAIRN_STATE_STATE_DESCRIPTOR_H
#define CAIRN_STATE_STATE_DESCRIPTOR_H

#include <cairn/state.h>

#include "state_info.h"

/* CAIRN_E_INVALID. */
cairn_code state_descriptor_check(const cairn_state_descriptor *descriptor, cairn_error *err);

/*
 * CAIRN_E_INCOMPATIBLE, with a line that names both, if kind or serializers differ, unless the
 * value serializer alone does and the descriptor has a migration from the stored one: that is put
 * in *out_migration. NULL there: the bytes are what the descriptor says.
 */
cairn_code state_descriptor_compare(const cairn_state_info *stored, cairn_state_kind kind,
                                    const cairn_state_descriptor *descriptor,
                                    const cairn_migration **out_migration, cairn_error *err);

/* `out` is overwritten, not freed. */
cairn_code state_descriptor_describe(const cairn_state_descriptor *descriptor,
                                     cairn_state_kind kind, cairn_state_info *out,
                                     cairn_error *err);

#endif
