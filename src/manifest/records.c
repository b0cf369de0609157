#include "records.h"

#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "object_path.h"
#include "sealed_doc.h"

#include <string.h>

static const char *const claim_members[] = {
    "format",      "version",         "job",    "epoch",  "attempt", "claimed_ms",
    "parallelism", "max_parallelism", "worker", "sha256", NULL,
};

static const sealed_kind claim_sealed = {
    .format = "cairn-claim",
    .version = 1,
    .bytes_max = CAIRN_RECORD_BYTES_MAX,
    .string_bytes_max = CAIRN_JSON_STRING_BYTES_MAX,
    .members = claim_members,
};

static const char *const start_members[] = {
    "format",     "version",  "job",      "epoch",     "attempt", "started_ms",
    "checkpoint", "boundary", "first_id", "savepoint", "sha256",  NULL,
};

#define START_VERSION           1
#define START_SAVEPOINT_VERSION 2

static const sealed_kind start_sealed = {
    .format = "cairn-start",
    .version = START_SAVEPOINT_VERSION,
    .bytes_max = CAIRN_RECORD_BYTES_MAX,
    .string_bytes_max = CAIRN_JSON_STRING_BYTES_MAX,
    .members = start_members,
};

static const char *const certificate_members[] = {
    "format", "version",        "job",     "epoch",  "id", "made_ms", "boundary",
    "head",   "manifests_read", "victims", "sha256", NULL,
};

static const sealed_kind certificate_sealed = {
    .format = "cairn-certificate",
    .version = 1,
    .bytes_max = CAIRN_CERTIFICATE_BYTES_MAX,
    .string_bytes_max = CAIRN_JSON_STRING_BYTES_MAX,
    .members = certificate_members,
};

/* The rules that all records share. */
static cairn_code check_common(const char *job, uint64_t epoch, const char *id, cairn_error *err)
{
    CAIRN_TRY(sealed_doc_check_name("job", job, err));
    if (epoch == 0) {
        return error_set(err, CAIRN_E_INTEGRITY, "epoch 0");
    }
    return sealed_doc_check_attempt("attempt or id", id, err);
}

static cairn_code failed(const char *verb, const sealed_kind *kind, cairn_code code,
                         cairn_error *err)
{
    return code == CAIRN_OK ? code : error_prefix(err, code, "%s a %s", verb, kind->format);
}

/* --- claim ------------------------------------------------------------------------------------ */

void record_claim_release(record_claim *claim)
{
    mem_free(claim->job);
    mem_free(claim->worker);
    *claim = (record_claim){0};
}

static cairn_code check_claim(const record_claim *claim, cairn_error *err)
{
    CAIRN_TRY(check_common(claim->job, claim->epoch, claim->attempt, err));
    if (claim->parallelism == 0 || claim->parallelism > claim->max_parallelism ||
        claim->max_parallelism > CAIRN_PARALLELISM_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "parallelism %u, max parallelism %u",
                         claim->parallelism, claim->max_parallelism);
    }
    return claim->worker == NULL ? error_set(err, CAIRN_E_INTEGRITY, "no worker") : CAIRN_OK;
}

cairn_code record_claim_print(const record_claim *claim, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) scratch = {0};
    json_text json;

    CAIRN_TRY(failed("write", &claim_sealed, check_claim(claim, err), err));
    sealed_doc_begin(&claim_sealed, claim_sealed.version, &json, &scratch);
    json_text_member_string(&json, "job", claim->job);
    json_text_member_u64(&json, "epoch", claim->epoch);
    json_text_member_string(&json, "attempt", claim->attempt);
    json_text_member_u64(&json, "claimed_ms", claim->claimed_ms);
    json_text_member_int(&json, "parallelism", claim->parallelism);
    json_text_member_int(&json, "max_parallelism", claim->max_parallelism);
    sealed_doc_print_text(&json, "worker", claim->worker);
    return sealed_doc_end(&claim_sealed, &json, out, err);
}

