#include "savepoint_groups.h"

#include "cancel.h"
#include "engine_pick.h"
#include "errors.h"
#include "failpoint.h"
#include "fsutil.h"
#include "restore.h"
#include "state_heap.h"
#include "state_key.h"

#include <string.h>

/* Folders of one subtask, in the scratch folder. */
typedef struct group_folders {
    char *engine; /* the files that were restored */
    char *single; /* one of them, for an engine of one key group */
    char *groups; /* the canonical files */
} group_folders;

static void group_folders_release(group_folders *folders)
{
    char *const all[] = {folders->engine, folders->single, folders->groups};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(all); i++) {
        if (all[i] != NULL) {
            (void)fs_remove_tree(all[i], NULL);
        }
        mem_free(all[i]);
    }
}
CAIRN_DEFINE_AUTO(group_folders, group_folders_release)

static cairn_code make_folders(const char *scratch_dir, group_folders *out, cairn_error *err)
{
    CAIRN_TRY(fs_join(scratch_dir, "engine", &out->engine, err));
    CAIRN_TRY(fs_join(scratch_dir, "single", &out->single, err));
    CAIRN_TRY(fs_join(scratch_dir, "groups", &out->groups, err));
    return fs_make_dirs(out->groups, err);
}

/* One run over the key groups of a subtask. */
typedef struct group_run {
    const savepoint_writer *writer;
    const savepoint_subtask *from;
    const group_folders *folders;
    canonical_states states;
} group_run;

static cairn_code write_group(const group_run *run, state_engine *engine, uint32_t key_group,
                              cairn_error *err)
{
    CAIRN_AUTO_FREE char *path = NULL;
    char name[STATE_CANONICAL_NAME_BYTES];
    uint64_t entries = 0;

    state_canonical_name_file(key_group, name);
    CAIRN_TRY(call_check(run->writer->transfer.call, name, err));
    CAIRN_TRY(fs_join(run->folders->groups, name, &path, err));
    CAIRN_TRY(state_canonical_write(engine, &run->states, key_group, path, &entries, err));
    CAIRN_FAILPOINT("savepoint.group.after", err);
    return CAIRN_OK;
}

/* --- engines ---------------------------------------------------------------------------------- */

/* All of it is on the disk: opened once, read in order. */
static cairn_code write_database(const group_run *run, cairn_error *err)
{
    CAIRN_AUTO_PTR(state_engine_close) state_engine *engine = NULL;
    const cairn_key_group_range range = run->states.range;

    CAIRN_TRY(engine_open_stored(run->from->manifest, run->from->subtask, run->folders->engine,
                                 &engine, err));
    for (uint32_t group = range.first; group <= range.last; group++) {
        CAIRN_TRY(write_group(run, engine, group, err));
    }
    return CAIRN_OK;
}

static cairn_code open_single(const group_run *run, const char *name, uint32_t key_group,
                              state_engine **out, cairn_error *err)
{
    CAIRN_AUTO_FREE char *from = NULL;
    CAIRN_AUTO_FREE char *to = NULL;
    const heap_options options = {
        .range = {key_group, key_group},
        .key_group_bytes = state_key_group_bytes(run->states.max_parallelism)};

    CAIRN_TRY(fs_remove_tree(run->folders->single, err));
    CAIRN_TRY(fs_make_dirs(run->folders->single, err));
    CAIRN_TRY(fs_join(run->folders->engine, name, &from, err));
    CAIRN_TRY(fs_join(run->folders->single, name, &to, err));
    CAIRN_TRY(fs_rename(from, to, err));
    return state_heap_open(run->folders->single, &options, out, err);
}

