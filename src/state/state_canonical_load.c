/* From canonical files to the tables of an engine. */
#include "errors.h"
#include "fsutil.h"
#include "state_canonical.h"

#include <string.h>

typedef struct group_load {
    state_engine *engine;
    const canonical_states *states;
    const char *path;
    size_t next;        /* in states: names of both ascend */
    state_table *table; /* of the state before it */
} group_load;

static cairn_code enter_state(group_load *self, const canonical_entry *entry, cairn_error *err)
{
    const canonical_states *const states = self->states;

    while (self->next < states->count && strcmp(states->items[self->next].name, entry->state) < 0) {
        self->next++;
    }
    if (self->next == states->count || strcmp(states->items[self->next].name, entry->state) != 0 ||
        states->items[self->next].kind != entry->kind) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "%s: state %s of its kind is not one that the manifest names", self->path,
                         entry->state);
    }
    self->table = self->engine->ops->find_table(self->engine, entry->state);
    CAIRN_ASSERT(self->table != NULL);
    self->next++;
    return CAIRN_OK;
}

static bool is_entered(const group_load *self, const canonical_entry *entry)
{
    return self->table != NULL &&
           strcmp(self->states->items[self->next - 1].name, entry->state) == 0;
}

static cairn_code load_rows(group_load *self, canonical_reader *rows, cairn_error *err)
{
    canonical_entry entry;
    bool found = false;

    CAIRN_TRY(canonical_reader_next(rows, &entry, &found, err));
    while (found) {
        if (!is_entered(self, &entry)) {
            CAIRN_TRY(enter_state(self, &entry, err));
        }
        CAIRN_TRY(self->table->ops->put(self->table, &entry.place, entry.value, err));
        CAIRN_TRY(canonical_reader_next(rows, &entry, &found, err));
    }
    return CAIRN_OK;
}

static cairn_code load_file(state_engine *engine, const canonical_states *states, const char *dir,
                            const char *name, cairn_error *err)
{
    CAIRN_AUTO_FREE char *path = NULL;
    CAIRN_AUTO_PTR(canonical_reader_free) canonical_reader *rows = NULL;
    uint32_t key_group = 0;

    if (!state_canonical_is_file(name, &key_group) || key_group < states->range.first ||
        key_group > states->range.last) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s/%s is no canonical file of key groups %u..%u",
                         dir, name, states->range.first, states->range.last);
    }
    CAIRN_TRY(fs_join(dir, name, &path, err));
    CAIRN_TRY(canonical_reader_open(path, states, key_group, &rows, err));
    group_load load = {.engine = engine, .states = states, .path = path};
    return load_rows(&load, rows, err);
}

cairn_code state_canonical_load(state_engine *engine, const canonical_states *states,
                                const char *dir, cairn_error *err)
{
    CAIRN_AUTO(fs_names) names = {0};
    state_table *table = NULL;

    for (size_t i = 0; i < states->count; i++) {
        const cairn_state_info *const info = &states->items[i];

        CAIRN_TRY(engine->ops->create_table(engine, info->name, info->kind, &table, err));
    }
    CAIRN_TRY(fs_list(dir, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        CAIRN_TRY(load_file(engine, states, dir, names.items[i], err));
    }
    return CAIRN_OK;
}
