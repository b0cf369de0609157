#include "engine_pick.h"

#include "bounds.h"
#include "errors.h"
#include "state_canonical.h"
#include "state_heap.h"
#include "state_key.h"
#include "state_rocks.h"

#include <string.h>

#define READER_MEMORY_BYTES ((uint64_t)64 << 20)
#define SHOWN_BYTES         80

static const char *const names[] = {
    [CAIRN_STATE_BACKEND_ROCKSDB] = "rocksdb",
    [CAIRN_STATE_BACKEND_HASHMAP] = "hashmap",
};

static bool find(const char *name, cairn_state_backend *out)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (cairn_state_backend)i;
            return true;
        }
    }
    return false;
}

cairn_code engine_check_options(const cairn_backend_options *options, cairn_error *err)
{
    if (options->state_backend < CAIRN_STATE_BACKEND_ROCKSDB ||
        options->state_backend > CAIRN_STATE_BACKEND_HASHMAP) {
        return error_set(err, CAIRN_E_INVALID, "open a backend: state_backend is unknown");
    }
    if (options->memory_bytes != 0 && options->memory_bytes < CAIRN_ROCKS_MEMORY_BYTES_MIN) {
        return error_set(err, CAIRN_E_INVALID,
                         "open a backend: memory_bytes must be 0 or at least %llu",
                         (unsigned long long)CAIRN_ROCKS_MEMORY_BYTES_MIN);
    }
    return CAIRN_OK;
}

static cairn_code unknown_engine(const cairn_manifest *manifest, const cairn_subtask_info *subtask,
                                 cairn_error *err)
{
    return error_set(err, CAIRN_E_INCOMPATIBLE,
                     "checkpoint %llu is of engine %.*s, which this version does not know: use the "
                     "version that wrote it",
                     (unsigned long long)manifest->id, SHOWN_BYTES, subtask->engine);
}

static uint64_t heap_bytes(const cairn_backend_options *options)
{
    return options->memory_bytes == 0 ? CAIRN_HASHMAP_MEMORY_BYTES : options->memory_bytes;
}

/* An entry takes more in memory than in its file. */
static cairn_code check_heap_bytes(const cairn_manifest *manifest,
                                   const cairn_subtask_info *subtask, uint64_t memory_bytes,
                                   cairn_error *err)
{
    uint64_t stored = 0;

    for (size_t i = 0; i < subtask->file_count; i++) {
        stored += subtask->files[i].size;
    }
    if (stored > memory_bytes) {
        return error_set(
            err, CAIRN_E_LIMIT,
            "checkpoint %llu has %llu bytes of state, the hash map may hold %llu; give "
            "it more (cairn.hashmap.memory)",
            (unsigned long long)manifest->id, (unsigned long long)stored,
            (unsigned long long)memory_bytes);
    }
    return CAIRN_OK;
}

static cairn_code unknown_version(const cairn_manifest *manifest, const cairn_subtask_info *subtask,
                                  const char *what, cairn_error *err)
{
    return error_set(err, CAIRN_E_INCOMPATIBLE,
                     "checkpoint %llu has %s of version %.*s: use the version of cairn that wrote "
                     "it",
                     (unsigned long long)manifest->id, what, SHOWN_BYTES, subtask->engine_version);
}

static bool is_canonical(const cairn_subtask_info *subtask)
{
    return strcmp(subtask->engine, STATE_CANONICAL_ENGINE) == 0;
}

static cairn_code check_canonical_version(const cairn_manifest *manifest,
                                          const cairn_subtask_info *subtask, cairn_error *err)
{
    return state_canonical_reads(subtask->engine_version)
               ? CAIRN_OK
               : unknown_version(manifest, subtask, "canonical files", err);
}

/* Any engine begins from it. */
static cairn_code check_canonical(const cairn_manifest *manifest, const cairn_subtask_info *subtask,
                                  const cairn_backend_options *options, cairn_error *err)
{
    CAIRN_TRY(check_canonical_version(manifest, subtask, err));
    return options->state_backend == CAIRN_STATE_BACKEND_HASHMAP
               ? check_heap_bytes(manifest, subtask, heap_bytes(options), err)
               : CAIRN_OK;
}