static cairn_code read_claim(const json_value *root, record_claim *claim, cairn_error *err)
{
    CAIRN_TRY(sealed_doc_read_text(root, "job", &claim->job, err));
    CAIRN_TRY(json_get_u64(root, "epoch", &claim->epoch, err));
    CAIRN_TRY(sealed_doc_read_hex(root, "attempt", claim->attempt, sizeof(claim->attempt), err));
    CAIRN_TRY(json_get_u64(root, "claimed_ms", &claim->claimed_ms, err));
    CAIRN_TRY(
        sealed_doc_read_u32(root, "parallelism", CAIRN_PARALLELISM_MAX, &claim->parallelism, err));
    CAIRN_TRY(sealed_doc_read_u32(root, "max_parallelism", CAIRN_PARALLELISM_MAX,
                                  &claim->max_parallelism, err));
    CAIRN_TRY(sealed_doc_read_text(root, "worker", &claim->worker, err));
    return check_claim(claim, err);
}

cairn_code record_claim_read(cairn_slice document, record_claim *out, cairn_error *err)
{
    CAIRN_AUTO(record_claim) claim = {0};
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;

    CAIRN_TRY(sealed_doc_read(&claim_sealed, document, &doc, err));
    CAIRN_TRY(failed("read", &claim_sealed, read_claim(json_root(doc), &claim, err), err));
    *out = claim;
    claim = (record_claim){0};
    return CAIRN_OK;
}

/* --- start ------------------------------------------------------------------------------------ */

void record_start_release(record_start *start)
{
    mem_free(start->job);
    mem_free(start->savepoint.job);
    mem_free(start->savepoint.name);
    *start = (record_start){0};
}

static cairn_code check_savepoint(const record_start *start, cairn_error *err)
{
    const record_savepoint *savepoint = &start->savepoint;

    if (savepoint->name == NULL) {
        return CAIRN_OK;
    }
    if (start->checkpoint_id != 0) {
        return error_set(err, CAIRN_E_INTEGRITY, "it names a checkpoint and a savepoint");
    }
    CAIRN_TRY(sealed_doc_check_name("savepoint's job", savepoint->job, err));
    CAIRN_TRY(sealed_doc_check_name("savepoint's name", savepoint->name, err));
    return sealed_doc_check_sha256("savepoint's sha256", savepoint->sha256, err);
}

static cairn_code check_start(const record_start *start, cairn_error *err)
{
    CAIRN_TRY(check_common(start->job, start->epoch, start->attempt, err));
    if (start->first_id <= start->checkpoint_id) {
        return error_set(err, CAIRN_E_INTEGRITY, "\"first_id\" is not above the checkpoint");
    }
    CAIRN_TRY(check_savepoint(start, err));
    return sealed_doc_check_reference("checkpoint", start->checkpoint_id, start->checkpoint_sha256,
                                      err);
}

static void print_savepoint(json_text *json, const record_savepoint *savepoint)
{
    json_text_name(json, "savepoint");
    json_text_begin_object(json);
    json_text_member_string(json, "job", savepoint->job);
    json_text_member_string(json, "name", savepoint->name);
    json_text_member_string(json, "sha256", savepoint->sha256);
    json_text_end_object(json);
}

static int start_version(const record_start *start)
{
    return start->savepoint.name == NULL ? START_VERSION : START_SAVEPOINT_VERSION;
}

cairn_code record_start_print(const record_start *start, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) scratch = {0};
    json_text json;

    CAIRN_TRY(failed("write", &start_sealed, check_start(start, err), err));
    sealed_doc_begin(&start_sealed, start_version(start), &json, &scratch);
    json_text_member_string(&json, "job", start->job);
    json_text_member_u64(&json, "epoch", start->epoch);
    json_text_member_string(&json, "attempt", start->attempt);
    json_text_member_u64(&json, "started_ms", start->started_ms);
    sealed_doc_print_reference(&json, "checkpoint", start->checkpoint_id, start->checkpoint_sha256);
    json_text_member_u64(&json, "boundary", start->boundary);
    json_text_member_u64(&json, "first_id", start->first_id);
    if (start->savepoint.name != NULL) {
        print_savepoint(&json, &start->savepoint);
    }
    return sealed_doc_end(&start_sealed, &json, out, err);
}

