/* From files to tables. */
#include "errors.h"
#include "fsutil.h"
#include "heap_file.h"
#include "state_heap_impl.h"

/* Where a group file comes from. */
typedef struct file_source {
    fs_fd fd;
    const char *path;
    uint64_t offset;
} file_source;

static cairn_code read_bytes(void *context, void *into, size_t size, size_t *out_size,
                             cairn_error *err)
{
    file_source *const source = context;
    const cairn_memory_range range = {source->offset, into, size};

    CAIRN_TRY(fs_read_at(source->fd, &range, out_size, source->path, err));
    source->offset += *out_size;
    return CAIRN_OK;
}

static cairn_code read_group(heap_db *db, const char *path, uint32_t key_group, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = -1;

    CAIRN_TRY(fs_open_read(path, &fd, err));
    file_source source = {fd, path, 0};
    const heap_feed feed = {read_bytes, &source};
    const cairn_code code = heap_file_read(db, key_group, &feed, err);
    return code == CAIRN_OK ? code : error_prefix(err, code, "%s", path);
}

static cairn_code check_file(const heap_engine *engine, const char *name, uint32_t key_group,
                             uint32_t last_key_group, cairn_error *err)
{
    const cairn_key_group_range range = engine->options.range;

    if (key_group < range.first || key_group > range.last) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s: its key group is not one of %u..%u", name,
                         range.first, range.last);
    }
    if (key_group == last_key_group) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s: another file has the same key group", name);
    }
    return CAIRN_OK;
}

/* `last`: of the file before; names are sorted, so two files of one group stand side by side. */
static cairn_code load_file(heap_engine *engine, const char *dir, const char *name, uint32_t *last,
                            cairn_error *err)
{
    CAIRN_AUTO_FREE char *path = NULL;
    uint32_t key_group = 0;
    uint64_t changes = 0;

    if (!state_heap_is_group_file(name, &key_group, &changes)) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s: no file of the hash map", name);
    }
    CAIRN_TRY(check_file(engine, name, key_group, *last, err));
    CAIRN_TRY(fs_join(dir, name, &path, err));
    CAIRN_TRY(read_group(engine->db, path, key_group, err));
    heap_set_changes(engine->db, key_group, changes);
    *last = key_group;
    return CAIRN_OK;
}

/* Tables as the files have them. */
static cairn_code adopt_tables(heap_engine *engine, cairn_error *err)
{
    CAIRN_AUTO_PTR(heap_snapshot_free) heap_snapshot *snapshot = NULL;
    const char *name = NULL;
    bool grouped = false;

    CAIRN_TRY(heap_snapshot_begin(engine->db, &snapshot, err));
    while ((name = heap_snapshot_table(snapshot, engine->table_count, &grouped)) != NULL) {
        char *const copy = mem_strdup(name);
        if (copy == NULL) {
            return error_no_memory(err, "state");
        }
        (void)state_heap_add_table(engine, heap_table_find(engine->db, name), copy, grouped);
    }
    return CAIRN_OK;
}

cairn_code state_heap_load(heap_engine *engine, const char *dir, cairn_error *err)
{
    CAIRN_AUTO(fs_names) names = {0};
    uint32_t last = UINT32_MAX;

    CAIRN_TRY(fs_list(dir, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        const cairn_code code = load_file(engine, dir, names.items[i], &last, err);

        if (code != CAIRN_OK) {
            (void)state_heap_advise(engine, "restore", code, err);
            return error_prefix(err, code, "open the hash map in %s", dir);
        }
    }
    return adopt_tables(engine, err);
}