static cairn_code check_heap_files(const cairn_manifest *manifest,
                                   const cairn_subtask_info *subtask, uint64_t memory_bytes,
                                   cairn_error *err)
{
    if (!state_heap_reads(subtask->engine_version)) {
        return unknown_version(manifest, subtask, "files of the hash map", err);
    }
    return check_heap_bytes(manifest, subtask, memory_bytes, err);
}

cairn_code engine_check_stored(const cairn_manifest *manifest, const cairn_subtask_info *subtask,
                               const cairn_backend_options *options, cairn_error *err)
{
    cairn_state_backend stored = CAIRN_STATE_BACKEND_ROCKSDB;

    if (is_canonical(subtask)) {
        return check_canonical(manifest, subtask, options, err);
    }
    if (!find(subtask->engine, &stored)) {
        return unknown_engine(manifest, subtask, err);
    }
    if (stored != options->state_backend) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "checkpoint %llu was written by engine %s, and %s can't read it: start "
                         "with state.backend.type %s",
                         (unsigned long long)manifest->id, names[stored],
                         names[options->state_backend], names[stored]);
    }
    return stored == CAIRN_STATE_BACKEND_HASHMAP
               ? check_heap_files(manifest, subtask, heap_bytes(options), err)
               : CAIRN_OK;
}

cairn_code engine_open(const cairn_backend_options *options, const char *dir, const session *of,
                       state_engine **out, cairn_error *err)
{
    const rocks_options rocks = {.memory_bytes = options->memory_bytes,
                                 .background_jobs = options->background_jobs};
    const heap_options heap = {.range = of->range,
                               .memory_bytes = heap_bytes(options),
                               .key_group_bytes = state_key_group_bytes(of->max_parallelism)};

    switch (options->state_backend) {
    case CAIRN_STATE_BACKEND_ROCKSDB:
        return state_rocks_open(dir, &rocks, of->max_parallelism, out, err);
    case CAIRN_STATE_BACKEND_HASHMAP:
        return state_heap_open(dir, &heap, out, err);
    }
    return error_set(err, CAIRN_E_INTERNAL, "open a backend: no engine");
}

static cairn_code open_canonical(const cairn_manifest *manifest, const cairn_subtask_info *subtask,
                                 const char *dir, state_engine **out, cairn_error *err)
{
    canonical_states states = {.max_parallelism = manifest->max_parallelism,
                               .range = {subtask->first_key_group, subtask->last_key_group}};

    CAIRN_TRY(check_canonical_version(manifest, subtask, err));
    for (size_t i = 0; i < manifest->operator_count; i++) {
        const cairn_operator_info *const op = &manifest->operators[i];

        if (subtask >= op->subtasks && subtask < op->subtasks + op->subtask_count) {
            states.items = op->states;
            states.count = op->state_count;
        }
    }
    return state_canonical_open(dir, &states, out, err);
}

cairn_code engine_open_stored(const cairn_manifest *manifest, const cairn_subtask_info *subtask,
                              const char *dir, state_engine **out, cairn_error *err)
{
    const rocks_options rocks = {
        .memory_bytes = READER_MEMORY_BYTES, .background_jobs = 1, .read_only = true};
    const heap_options heap = {.range = {subtask->first_key_group, subtask->last_key_group},
                               .key_group_bytes = state_key_group_bytes(manifest->max_parallelism)};
    cairn_state_backend stored = CAIRN_STATE_BACKEND_ROCKSDB;

    if (is_canonical(subtask)) {
        return open_canonical(manifest, subtask, dir, out, err);
    }
    if (!find(subtask->engine, &stored)) {
        return unknown_engine(manifest, subtask, err);
    }
    return stored == CAIRN_STATE_BACKEND_ROCKSDB
               ? state_rocks_open(dir, &rocks, manifest->max_parallelism, out, err)
               : state_heap_open(dir, &heap, out, err);
}
