#include "test.h"

#include "manifest_fixture.h"

#include "bounds.h"
#include "fsutil.h"
#include "seal.h"

#include <stdio.h>
#include <stdlib.h>

#define DIGEST_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define DIGEST_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define DIGEST_0 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define WRITER "9f2c4e6a8b0d1357"
#define OTHER  "0123456789abcdef"

static char *text(const char *value)
{
    char *copy = mem_strdup(value);

    assert_non_null(copy);
    return copy;
}

static void *array(size_t count, size_t size)
{
    void *block = mem_calloc(count, size);

    assert_non_null(block);
    return block;
}

static void set(char *to, size_t size, const char *value)
{
    assert_int_equal(strlen(value) + 1, size);
    memcpy(to, value, size);
}

static cairn_file_info file(const char *name, const char *key, const char *digest, uint64_t size)
{
    cairn_file_info info = {
        .name = text(name), .key = text(key), .size = size, .uploaded_by = FIXTURE_ID};

    set(info.sha256, sizeof(info.sha256), digest);
    info.last_key_group = 63;
    return info;
}

static void fill_files(cairn_subtask_info *subtask)
{
    subtask->file_count = 3;
    subtask->files = array(3, sizeof(*subtask->files));
    subtask->files[0] = file("000012.sst", "shared/count/2-" WRITER "-7", DIGEST_A, 4096);
    subtask->files[0].uploaded_by = 40;
    subtask->files[0].first_key_group = 3;
    subtask->files[0].last_key_group = 40;
    subtask->files[1] = file("CURRENT", "chk-42/count/0/3-" WRITER "-small", DIGEST_B, 16);
    subtask->files[2] = file("MANIFEST-000005", "chk-42/count/0/3-" WRITER "-small", DIGEST_A, 300);
    subtask->files[2].offset = 16;
    subtask->output_count = 2;
    subtask->outputs = array(2, sizeof(*subtask->outputs));
    subtask->outputs[0] = file("part-41-0", "chk-41/count/0/3-" WRITER "-part-41-0", DIGEST_0, 0);
    subtask->outputs[0].uploaded_by = 41;
    subtask->outputs[1] = file("part-42-0", "chk-42/count/0/3-" WRITER "-part-42-0", DIGEST_B, 77);
}

static void fill_positions(cairn_subtask_info *subtask)
{
    subtask->position_count = 2;
    subtask->positions = array(2, sizeof(*subtask->positions));
    subtask->positions[0] = (cairn_source_position){text("donn\xc3\xa9"
                                                         "es/a \"b\".txt"),
                                                    UINT64_C(9007199254740993), 1234};
    subtask->positions[1] = (cairn_source_position){text("-"), UINT64_MAX, 0};
}

static cairn_subtask_info subtask_base(uint32_t index, uint32_t first, uint32_t last,
                                       const char *attempt)
{
    cairn_subtask_info subtask = {.index = index, .first_key_group = first, .last_key_group = last};

    set(subtask.attempt, sizeof(subtask.attempt), attempt);
    subtask.engine = text("rocksdb");
    subtask.engine_version = text("7.8.3");
    return subtask;
}

static cairn_subtask_info full_subtask(void)
{
    static const uint8_t state[] = {0x00, 0x01, 0xfe, 0xff};
    cairn_subtask_info subtask = subtask_base(0, 0, 63, WRITER);

    fill_files(&subtask);
    fill_positions(&subtask);
    ASSERT_OK(buf_append(&subtask.operator_state, state, sizeof(state), NULL), NULL);
    return subtask;
}

static cairn_subtask_info small_subtask(uint32_t index, uint32_t first, uint32_t last,
                                        const char *key)
{
    cairn_subtask_info subtask = subtask_base(index, first, last, OTHER);

    subtask.file_count = 1;
    subtask.files = array(1, sizeof(*subtask.files));
    subtask.files[0] = file("CURRENT", key, DIGEST_B, 16);
    subtask.files[0].first_key_group = first;
    subtask.files[0].last_key_group = last;
    return subtask;
}

static cairn_state_info state_of(const char *name, const char *value_serializer)
{
    return (cairn_state_info){.name = text(name),
                              .kind = CAIRN_STATE_VALUE,
                              .key_serializer = {text("bytes"), 1},
                              .value_serializer = {text(value_serializer), 2}};
}