static cairn_code read_savepoint(const json_value *root, record_savepoint *out, cairn_error *err)
{
    static const char *const members[] = {"job", "name", "sha256", NULL};
    const json_value *object = NULL;

    if (json_find(root, "savepoint") == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(json_get_object(root, "savepoint", &object, err));
    CAIRN_TRY(json_check_members(object, members, err));
    CAIRN_TRY(sealed_doc_read_text(object, "job", &out->job, err));
    CAIRN_TRY(sealed_doc_read_text(object, "name", &out->name, err));
    return sealed_doc_read_hex(object, "sha256", out->sha256, sizeof(out->sha256), err);
}

static cairn_code read_start(const json_value *root, record_start *start, cairn_error *err)
{
    CAIRN_TRY(sealed_doc_read_text(root, "job", &start->job, err));
    CAIRN_TRY(json_get_u64(root, "epoch", &start->epoch, err));
    CAIRN_TRY(sealed_doc_read_hex(root, "attempt", start->attempt, sizeof(start->attempt), err));
    CAIRN_TRY(json_get_u64(root, "started_ms", &start->started_ms, err));
    CAIRN_TRY(sealed_doc_read_reference(root, "checkpoint", &start->checkpoint_id,
                                        start->checkpoint_sha256, err));
    CAIRN_TRY(json_get_u64(root, "boundary", &start->boundary, err));
    CAIRN_TRY(json_get_u64(root, "first_id", &start->first_id, err));
    CAIRN_TRY(read_savepoint(root, &start->savepoint, err));
    CAIRN_TRY(check_start(start, err));
    return sealed_doc_check_version(root, start_version(start), err);
}

cairn_code record_start_read(cairn_slice document, record_start *out, cairn_error *err)
{
    CAIRN_AUTO(record_start) start = {0};
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;

    CAIRN_TRY(sealed_doc_read(&start_sealed, document, &doc, err));
    CAIRN_TRY(failed("read", &start_sealed, read_start(json_root(doc), &start, err), err));
    *out = start;
    start = (record_start){0};
    return CAIRN_OK;
}

/* --- certificate ------------------------------------------------------------------------------ */

void record_certificate_release(record_certificate *certificate)
{
    mem_free(certificate->job);
    mem_free(certificate->manifests_read);
    for (size_t i = 0; i < certificate->victim_count; i++) {
        mem_free(certificate->victims[i]);
    }
    mem_free(certificate->victims);
    *certificate = (record_certificate){0};
}

static cairn_code check_certificate(const record_certificate *certificate, cairn_error *err)
{
    CAIRN_TRY(check_common(certificate->job, certificate->epoch, certificate->id, err));
    if (certificate->manifests_read_count > CAIRN_CHECKPOINTS_LISTED_MAX ||
        certificate->victim_count > CAIRN_VICTIMS_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "%zu manifests and %zu victims are too many",
                         certificate->manifests_read_count, certificate->victim_count);
    }
    for (size_t i = 0; i < certificate->victim_count; i++) {
        if (!object_path_is_safe(certificate->victims[i])) {
            return error_set(err, CAIRN_E_INTEGRITY, "victims[%zu] is no key below the job", i);
        }
    }
    return CAIRN_OK;
}

