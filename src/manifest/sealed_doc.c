#include "sealed_doc.h"

#include "bounds.h"
#include "digest.h"
#include "encode.h"
#include "errors.h"
#include "seal.h"
#include "utf8.h"

#include <string.h>

#define VERSION_MAX       ((INT64_C(1) << 53) - 1)
#define SHOWN_BYTES       80 /* of a peer's text in a message */
#define REPLACEMENT_BYTES 3  /* U+FFFD in UTF-8 */

void sealed_doc_begin(const sealed_kind *kind, int version, json_text *json, cairn_buf *scratch)
{
    CAIRN_ASSERT(version >= 1 && version <= kind->version);
    cairn_buf_init(scratch, kind->bytes_max);
    json_text_init(json, scratch, true);
    json_text_begin_object(json);
    json_text_member_string(json, "format", kind->format);
    json_text_member_int(json, "version", version);
}

cairn_code sealed_doc_end(const sealed_kind *kind, json_text *json, cairn_buf *out,
                          cairn_error *err)
{
    cairn_code code;

    json_text_end_object(json);
    code = json_text_status(json, err);
    if (code == CAIRN_OK) {
        code = seal_close(json->out, err);
    }
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "write a %s", kind->format);
    }
    cairn_buf_release(out);
    *out = buf_take(json->out);
    return CAIRN_OK;
}

/* A peer's text goes into a message only through here. */
static cairn_code wrong_text(const char *what, const char *text, const char *why, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};
    const char *printable;

    CAIRN_TRY(encode_printable(cairn_slice_of(text), SHOWN_BYTES, &shown, err));
    printable = buf_text(&shown);
    if (printable == NULL) {
        return error_no_memory(err, "a message");
    }
    return error_set(err, CAIRN_E_INTEGRITY, "%s '%s' %s", what, printable, why);
}

static cairn_code check_header(const sealed_kind *kind, const json_value *root, cairn_error *err)
{
    const char *format = NULL;
    int64_t version = 0;

    CAIRN_TRY(json_get_string(root, "format", &format, err));
    if (strcmp(format, kind->format) != 0) {
        return wrong_text("format", format, "is another document's", err);
    }
    CAIRN_TRY(json_get_int(root, "version", 1, VERSION_MAX, &version, err));
    if (version > kind->version) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "written in format version %lld, this cairn reads up to version %d",
                         (long long)version, kind->version);
    }
    return CAIRN_OK;
}

static cairn_code check_members(const sealed_kind *kind, const json_value *root, cairn_error *err)
{
    const json_value *extensions;

    CAIRN_TRY(json_check_members(root, kind->members, err));
    extensions = json_find(root, "extensions");
    if (extensions != NULL && !json_is_object(extensions)) {
        return error_set(err, CAIRN_E_INTEGRITY, "member 'extensions' is no object");
    }
    return CAIRN_OK;
}

static cairn_code read_checked(const sealed_kind *kind, cairn_slice document, json_doc **out,
                               cairn_error *err)
{
    const json_limits limits = {.bytes = kind->bytes_max,
                                .string_bytes = kind->string_bytes_max,
                                .nodes = CAIRN_JSON_NODES_MAX,
                                .depth = CAIRN_JSON_DEPTH_MAX};
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;

    if (document.len > kind->bytes_max) {
        return error_set(err, CAIRN_E_LIMIT, "%zu bytes, at most %zu are read", document.len,
                         kind->bytes_max);
    }
    CAIRN_TRY(seal_check(document, err));
    CAIRN_TRY(json_read(document, &limits, &doc, err));
    if (!json_is_object(json_root(doc))) {
        return error_set(err, CAIRN_E_INTEGRITY, "no JSON object");
    }
    CAIRN_TRY(check_header(kind, json_root(doc), err));
    CAIRN_TRY(check_members(kind, json_root(doc), err));
    *out = CAIRN_TAKE(doc);
    return CAIRN_OK;
}

cairn_code sealed_doc_read(const sealed_kind *kind, cairn_slice document, json_doc **out,
                           cairn_error *err)
{
    cairn_code code = read_checked(kind, document, out, err);

    return code == CAIRN_OK ? code : error_prefix(err, code, "read a %s", kind->format);
}

cairn_code sealed_doc_check_version(const json_value *root, int needed, cairn_error *err)
{
    int64_t version = 0;

    CAIRN_TRY(json_get_int(root, "version", 1, VERSION_MAX, &version, err));
    if (version < needed) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "it holds what came with version %d, and says %lld", needed,
                         (long long)version);
    }
    return CAIRN_OK;
}

void sealed_doc_print_reference(json_text *json, const char *name, uint64_t id,
                                const char *sha256_hex)
{
    json_text_name(json, name);
    if (id == 0) {
        json_text_null(json);
        return;
    }
    json_text_begin_object(json);
    json_text_member_u64(json, "id", id);
    json_text_member_string(json, "sha256", sha256_hex);
    json_text_end_object(json);
}

