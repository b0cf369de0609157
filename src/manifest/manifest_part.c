#include "bounds.h"
#include "errors.h"
#include "manifest_json.h"
#include "sealed_doc.h"

static const char *const members[] = {
    "format",     "version",         "job",      "checkpoint_id", "epoch",
    "started_ms", "max_parallelism", "operator", "sha256",        NULL};

static const sealed_kind part_sealed = {
    .format = "cairn-part",
    .version = CAIRN_MANIFEST_VERSION, /* operators are the same in both */
    .bytes_max = CAIRN_PART_BYTES_MAX,
    .string_bytes_max = MANIFEST_STRING_BYTES_MAX,
    .members = members,
};

void manifest_part_release(manifest_part *part)
{
    mem_free(part->job);
    operator_info_release(&part->operator_info);
    *part = (manifest_part){0};
}

static cairn_code validate(const manifest_part *part, cairn_error *err)
{
    manifest_frame frame = {.job = part->job,
                            .id = part->checkpoint_id,
                            .epoch = part->epoch,
                            .max_parallelism = part->max_parallelism,
                            .is_part = true};
    manifest_totals totals = {0};

    CAIRN_TRY(manifest_validate_frame(&frame, err));
    return manifest_validate_operator(&frame, &part->operator_info, &totals, err);
}

cairn_code manifest_part_print(const manifest_part *part, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) scratch = {0};
    cairn_code code = validate(part, err);
    json_text json;

    if (code != CAIRN_OK) {
        return error_prefix(err, code, "write a %s", part_sealed.format);
    }
    sealed_doc_begin(&part_sealed, manifest_version_of(&part->operator_info, 1), &json, &scratch);
    json_text_member_string(&json, "job", part->job);
    json_text_member_u64(&json, "checkpoint_id", part->checkpoint_id);
    json_text_member_u64(&json, "epoch", part->epoch);
    json_text_member_u64(&json, "started_ms", part->started_ms);
    json_text_member_int(&json, "max_parallelism", part->max_parallelism);
    json_text_name(&json, "operator");
    manifest_print_operator(&json, &part->operator_info);
    return sealed_doc_end(&part_sealed, &json, out, err);
}

static cairn_code read_members(const json_value *root, manifest_part *part, cairn_error *err)
{
    const json_value *info = NULL;

    CAIRN_TRY(sealed_doc_read_text(root, "job", &part->job, err));
    CAIRN_TRY(json_get_u64(root, "checkpoint_id", &part->checkpoint_id, err));
    CAIRN_TRY(json_get_u64(root, "epoch", &part->epoch, err));
    CAIRN_TRY(json_get_u64(root, "started_ms", &part->started_ms, err));
    CAIRN_TRY(sealed_doc_read_u32(root, "max_parallelism", CAIRN_PARALLELISM_MAX,
                                  &part->max_parallelism, err));
    CAIRN_TRY(json_get_object(root, "operator", &info, err));
    CAIRN_TRY(manifest_read_operator(info, &part->operator_info, err));
    CAIRN_TRY(sealed_doc_check_version(root, manifest_version_of(&part->operator_info, 1), err));
    return validate(part, err);
}

cairn_code manifest_part_read(cairn_slice document, manifest_part *out, cairn_error *err)
{
    CAIRN_AUTO(manifest_part) part = {0};
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    cairn_code code;

    CAIRN_TRY(sealed_doc_read(&part_sealed, document, &doc, err));
    code = read_members(json_root(doc), &part, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "read a %s", part_sealed.format);
    }
    *out = part;
    part = (manifest_part){0};
    return CAIRN_OK;
}
