#include "gc_plan.h"

#include "errors.h"
#include "layout.h"

#include <stdlib.h>
#include <string.h>

void gc_plan_release(gc_plan *plan)
{
    key_list_release(&plan->victims);
    mem_free(plan->manifests_read);
    *plan = (gc_plan){0};
}

static cairn_code add_files(const cairn_file_info *files, size_t count, key_list *out,
                            cairn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(key_list_add(out, files[i].key, err));
    }
    return CAIRN_OK;
}

static cairn_code add_operator(const cairn_manifest *manifest, const cairn_operator_info *op,
                               key_list *out, cairn_error *err)
{
    for (size_t i = 0; i < op->subtask_count; i++) {
        const cairn_subtask_info *subtask = &op->subtasks[i];
        layout_writer writer = {op->uid, subtask->index, manifest->epoch, subtask->attempt};
        layout_key part = layout_part(manifest->id, &writer);
        CAIRN_TRY(key_list_add(out, part.text, err));
        CAIRN_TRY(add_files(subtask->files, subtask->file_count, out, err));
        CAIRN_TRY(add_files(subtask->outputs, subtask->output_count, out, err));
        if (subtask->operator_states != NULL) {
            CAIRN_TRY(add_files(&subtask->operator_states->file, 1, out, err));
        }
    }
    return CAIRN_OK;
}

cairn_code gc_add_named(const cairn_manifest *manifest, key_list *out, cairn_error *err)
{
    for (size_t i = 0; i < manifest->operator_count; i++) {
        CAIRN_TRY(add_operator(manifest, &manifest->operators[i], out, err));
    }
    return CAIRN_OK;
}

static cairn_code refuse_damaged(const timeline *line, cairn_error *err)
{
    for (size_t i = 0; i < line->count; i++) {
        const timeline_entry *entry = &line->entries[i];
        /* One that an explicit step back has abandoned cannot be what somebody needs. */
        bool abandoned = !entry->counts && entry->id < line->start.first_id;
        if (entry->manifest == NULL && !abandoned) {
            return error_set(
                err, entry->code,
                "collect garbage: nothing is deleted while a manifest can't be read: %s",
                entry->problem.message);
        }
    }
    return timeline_check_head(line, err);
}

/* The lowest id of a checkpoint that is kept; the boundary in force if none counts. */
static uint64_t choose_boundary(const timeline *line, const gc_rules *rules)
{
    uint64_t boundary = line->boundary;
    uint32_t kept = 0;

    for (size_t i = 0; i < line->count; i++) {
        const timeline_entry *entry = &line->entries[i];
        if (!entry->counts) {
            continue;
        }
        bool living = rules->own_epoch == 0 && (entry->manifest->epoch == line->started ||
                                                entry->id == line->start.checkpoint_id);
        if (kept < rules->num_retained || living) {
            boundary = entry->id;
            kept++;
        }
    }
    return boundary > line->boundary ? boundary : line->boundary;
}

static bool is_victim(const timeline *line, const gc_rules *rules, uint64_t boundary,
                      const timeline_entry *entry)
{
    bool foreign = entry->manifest == NULL || entry->manifest->epoch < line->started;

    if (entry->id < boundary) {
        return foreign || rules->own_epoch != 0;
    }
    /* A key in the living epoch's range stays: its freed id could be decided again. */
    return rules->abandoned && foreign && !entry->counts && entry->id < line->start.first_id;
}

typedef struct marks {
    key_list live;    /* named by manifests that stay */
    key_list retired; /* named by manifests that go */
} marks;

static void marks_release(marks *self)
{
    key_list_release(&self->live);
    key_list_release(&self->retired);
}
CAIRN_DEFINE_AUTO(marks, marks_release)

/* Oldest first: where they are deleted one by one, a crash in between leaves a chain without holes.
 */
static cairn_code plan_manifests(const timeline *line, const gc_rules *rules, marks *named,
                                 gc_plan *plan, cairn_error *err)
{
    for (size_t i = line->count; i-- > 0;) {
        const timeline_entry *entry = &line->entries[i];
        bool victim = is_victim(line, rules, plan->boundary, entry);
        if (entry->manifest != NULL) {
            CAIRN_TRY(gc_add_named(entry->manifest, victim ? &named->retired : &named->live, err));
        }
        if (victim) {
            layout_key key = layout_manifest(entry->id);
            CAIRN_TRY(key_list_add(&plan->victims, key.text, err));
        }
    }
    plan->manifest_victims = plan->victims.count;
    key_list_sort(&named->live);
    key_list_sort(&named->retired);
    return CAIRN_OK;
}

