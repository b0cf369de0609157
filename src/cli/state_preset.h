/*
 * What `state.backend.type` may name: an engine, or one of three presets, which are an engine and a
 * kind of place for the checkpoints.
 */
#ifndef CAIRN_CLI_STATE_PRESET_H
#define CAIRN_CLI_STATE_PRESET_H

#include <cairn/backend.h>

#include "check.h"

/* The engine of a name that the configuration has taken. */
cairn_state_backend state_preset_engine(const char *name);

/* CAIRN_E_INVALID if the preset does not keep checkpoints in such a place; engines take any. */
cairn_code state_preset_check(const char *name, const char *checkpoints, cairn_error *err);

#endif