static cairn_operator_info count_operator(size_t subtasks)
{
    cairn_operator_info info = {.uid = text("count"), .parallelism = 2};

    info.state_count = 2;
    info.states = array(2, sizeof(*info.states));
    info.states[0] = state_of("last", "string");
    info.states[1] = state_of("totals", "u64");
    info.subtask_count = subtasks;
    info.subtasks = array(subtasks, sizeof(*info.subtasks));
    info.subtasks[0] = full_subtask();
    if (subtasks > 1) {
        info.subtasks[1] = small_subtask(1, 64, 127, "chk-42/count/1/3-" OTHER "-CURRENT");
    }
    return info;
}

static cairn_operator_info join_operator(void)
{
    cairn_operator_info info = {.uid = text("join"), .parallelism = 1};

    info.subtask_count = 1;
    info.subtasks = array(1, sizeof(*info.subtasks));
    info.subtasks[0] = small_subtask(0, 0, 127, "chk-42/join/0/3-" OTHER "-CURRENT");
    return info;
}

static cairn_subtask_info hashmap_subtask(void)
{
    cairn_subtask_info subtask = {.last_key_group = 127, .engine = text("hashmap")};

    set(subtask.attempt, sizeof(subtask.attempt), WRITER);
    subtask.engine_version = text("1");
    subtask.file_count = 2;
    subtask.files = array(2, sizeof(*subtask.files));
    subtask.files[0] = file("kg-3-17.heap", "shared/window/3-" WRITER "-7", DIGEST_A, 4096);
    subtask.files[0].first_key_group = 3;
    subtask.files[0].last_key_group = 3;
    subtask.files[1] = file("kg-40-9.heap", "shared/window/3-" WRITER "-7", DIGEST_B, 512);
    subtask.files[1].offset = 4096;
    subtask.files[1].first_key_group = 40;
    subtask.files[1].last_key_group = 40;
    return subtask;
}

static cairn_operator_info kinds_operator(void)
{
    static const char *const names[] = {"last", "events", "counts", "sums", "means"};
    cairn_operator_info info = {.uid = text("window"), .parallelism = 1, .state_count = 5};

    info.states = array(5, sizeof(*info.states));
    for (int kind = CAIRN_STATE_VALUE; kind <= CAIRN_STATE_AGGREGATING; kind++) {
        static const size_t places[] = {2, 1, 0, 4, 3}; /* by name */

        info.states[places[kind]] = state_of(names[kind], "bytes");
        info.states[places[kind]].kind = (cairn_state_kind)kind;
        info.states[places[kind]].ttl_ms = kind == CAIRN_STATE_VALUE ? 86400000 : 0;
    }
    info.subtask_count = 1;
    info.subtasks = array(1, sizeof(*info.subtasks));
    info.subtasks[0] = hashmap_subtask();
    return info;
}

static cairn_manifest *base(cairn_manifest_kind kind)
{
    cairn_manifest *manifest = NULL;

    ASSERT_OK(manifest_new(&manifest, NULL), NULL);
    manifest->job = text(FIXTURE_JOB);
    manifest->id = FIXTURE_ID;
    manifest->kind = kind;
    manifest->epoch = 3;
    set(manifest->attempt, sizeof(manifest->attempt), WRITER);
    manifest->started_ms = UINT64_C(1780000000123);
    manifest->committed_ms = UINT64_C(1780000001456);
    manifest->max_parallelism = 128;
    return manifest;
}

cairn_manifest *fixture_full(void)
{
    cairn_manifest *manifest = base(CAIRN_MANIFEST_CHECKPOINT);

    manifest->parent_id = 41;
    set(manifest->parent_sha256, sizeof(manifest->parent_sha256), DIGEST_A);
    manifest->operator_count = 2;
    manifest->operators = array(2, sizeof(*manifest->operators));
    manifest->operators[0] = count_operator(2);
    manifest->operators[1] = join_operator();
    return manifest;
}

cairn_manifest *fixture_aborted(void)
{
    cairn_manifest *manifest = base(CAIRN_MANIFEST_ABORTED);

    manifest->reason = text("upload shared/count/3-x-8: 503 after 6 attempts");
    return manifest;
}