static cairn_code plan_data(const timeline *line, const gc_rules *rules, const marks *named,
                            gc_plan *plan, cairn_error *err)
{
    for (size_t i = 0; i < line->objects.count; i++) {
        const char *key = line->objects.items[i];
        layout_object object = layout_parse(key);
        bool data = object.kind == CAIRN_LAYOUT_PRIVATE || object.kind == CAIRN_LAYOUT_SHARED;
        if (!data || key_list_contains(&named->live, key)) {
            continue;
        }
        if (plan->victims.count >= CAIRN_VICTIMS_MAX) {
            break; /* a certificate has a bound; the next pass takes the rest */
        }
        if (object.epoch < line->started ||
            (rules->own_epoch != 0 && key_list_contains(&named->retired, key))) {
            CAIRN_TRY(key_list_add(&plan->victims, key, err));
        }
    }
    return CAIRN_OK;
}

typedef struct certificate_key {
    uint64_t boundary;
    const char *key;
} certificate_key;

static int by_boundary(const void *a, const void *b)
{
    const certificate_key *left = a;
    const certificate_key *right = b;

    return (left->boundary > right->boundary) - (left->boundary < right->boundary);
}

/* Certificates below the boundary have no say any more; the newest few stay for people to read. */
static cairn_code plan_certificates(const timeline *line, gc_plan *plan, cairn_error *err)
{
    certificate_key *old CAIRN_AUTO_FREE = mem_calloc(line->objects.count, sizeof *old);
    size_t count = 0;

    if (old == NULL) {
        return error_no_memory(err, "plan of a garbage collection");
    }
    for (size_t i = 0; i < line->objects.count; i++) {
        layout_object object = layout_parse(line->objects.items[i]);
        if (object.kind == CAIRN_LAYOUT_CERTIFICATE && object.id < line->boundary) {
            old[count++] = (certificate_key){object.id, line->objects.items[i]};
        }
    }
    qsort(old, count, sizeof *old, by_boundary);
    for (size_t i = 0; i + CAIRN_CERTIFICATES_KEPT < count; i++) {
        CAIRN_TRY(key_list_add(&plan->victims, old[i].key, err));
    }
    return CAIRN_OK;
}

/* By the store's own clock, on both sides: a probe that runs must not lose its objects. */
static cairn_code plan_probes(const timeline *line, gc_plan *plan, cairn_error *err)
{
    for (size_t i = 0; i < line->probe_count; i++) {
        const timeline_probe *probe = &line->probes[i];
        const bool lingers = line->newest_ms > probe->modified_ms &&
                             line->newest_ms - probe->modified_ms > CAIRN_PROBE_LINGER_MS;
        if (lingers && plan->victims.count < CAIRN_VICTIMS_MAX) {
            CAIRN_TRY(key_list_add(&plan->victims, probe->key, err));
        }
    }
    return CAIRN_OK;
}

static cairn_code note_manifests_read(const timeline *line, gc_plan *plan, cairn_error *err)
{
    plan->manifests_read = mem_calloc(line->count, sizeof *plan->manifests_read);
    if (plan->manifests_read == NULL) {
        return error_no_memory(err, "plan of a garbage collection");
    }
    plan->manifests_read_count = line->count;
    for (size_t i = 0; i < line->count; i++) {
        plan->manifests_read[i] = line->entries[i].id;
    }
    return CAIRN_OK;
}

cairn_code gc_plan_make(const timeline *line, const gc_rules *rules, gc_plan *out, cairn_error *err)
{
    CAIRN_AUTO(gc_plan) plan = {0};
    CAIRN_AUTO(marks) named = {0};

    CAIRN_ASSERT(rules->num_retained >= 1);
    CAIRN_ASSERT(rules->own_epoch == 0 || rules->own_epoch == line->started);
    CAIRN_TRY(refuse_damaged(line, err));
    plan.head = line->head < line->count ? line->entries[line->head].id : 0;
    plan.boundary = choose_boundary(line, rules);
    CAIRN_TRY(note_manifests_read(line, &plan, err));
    CAIRN_TRY(plan_manifests(line, rules, &named, &plan, err));
    CAIRN_TRY(plan_data(line, rules, &named, &plan, err));
    CAIRN_TRY(plan_certificates(line, &plan, err));
    CAIRN_TRY(plan_probes(line, &plan, err));
    *out = plan;
    plan = (gc_plan){0};
    return CAIRN_OK;
}