cairn_code record_certificate_print(const record_certificate *certificate, cairn_buf *out,
                                    cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) scratch = {0};
    json_text json;

    CAIRN_TRY(failed("write", &certificate_sealed, check_certificate(certificate, err), err));
    sealed_doc_begin(&certificate_sealed, certificate_sealed.version, &json, &scratch);
    json_text_member_string(&json, "job", certificate->job);
    json_text_member_u64(&json, "epoch", certificate->epoch);
    json_text_member_string(&json, "id", certificate->id);
    json_text_member_u64(&json, "made_ms", certificate->made_ms);
    json_text_member_u64(&json, "boundary", certificate->boundary);
    json_text_member_u64(&json, "head", certificate->head);
    json_text_name(&json, "manifests_read");
    json_text_begin_array(&json);
    for (size_t i = 0; i < certificate->manifests_read_count; i++) {
        json_text_u64(&json, certificate->manifests_read[i]);
    }
    json_text_end_array(&json);
    json_text_name(&json, "victims");
    json_text_begin_array(&json);
    for (size_t i = 0; i < certificate->victim_count; i++) {
        json_text_string(&json, certificate->victims[i]);
    }
    json_text_end_array(&json);
    return sealed_doc_end(&certificate_sealed, &json, out, err);
}

static cairn_code read_id(const json_value *value, void *element, cairn_error *err)
{
    const char *text = json_string(value);

    if (text == NULL || !parse_u64(cairn_slice_of(text), element)) {
        return error_set(err, CAIRN_E_INTEGRITY, "no decimal number in a string");
    }
    return CAIRN_OK;
}

static cairn_code read_victim(const json_value *value, void *element, cairn_error *err)
{
    const char *text = json_string(value);
    char **victim = element;

    if (text == NULL) {
        return error_set(err, CAIRN_E_INTEGRITY, "no string");
    }
    *victim = mem_strdup(text);
    return *victim == NULL ? error_no_memory(err, "certificate") : CAIRN_OK;
}

static cairn_code read_manifests(const json_value *root, record_certificate *certificate,
                                 cairn_error *err)
{
    static const sealed_array array = {"manifests_read", CAIRN_CHECKPOINTS_LISTED_MAX,
                                       sizeof(uint64_t), read_id};
    void *items = NULL;
    cairn_code code =
        sealed_doc_read_array(root, &array, &items, &certificate->manifests_read_count, err);

    certificate->manifests_read = items;
    return code;
}

static cairn_code read_victims(const json_value *root, record_certificate *certificate,
                               cairn_error *err)
{
    static const sealed_array array = {"victims", CAIRN_VICTIMS_MAX, sizeof(char *), read_victim};
    void *items = NULL;
    cairn_code code = sealed_doc_read_array(root, &array, &items, &certificate->victim_count, err);

    certificate->victims = items;
    return code;
}

static cairn_code read_certificate(const json_value *root, record_certificate *certificate,
                                   cairn_error *err)
{
    CAIRN_TRY(sealed_doc_read_text(root, "job", &certificate->job, err));
    CAIRN_TRY(json_get_u64(root, "epoch", &certificate->epoch, err));
    CAIRN_TRY(sealed_doc_read_hex(root, "id", certificate->id, sizeof(certificate->id), err));
    CAIRN_TRY(json_get_u64(root, "made_ms", &certificate->made_ms, err));
    CAIRN_TRY(json_get_u64(root, "boundary", &certificate->boundary, err));
    CAIRN_TRY(json_get_u64(root, "head", &certificate->head, err));
    CAIRN_TRY(read_manifests(root, certificate, err));
    CAIRN_TRY(read_victims(root, certificate, err));
    return check_certificate(certificate, err);
}

cairn_code record_certificate_read(cairn_slice document, record_certificate *out, cairn_error *err)
{
    CAIRN_AUTO(record_certificate) certificate = {0};
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;

    CAIRN_TRY(sealed_doc_read(&certificate_sealed, document, &doc, err));
    CAIRN_TRY(failed("read", &certificate_sealed,
                     read_certificate(json_root(doc), &certificate, err), err));
    *out = certificate;
    certificate = (record_certificate){0};
    return CAIRN_OK;
}