cairn_manifest *fixture_kinds(void)
{
    cairn_manifest *manifest = base(CAIRN_MANIFEST_CHECKPOINT);

    manifest->operator_count = 1;
    manifest->operators = array(1, sizeof(*manifest->operators));
    manifest->operators[0] = kinds_operator();
    return manifest;
}

manifest_part fixture_kinds_part(void)
{
    manifest_part part = {.job = text(FIXTURE_JOB),
                          .checkpoint_id = FIXTURE_ID,
                          .epoch = 3,
                          .started_ms = UINT64_C(1780000000123),
                          .max_parallelism = 128};

    part.operator_info = kinds_operator();
    return part;
}

manifest_part fixture_part(void)
{
    return (manifest_part){.job = text(FIXTURE_JOB),
                           .checkpoint_id = FIXTURE_ID,
                           .epoch = 3,
                           .started_ms = UINT64_C(1780000000123),
                           .max_parallelism = 128,
                           .operator_info = count_operator(1)};
}

record_claim fixture_claim(void)
{
    record_claim claim = {.job = text(FIXTURE_JOB),
                          .epoch = 3,
                          .claimed_ms = UINT64_C(1780000000123),
                          .parallelism = 2,
                          .max_parallelism = 128,
                          .worker = text("host-1:4711")};

    set(claim.attempt, sizeof(claim.attempt), WRITER);
    return claim;
}

record_start fixture_start(void)
{
    record_start start = {.job = text(FIXTURE_JOB),
                          .epoch = 3,
                          .started_ms = UINT64_C(1780000000123),
                          .checkpoint_id = 41,
                          .boundary = 39,
                          .first_id = 43};

    set(start.attempt, sizeof(start.attempt), WRITER);
    set(start.checkpoint_sha256, sizeof(start.checkpoint_sha256), DIGEST_A);
    return start;
}

record_certificate fixture_certificate(void)
{
    record_certificate certificate = {.job = text(FIXTURE_JOB),
                                      .epoch = 3,
                                      .made_ms = UINT64_C(1780000000123),
                                      .boundary = 41,
                                      .head = 42,
                                      .manifests_read_count = 3,
                                      .victim_count = 2};

    set(certificate.id, sizeof(certificate.id), OTHER);
    certificate.manifests_read = array(3, sizeof(*certificate.manifests_read));
    certificate.manifests_read[0] = 40;
    certificate.manifests_read[1] = 41;
    certificate.manifests_read[2] = 42;
    certificate.victims = array(2, sizeof(char *));
    certificate.victims[0] = text("chk-40/manifest.json");
    certificate.victims[1] = text("shared/count/1-" OTHER "-3");
    return certificate;
}

cairn_buf fixture_golden(const char *name)
{
    const char *root = getenv("CAIRN_SOURCE_DIR"); /* NOLINT(concurrency-mt-unsafe): one thread */
    cairn_buf bytes = {0};
    cairn_error err = {0};
    char path[4096];

    assert_non_null(root);
    assert_true(snprintf(path, sizeof(path), "%s/tests/data/%s", root, name) < (int)sizeof(path));
    ASSERT_OK(fs_read_file(path, CAIRN_MANIFEST_BYTES_MAX, &bytes, &err), &err);
    return bytes;
}

cairn_buf fixture_seal(cairn_slice body)
{
    cairn_buf document = {0};

    ASSERT_OK(buf_append(&document, body.data, body.len, NULL), NULL);
    ASSERT_OK(seal_append_line(&document, NULL), NULL);
    return document;
}

cairn_buf fixture_edit(cairn_slice document, const char *from, cairn_slice to)
{
    cairn_slice body = {document.data, document.len - SEAL_LINE_BYTES};
    const char *start = body.data;
    const char *at = memmem(body.data, body.len, from, strlen(from));
    CAIRN_AUTO(cairn_buf) edited = {0};
    size_t before;
    size_t after;

    if (at == NULL) {
        fail_msg("'%s' is not in the document", from);
    }
    before = (size_t)(at - start);
    after = body.len - before - strlen(from);
    ASSERT_OK(buf_append(&edited, start, before, NULL), NULL);
    ASSERT_OK(buf_append(&edited, to.data, to.len, NULL), NULL);
    ASSERT_OK(buf_append(&edited, at + strlen(from), after, NULL), NULL);
    return fixture_seal(cairn_buf_slice(&edited));
}
