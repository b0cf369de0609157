/* Which checkpoint counts: the pure half of timeline.h. */
#include "errors.h"
#include "timeline.h"

#include <string.h>

size_t timeline_find(const timeline *line, uint64_t id)
{
    size_t low = 0;
    size_t high = line->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (line->entries[middle].id > id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < line->count && line->entries[low].id == id ? low : line->count;
}

uint64_t timeline_first_id(const timeline *line)
{
    uint64_t first = line->count == 0 ? 1 : line->entries[0].id + 1;

    if (first <= line->boundary) {
        first = line->boundary + 1;
    }
    return first > line->start.first_id ? first : line->start.first_id;
}

static bool committed_in(const timeline_entry *entry, uint64_t epoch)
{
    return entry->manifest->kind == CAIRN_MANIFEST_CHECKPOINT &&
           (epoch == 0 || entry->manifest->epoch == epoch);
}

/*
 * The newest commit of the started epoch from entry `from` on, else what the epoch started from. A
 * manifest that can't be read may be such a commit: it is taken for one, so that the damage is
 * reported and not passed over in silence. Ids below the epoch's first are surely not its own.
 */
static size_t find_commit(const timeline *line, size_t from)
{
    uint64_t floor = line->started == 0 ? 0 : line->start.checkpoint_id;

    for (size_t i = from; i < line->count && line->entries[i].id > floor; i++) {
        const timeline_entry *entry = &line->entries[i];
        if (entry->id < line->boundary || entry->id < line->start.first_id) {
            break;
        }
        if (entry->manifest == NULL || committed_in(entry, line->started)) {
            return i;
        }
    }
    size_t base = floor == 0 ? line->count : timeline_find(line, floor);
    return base < from ? line->count : base;
}

/*
 * What lies below a manifest that can't be read, and so does not tell its parent: in the living
 * epoch its commit before; in an older one the next commit that stands. Only a restore that asks
 * for an older checkpoint by name, or for the latest good one, gets there.
 */
static size_t below_damage(const timeline *line, size_t damaged)
{
    size_t next = find_commit(line, damaged + 1);

    for (size_t i = damaged + 1; next == line->count && i < line->count; i++) {
        const timeline_entry *entry = &line->entries[i];
        bool commit = entry->manifest == NULL || committed_in(entry, 0);
        if (entry->id >= line->boundary && line->entries[damaged].id <= line->start.checkpoint_id &&
            commit) {
            next = i;
        }
    }
    return next;
}

/* A link names an id and the digest of its manifest; an entry with another digest is damage. */
static void check_link(timeline_entry *entry, uint64_t named_by, const char *expected)
{
    if (entry->manifest == NULL || strcmp(entry->manifest->sha256, expected) == 0) {
        return;
    }
    entry->code = error_set(&entry->problem, CAIRN_E_INTEGRITY,
                            "chk-%llu/manifest.json has SHA-256 %s, but checkpoint %llu was built "
                            "on %s",
                            (unsigned long long)entry->id, entry->manifest->sha256,
                            (unsigned long long)named_by, expected);
    cairn_manifest_free(CAIRN_TAKE(entry->manifest));
}

void timeline_judge(timeline *line)
{
    line->head = find_commit(line, 0);
    if (line->head < line->count && line->started != 0 &&
        line->entries[line->head].id == line->start.checkpoint_id) {
        check_link(&line->entries[line->head], line->start.checkpoint_id,
                   line->start.checkpoint_sha256);
    }
    for (size_t i = line->head; i < line->count;) {
        timeline_entry *entry = &line->entries[i];
        entry->counts = true;
        if (entry->manifest == NULL) {
            i = below_damage(line, i);
            continue;
        }
        if (entry->manifest->parent_id == 0 || entry->manifest->parent_id < line->boundary) {
            break;
        }
        size_t parent = timeline_find(line, entry->manifest->parent_id);
        if (parent < line->count) {
            check_link(&line->entries[parent], entry->id, entry->manifest->parent_sha256);
        }
        i = parent;
    }
}

cairn_code timeline_check_head(const timeline *line, cairn_error *err)
{
    if (line->started == 0 || line->head < line->count) {
        return CAIRN_OK;
    }
    if (line->start.checkpoint_id != 0) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "chk-%llu/manifest.json is missing, but epoch %llu started from it",
                         (unsigned long long)line->start.checkpoint_id,
                         (unsigned long long)line->started);
    }
    if (line->boundary > line->start.boundary) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "no checkpoint counts, but a certificate of epoch %llu says that "
                         "chk-%llu/manifest.json or a newer one does",
                         (unsigned long long)line->started, (unsigned long long)line->boundary);
    }
    return CAIRN_OK;
}
