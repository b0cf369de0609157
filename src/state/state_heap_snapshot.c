/* Snapshots: a file for each key group that has entries. */
#include "clock.h"
#include "errors.h"
#include "fsutil.h"
#include "heap_file.h"
#include "state_heap_impl.h"

typedef struct group_file {
    uint32_t key_group;
    uint64_t changes;
} group_file;

typedef struct engine_snapshot {
    state_snapshot base;
    heap_snapshot *snapshot; /* NULL once its files stand: the owner need not copy any more */
    cairn_key_group_range range;
    group_file *files; /* of key groups with entries; filled by write */
    size_t file_count;
} engine_snapshot;

static bool has_entries(const heap_snapshot *snapshot, uint32_t key_group)
{
    bool grouped = false;

    for (size_t table = 0; heap_snapshot_table(snapshot, table, &grouped) != NULL; table++) {
        heap_cursor rows;
        cairn_slice key;
        cairn_slice value;

        heap_cursor_begin(snapshot, table, key_group, &rows);
        if (heap_cursor_next(&rows, &key, &value)) {
            return true;
        }
    }
    return false;
}

/* One call of write. */
typedef struct snapshot_run {
    engine_snapshot *self;
    const cairn_call *call;
    const char *dir;
    bool (*stands)(void *context, const char *name);
    void *context;
} snapshot_run;

/* Where a group file goes. */
typedef struct file_target {
    fs_fd fd;
    const char *path;
    const cairn_call *call;
} file_target;

static cairn_code check_call(const cairn_call *call, const char *path, cairn_error *err)
{
    if (call != NULL && call->cancel != NULL && cairn_cancel_triggered(call->cancel)) {
        return error_set(err, CAIRN_E_CANCELLED, "snapshot %s: cancelled", path);
    }
    if (call != NULL && call->deadline_ms != 0 && clock_monotonic_ms() >= call->deadline_ms) {
        return error_set(err, CAIRN_E_TIMEOUT, "snapshot %s: the deadline passed", path);
    }
    return CAIRN_OK;
}

/* A key group may be all of the state: so the call is looked at with each piece. */
static cairn_code write_bytes(void *context, cairn_slice bytes, cairn_error *err)
{
    const file_target *const target = context;

    CAIRN_TRY(check_call(target->call, target->path, err));
    return fs_write_all(target->fd, bytes.data, bytes.len, target->path, err);
}

/* Not fsynced: the folder is a cache, the checkpoint is durable. */
static cairn_code write_group(const snapshot_run *run, const char *name, uint32_t key_group,
                              cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = -1;
    CAIRN_AUTO_FREE char *path = NULL;

    CAIRN_TRY(fs_join(run->dir, name, &path, err));
    CAIRN_TRY(fs_open_new(path, &fd, err));
    file_target target = {fd, path, run->call};
    const heap_sink sink = {write_bytes, &target};
    return heap_file_write(run->self->snapshot, key_group, &sink, err);
}

/* A file that stands is as good as one that is written: its name says its contents. */
static cairn_code add_group(const snapshot_run *run, uint32_t key_group, cairn_error *err)
{
    engine_snapshot *const self = run->self;
    const uint64_t changes = heap_snapshot_changes(self->snapshot, key_group);
    char name[STATE_HEAP_NAME_BYTES];

    state_heap_name_file(key_group, changes, name);
    if (run->stands == NULL || !run->stands(run->context, name)) {
        CAIRN_TRY(write_group(run, name, key_group, err));
    }
    self->files[self->file_count++] = (group_file){key_group, changes};
    return CAIRN_OK;
}

static cairn_code write_groups(const snapshot_run *run, cairn_error *err)
{
    const cairn_key_group_range range = run->self->range;

    for (uint32_t group = range.first; group <= range.last; group++) {
        if (has_entries(run->self->snapshot, group)) {
            CAIRN_TRY(add_group(run, group, err));
        }
    }
    return CAIRN_OK;
}

static cairn_code snapshot_write(state_snapshot *base, const cairn_call *call, const char *dir,
                                 bool (*stands)(void *context, const char *name), void *context,
                                 cairn_error *err)
{
    engine_snapshot *const self = (engine_snapshot *)base;

    if (self->snapshot == NULL) {
        return error_set(err, CAIRN_E_STATE, "make snapshot %s: written before", dir);
    }
    if (fs_exists(dir)) {
        return error_set(err, CAIRN_E_EXISTS, "make snapshot %s: the folder exists", dir);
    }
    CAIRN_TRY(fs_make_dirs(dir, err));
    const cairn_code code = write_groups(&(snapshot_run){self, call, dir, stands, context}, err);
    heap_snapshot_free(CAIRN_TAKE(self->snapshot));
    if (code != CAIRN_OK) {
        (void)fs_remove_tree(dir, NULL);
    }
    return code;
}

static cairn_code snapshot_visit_files(state_snapshot *base, const char *dir,
                                       state_file_visit visit, void *context, cairn_error *err)
{
    const engine_snapshot *const self = (const engine_snapshot *)base;

    (void)dir;
    for (size_t i = 0; i < self->file_count; i++) {
        const group_file *const each = &self->files[i];
        char name[STATE_HEAP_NAME_BYTES];

        state_heap_name_file(each->key_group, each->changes, name);
        const state_file file = {name, each->key_group, each->key_group};
        CAIRN_TRY(visit(context, &file, err));
    }
    return CAIRN_OK;
}

static void snapshot_free(state_snapshot *base)
{
    engine_snapshot *const self = (engine_snapshot *)base;

    heap_snapshot_free(self->snapshot);
    mem_free(self->files);
    mem_free(self);
}

static const state_snapshot_ops snapshot_ops = {snapshot_write, snapshot_visit_files,
                                                snapshot_free};

cairn_code state_heap_snapshot(state_engine *base, state_snapshot **out, cairn_error *err)
{
    const heap_engine *const engine = (const heap_engine *)base;
    const cairn_key_group_range range = engine->options.range;
    CAIRN_AUTO_FREE engine_snapshot *self = mem_calloc(1, sizeof *self);
    CAIRN_AUTO_FREE group_file *files = mem_calloc(range.last - range.first + 1, sizeof *files);

    if (self == NULL || files == NULL) {
        return error_no_memory(err, "snapshot");
    }
    self->base.ops = &snapshot_ops;
    self->range = range;
    CAIRN_TRY(heap_snapshot_begin(engine->db, &self->snapshot, err));
    self->files = CAIRN_TAKE(files);
    *out = &CAIRN_TAKE(self)->base;
    return CAIRN_OK;
}
