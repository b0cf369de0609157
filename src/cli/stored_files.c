#include "stored_files.h"

#include "alloc.h"
#include "errors.h"

#include <stdlib.h>
#include <string.h>

const char *stored_role_name(stored_role role)
{
    static const char *const names[] = {[CAIRN_STORED_STATE] = "state",
                                        [CAIRN_STORED_OUTPUT] = "output",
                                        [CAIRN_STORED_OPERATOR] = "operator-state"};

    return names[role];
}

void stored_files_release(stored_files *files)
{
    mem_free(files->items);
    *files = (stored_files){0};
}

static uint64_t count_subtask(const cairn_subtask_info *subtask)
{
    return subtask->file_count + subtask->output_count + (subtask->operator_states != NULL ? 1 : 0);
}

uint64_t stored_files_in(const cairn_manifest *manifest)
{
    uint64_t count = 0;

    for (size_t i = 0; i < manifest->operator_count; i++) {
        for (size_t k = 0; k < manifest->operators[i].subtask_count; k++) {
            count += count_subtask(&manifest->operators[i].subtasks[k]);
        }
    }
    return count;
}

/* The room was made before. */
static void add_files(stored_files *files, stored_file like, const cairn_file_info *infos,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        like.file = &infos[i];
        files->items[files->count++] = like;
    }
}

static void add_subtask(stored_files *files, stored_file like, const cairn_subtask_info *subtask)
{
    like.subtask = subtask->index;
    like.role = CAIRN_STORED_STATE;
    add_files(files, like, subtask->files, subtask->file_count);
    like.role = CAIRN_STORED_OUTPUT;
    add_files(files, like, subtask->outputs, subtask->output_count);
    if (subtask->operator_states != NULL) {
        like.role = CAIRN_STORED_OPERATOR;
        add_files(files, like, &subtask->operator_states->file, 1);
    }
}

static void add_entry(stored_files *files, const cairn_history_entry *entry)
{
    stored_file like = {.entry = entry};

    for (size_t i = 0; entry->manifest != NULL && i < entry->manifest->operator_count; i++) {
        const cairn_operator_info *of = &entry->manifest->operators[i];

        like.operator_uid = of->uid;
        for (size_t k = 0; k < of->subtask_count; k++) {
            add_subtask(files, like, &of->subtasks[k]);
        }
    }
}

static cairn_code make_room(stored_files *files, uint64_t count, cairn_error *err)
{
    files->items = mem_calloc(count == 0 ? 1 : count, sizeof(*files->items));
    return files->items != NULL ? CAIRN_OK : error_no_memory(err, "a list of files");
}

static void hand_over(stored_files *from, stored_files *out)
{
    *out = *from;
    *from = (stored_files){0};
}

cairn_code stored_files_of_entry(const cairn_history_entry *entry, stored_files *out,
                                 cairn_error *err)
{
    CAIRN_AUTO(stored_files) files = {0};

    CAIRN_TRY(
        make_room(&files, entry->manifest != NULL ? stored_files_in(entry->manifest) : 0, err));
    add_entry(&files, entry);
    hand_over(&files, out);
    return CAIRN_OK;
}

cairn_code stored_files_of_history(const cairn_history *history, stored_files *out,
                                   cairn_error *err)
{
    CAIRN_AUTO(stored_files) files = {0};
    uint64_t count = 0;

    for (size_t i = 0; i < cairn_history_count(history); i++) {
        const cairn_manifest *manifest = cairn_history_at(history, i)->manifest;

        count += manifest != NULL ? stored_files_in(manifest) : 0;
    }
    CAIRN_TRY(make_room(&files, count, err));
    for (size_t i = 0; i < cairn_history_count(history); i++) {
        add_entry(&files, cairn_history_at(history, i));
    }
    hand_over(&files, out);
    return CAIRN_OK;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_places(const stored_file *a, const stored_file *b)
{
    const int keys = strcmp(a->file->key, b->file->key);

    return keys != 0 ? keys : compare_u64(a->file->offset, b->file->offset);
}

bool stored_file_same(const stored_file *a, const stored_file *b)
{
    return compare_places(a, b) == 0;
}

static int by_place(const void *left, const void *right)
{
    const stored_file *a = left;
    const stored_file *b = right;
    const int places = compare_places(a, b);

    return places != 0 ? places : compare_u64(b->entry->id, a->entry->id);
}

void stored_files_sort_by_place(stored_files *files)
{
    qsort(files->items, files->count, sizeof(*files->items), by_place);
}

int stored_file_compare_names(const stored_file *a, const stored_file *b)
{
    const int operators = strcmp(a->operator_uid, b->operator_uid);
    const int subtasks = compare_u64(a->subtask, b->subtask);

    if (operators != 0 || subtasks != 0) {
        return operators != 0 ? operators : subtasks;
    }
    return a->role != b->role ? (int)a->role - (int)b->role : strcmp(a->file->name, b->file->name);
}

static int by_name(const void *left, const void *right)
{
    return stored_file_compare_names(left, right);
}

void stored_files_sort_by_name(stored_files *files)
{
    qsort(files->items, files->count, sizeof(*files->items), by_name);
}