/* A hash map is in memory as a whole: so it is opened with one key group at a time. */
static cairn_code write_hashmap(const group_run *run, cairn_error *err)
{
    const cairn_subtask_info *const subtask = run->from->subtask;

    for (size_t i = 0; i < subtask->file_count; i++) {
        CAIRN_AUTO_PTR(state_engine_close) state_engine *engine = NULL;
        const char *const name = subtask->files[i].name;
        uint32_t key_group = 0;
        uint64_t changes = 0;

        if (!state_heap_is_group_file(name, &key_group, &changes)) {
            return error_set(err, CAIRN_E_INTEGRITY, "%s is no file of the hash map", name);
        }
        CAIRN_TRY(open_single(run, name, key_group, &engine, err));
        CAIRN_TRY(write_group(run, engine, key_group, err));
    }
    return CAIRN_OK;
}

static cairn_code write_groups(const group_run *run, cairn_error *err)
{
    const cairn_subtask_info *const subtask = run->from->subtask;

    if (strcmp(subtask->engine, "hashmap") != 0) {
        return write_database(run, err);
    }
    if (!state_heap_reads(subtask->engine_version)) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "checkpoint %llu has files of the hash map of a version that this cairn "
                         "does not read: use the one that wrote it",
                         (unsigned long long)run->from->manifest->id);
    }
    return write_hashmap(run, err);
}

/* --- the files that were made ----------------------------------------------------------------- */

static cairn_code describe_file(const char *dir, const char *name, cairn_file_info *out,
                                cairn_error *err)
{
    CAIRN_AUTO_FREE char *path = NULL;
    fs_stat stat;
    uint32_t key_group = 0;

    CAIRN_TRY(fs_join(dir, name, &path, err));
    CAIRN_TRY(fs_stat_path(path, &stat, err));
    CAIRN_ASSERT(state_canonical_is_file(name, &key_group));
    out->name = mem_strdup(name);
    out->size = stat.size;
    out->first_key_group = key_group;
    out->last_key_group = key_group;
    return out->name == NULL ? error_no_memory(err, "savepoint") : CAIRN_OK;
}

/* Whatever subtask held before in their place is released. */
static cairn_code take_place(cairn_subtask_info *out, size_t count, cairn_error *err)
{
    cairn_file_info *const files = mem_calloc(count, sizeof *files);
    char *const engine = mem_strdup(STATE_CANONICAL_ENGINE);
    char *const version = mem_strdup(STATE_CANONICAL_VERSION);

    if (files == NULL || engine == NULL || version == NULL) {
        mem_free(files);
        mem_free(engine);
        mem_free(version);
        return error_no_memory(err, "savepoint");
    }
    for (size_t i = 0; i < out->file_count; i++) {
        file_info_release(&out->files[i]);
    }
    mem_free(out->files);
    mem_free(out->engine);
    mem_free(out->engine_version);
    out->files = files;
    out->file_count = count;
    out->engine = engine;
    out->engine_version = version;
    return CAIRN_OK;
}

static cairn_code store_groups(savepoint_writer *writer, const char *dir, cairn_subtask_info *out,
                               cairn_error *err)
{
    CAIRN_AUTO(fs_names) names = {0};

    CAIRN_TRY(fs_list(dir, &names, err));
    CAIRN_TRY(take_place(out, names.count, err));
    for (size_t i = 0; i < names.count; i++) {
        CAIRN_TRY(describe_file(dir, names.items[i], &out->files[i], err));
    }
    return savepoint_store_files(writer, dir, out->files, out->file_count, err);
}

cairn_code savepoint_groups_store(savepoint_writer *writer, const savepoint_subtask *from,
                                  cairn_subtask_info *out, cairn_error *err)
{
    CAIRN_AUTO(group_folders) folders = {0};
    const group_run run = {
        .writer = writer,
        .from = from,
        .folders = &folders,
        .states = {.items = from->op->states,
                   .count = from->op->state_count,
                   .max_parallelism = from->manifest->max_parallelism,
                   .range = {from->subtask->first_key_group, from->subtask->last_key_group}}};

    CAIRN_TRY(make_folders(writer->scratch_dir, &folders, err));
    CAIRN_TRY(restore_subtask(&writer->transfer, from->subtask, folders.engine, err));
    CAIRN_TRY(write_groups(&run, err));
    return store_groups(writer, folders.groups, out, err);
}
