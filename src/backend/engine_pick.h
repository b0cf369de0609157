/* The engines of working state by the names that manifests and options give them. */
#ifndef CAIRN_BACKEND_ENGINE_PICK_H
#define CAIRN_BACKEND_ENGINE_PICK_H

#include <cairn/backend.h>

#include "session.h"

/* CAIRN_E_INVALID: no such engine, or less memory than it needs. */
cairn_code engine_check_options(const cairn_backend_options *options, cairn_error *err);

/*
 * What can be known before anything is claimed or downloaded. CAIRN_E_INCOMPATIBLE: the files of
 * `subtask` are not those of the engine that is asked for, or of a version that it can't read;
 * CAIRN_E_LIMIT: they hold more than the hash map may.
 */
cairn_code engine_check_stored(const cairn_manifest *manifest, const cairn_subtask_info *subtask,
                               const cairn_backend_options *options, cairn_error *err);

/* Opens the engine on the files in `dir`, or empty; `of` has max parallelism and key groups. */
cairn_code engine_open(const cairn_backend_options *options, const char *dir, const session *of,
                       state_engine **out, cairn_error *err);

/* Opens what a manifest names, to be read: nothing in `dir` is changed. */
cairn_code engine_open_stored(const cairn_manifest *manifest, const cairn_subtask_info *subtask,
                              const char *dir, state_engine **out, cairn_error *err);

#endif
