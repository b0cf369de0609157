#include "test.h"

#include "fake_timeline.h"

#include "errors.h"

#include <stdio.h>

static void digest_text(uint64_t id, unsigned variant, char out[CAIRN_SHA256_HEX_SIZE])
{
    int length = snprintf(out, CAIRN_SHA256_HEX_SIZE, "%060llx%04x", (unsigned long long)id,
                          variant & 0xffffU);

    assert_int_equal(length, CAIRN_SHA256_HEX_SIZE - 1);
}

static void fill_files(const fake_entry *from, cairn_manifest *manifest)
{
    cairn_operator_info *op = mem_calloc(1, sizeof *op);
    cairn_subtask_info *subtask = mem_calloc(1, sizeof *subtask);

    assert_non_null(op);
    assert_non_null(subtask);
    op->uid = mem_strdup("op");
    op->subtasks = subtask;
    op->subtask_count = 1;
    (void)snprintf(subtask->attempt, sizeof subtask->attempt, "a");
    subtask->files = mem_calloc(4, sizeof *subtask->files);
    assert_non_null(subtask->files);
    for (size_t i = 0; i < 4 && from->files[i] != NULL; i++) {
        subtask->files[i].name = mem_strdup("f");
        subtask->files[i].key = mem_strdup(from->files[i]);
        subtask->file_count++;
    }
    manifest->operators = op;
    manifest->operator_count = 1;
}

static void fill_entry(const fake_entry *from, timeline_entry *out)
{
    out->id = from->id;
    if (from->damaged) {
        out->code = error_set(&out->problem, CAIRN_E_INTEGRITY, "damaged on purpose");
        return;
    }
    assert_int_equal(manifest_new(&out->manifest, NULL), CAIRN_OK);
    cairn_manifest *manifest = out->manifest;
    manifest->id = from->id;
    manifest->kind = from->kind;
    manifest->epoch = from->epoch;
    manifest->parent_id = from->parent;
    digest_text(from->id, from->variant, manifest->sha256);
    if (from->parent != 0) {
        digest_text(from->parent, from->parent_variant, manifest->parent_sha256);
    }
    if (from->kind == CAIRN_MANIFEST_CHECKPOINT) {
        fill_files(from, manifest);
    }
}

void fake_timeline(const fake_job *job, timeline *out)
{
    *out = (timeline){.claimed = job->claimed, .started = job->started, .boundary = job->boundary};
    out->start.epoch = job->started;
    out->start.checkpoint_id = job->started_from;
    out->start.first_id = job->first_id;
    out->start.boundary = job->start_boundary;
    if (job->started_from != 0) {
        digest_text(job->started_from, 0, out->start.checkpoint_sha256);
    }
    out->entries = mem_calloc(8, sizeof *out->entries);
    assert_non_null(out->entries);
    while (out->count < 8 && job->entries[out->count].id != 0) {
        fill_entry(&job->entries[out->count], &out->entries[out->count]);
        out->count++;
    }
    for (size_t i = 0; i < 24 && job->objects[i] != NULL; i++) {
        assert_int_equal(key_list_add(&out->objects, job->objects[i], NULL), CAIRN_OK);
    }
    timeline_judge(out);
}