cairn_code sealed_doc_read_reference(const json_value *object, const char *name, uint64_t *out_id,
                                     char out_sha256[CAIRN_SHA256_HEX_SIZE], cairn_error *err)
{
    static const char *const members[] = {"id", "sha256", NULL};
    const json_value *reference = NULL;

    if (json_find(object, name) == NULL) {
        *out_id = 0;
        out_sha256[0] = '\0';
        return CAIRN_OK;
    }
    CAIRN_TRY(json_get_object(object, name, &reference, err));
    CAIRN_TRY(json_check_members(reference, members, err));
    CAIRN_TRY(json_get_u64(reference, "id", out_id, err));
    if (*out_id == 0) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s names checkpoint 0", name);
    }
    return sealed_doc_read_hex(reference, "sha256", out_sha256, CAIRN_SHA256_HEX_SIZE, err);
}

/* As much of `text` as a reader takes: whole characters, and three bytes for each bad byte. */
static cairn_slice readable(const char *text)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t left = strnlen(text, CAIRN_JSON_STRING_BYTES_MAX);
    size_t taken = 0;
    size_t written = 0;

    while (taken < left) {
        size_t sequence = utf8_sequence(bytes + taken, left - taken);

        written += sequence == 0 ? REPLACEMENT_BYTES : sequence;
        if (written > CAIRN_JSON_STRING_BYTES_MAX) {
            break;
        }
        taken += sequence == 0 ? 1 : sequence;
    }
    return (cairn_slice){text, taken};
}

void sealed_doc_print_text(json_text *json, const char *name, const char *text)
{
    json_text_name(json, name);
    json_text_bytes(json, readable(text));
}

cairn_code sealed_doc_read_text(const json_value *object, const char *name, char **out,
                                cairn_error *err)
{
    const char *text = NULL;
    char *copy;

    CAIRN_TRY(json_get_string(object, name, &text, err));
    if (strlen(text) > CAIRN_JSON_STRING_BYTES_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "member '%s' is longer than %zu bytes", name,
                         CAIRN_JSON_STRING_BYTES_MAX);
    }
    copy = mem_strdup(text);
    if (copy == NULL) {
        return error_no_memory(err, name);
    }
    *out = copy;
    return CAIRN_OK;
}

cairn_code sealed_doc_read_hex(const json_value *object, const char *name, char *out, size_t size,
                               cairn_error *err)
{
    const char *text = NULL;

    CAIRN_TRY(json_get_string(object, name, &text, err));
    if (strnlen(text, size) != size - 1) {
        return error_set(err, CAIRN_E_INTEGRITY, "member '%s' is not %zu hex digits", name,
                         size - 1);
    }
    memcpy(out, text, size);
    return CAIRN_OK;
}

cairn_code sealed_doc_read_u32(const json_value *object, const char *name, uint32_t max,
                               uint32_t *out, cairn_error *err)
{
    int64_t value = 0;

    CAIRN_TRY(json_get_int(object, name, 0, max, &value, err));
    *out = (uint32_t)value;
    return CAIRN_OK;
}

cairn_code sealed_doc_read_array(const json_value *object, const sealed_array *array,
                                 void **out_items, size_t *out_count, cairn_error *err)
{
    const json_value *values = NULL;
    size_t index = 0;
    size_t count;

    CAIRN_TRY(json_get_array(object, array->name, &values, err));
    count = json_count(values);
    if (count > array->max) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s: %zu elements, at most %zu are allowed",
                         array->name, count, array->max);
    }
    if (count == 0) {
        return CAIRN_OK;
    }
    *out_items = mem_calloc(count, array->element_bytes);
    if (*out_items == NULL) {
        return error_no_memory(err, array->name);
    }
    *out_count = count;
    for (const json_value *value = json_first(values); value != NULL; value = json_next(value)) {
        void *element = (char *)*out_items + index * array->element_bytes;
        cairn_code code = array->read(value, element, err);

        if (code != CAIRN_OK) {
            return error_prefix(err, code, "%s[%zu]", array->name, index);
        }
        index++;
    }
    return CAIRN_OK;
}

cairn_code sealed_doc_check_name(const char *what, const char *text, cairn_error *err)
{
    if (text == NULL) {
        return error_set(err, CAIRN_E_INTEGRITY, "no %s", what);
    }
    return is_safe_name(cairn_slice_of(text)) ? CAIRN_OK
                                              : wrong_text(what, text, "is no safe name", err);
}

cairn_code sealed_doc_check_sha256(const char *what, const char *hex, cairn_error *err)
{
    sha256 digest;

    if (!sha256_from_hex(cairn_slice_of(hex), &digest)) {
        return wrong_text(what, hex, "is not 64 lower-case hex digits", err);
    }
    return CAIRN_OK;
}

cairn_code sealed_doc_check_attempt(const char *what, const char *hex, cairn_error *err)
{
    if (strlen(hex) != CAIRN_ATTEMPT_ID_SIZE - 1 ||
        strspn(hex, "0123456789abcdef") != CAIRN_ATTEMPT_ID_SIZE - 1) {
        return wrong_text(what, hex, "is not 16 lower-case hex digits", err);
    }
    return CAIRN_OK;
}

cairn_code sealed_doc_check_reference(const char *what, uint64_t id, const char *hex,
                                      cairn_error *err)
{
    if (id != 0) {
        return sealed_doc_check_sha256(what, hex, err);
    }
    if (hex[0] != '\0') {
        return error_set(err, CAIRN_E_INTEGRITY, "%s: a digest without an id", what);
    }
    return CAIRN_OK;
}
