#include "webhdfs_json.h"

#include "bounds.h"
#include "encode.h"
#include "errors.h"

#include <string.h>

#define JSON_STRING_BYTES ((size_t)16 << 10)
#define JSON_NODES        ((size_t)1 << 20)
#define JSON_DEPTH        12
#define JSON_INT_MAX      (((int64_t)1 << 53) - 1) /* what a double holds exactly */

static cairn_code read_body(cairn_slice body, json_doc **out, cairn_error *err)
{
    static const json_limits limits = {
        .bytes = CAIRN_HDFS_JSON_BYTES_MAX,
        .string_bytes = JSON_STRING_BYTES,
        .nodes = JSON_NODES,
        .depth = JSON_DEPTH,
    };

    return json_read(body, &limits, out, err);
}

/* The body as {"<name>":{..}}. */
static cairn_code read_object(cairn_slice body, const char *name, json_doc **out_doc,
                              const json_value **out, cairn_error *err)
{
    CAIRN_TRY(read_body(body, out_doc, err));
    return json_get_object(json_root(*out_doc), name, out, err);
}

static cairn_code get_count(const json_value *object, const char *name, uint64_t *out,
                            cairn_error *err)
{
    int64_t value = 0;

    CAIRN_TRY(json_get_int(object, name, 0, JSON_INT_MAX, &value, err));
    *out = (uint64_t)value;
    return CAIRN_OK;
}

/* As get_count; absent is 0. */
static cairn_code find_count(const json_value *object, const char *name, uint64_t *out,
                             cairn_error *err)
{
    *out = 0;
    return json_find(object, name) == NULL ? CAIRN_OK : get_count(object, name, out, err);
}

static const char *find_text(const json_value *object, const char *name)
{
    const json_value *value = json_find(object, name);
    const char *text = value == NULL ? NULL : json_string(value);

    return text == NULL ? "" : text;
}

cairn_code webhdfs_json_exception(cairn_slice body, webhdfs_exception *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    const json_value *object = NULL;
    const char *name = NULL;

    CAIRN_TRY(read_object(body, "RemoteException", &doc, &object, err));
    CAIRN_TRY(json_get_string(object, "exception", &name, err));
    out->name = name;
    out->class_name = find_text(object, "javaClassName");
    out->message = find_text(object, "message");
    out->doc = CAIRN_TAKE(doc);
    return CAIRN_OK;
}

void webhdfs_exception_release(webhdfs_exception *exception)
{
    json_doc_free(exception->doc);
    *exception = (webhdfs_exception){.doc = NULL};
}

static cairn_code read_status(const json_value *object, webhdfs_status *out, cairn_error *err)
{
    const char *type = NULL;

    CAIRN_TRY(json_get_string(object, "type", &type, err));
    out->is_file = strcmp(type, "FILE") == 0;
    out->is_folder = strcmp(type, "DIRECTORY") == 0;
    CAIRN_TRY(get_count(object, "length", &out->length, err));
    CAIRN_TRY(get_count(object, "modificationTime", &out->modified_ms, err));
    CAIRN_TRY(find_count(object, "blockSize", &out->block_bytes, err));
    CAIRN_TRY(find_count(object, "replication", &out->replication, err));
    return find_count(object, "fileId", &out->file_id, err);
}

cairn_code webhdfs_json_status(cairn_slice body, webhdfs_status *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    const json_value *object = NULL;
    webhdfs_status status = {.is_file = false};

    CAIRN_TRY(read_object(body, "FileStatus", &doc, &object, err));
    CAIRN_TRY(read_status(object, &status, err));
    *out = status;
    return CAIRN_OK;
}

static cairn_code visit_entries(const json_value *entries, webhdfs_entry_visit visit, void *context,
                                cairn_error *err)
{
    for (const json_value *e = json_first(entries); e != NULL; e = json_next(e)) {
        webhdfs_status status = {.is_file = false};
        const char *name = NULL;
        if (!json_is_object(e)) {
            return error_set(err, CAIRN_E_INTEGRITY, "an entry of a listing is no object");
        }
        CAIRN_TRY(json_get_string(e, "pathSuffix", &name, err));
        CAIRN_TRY(read_status(e, &status, err));
        CAIRN_TRY(visit(context, name, &status, err));
    }
    return CAIRN_OK;
}

cairn_code webhdfs_json_listing(cairn_slice body, webhdfs_entry_visit visit, void *context,
                                uint64_t *out_remaining, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    const json_value *listing = NULL;
    const json_value *partial = NULL;
    const json_value *statuses = NULL;
    const json_value *entries = NULL;
    uint64_t remaining = 0;

    CAIRN_TRY(read_object(body, "DirectoryListing", &doc, &listing, err));
    CAIRN_TRY(get_count(listing, "remainingEntries", &remaining, err));
    CAIRN_TRY(json_get_object(listing, "partialListing", &partial, err));
    CAIRN_TRY(json_get_object(partial, "FileStatuses", &statuses, err));
    CAIRN_TRY(json_get_array(statuses, "FileStatus", &entries, err));
    CAIRN_TRY(visit_entries(entries, visit, context, err));
    *out_remaining = remaining;
    return CAIRN_OK;
}

cairn_code webhdfs_json_checksum(cairn_slice body, webhdfs_checksum *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    CAIRN_AUTO(cairn_buf) decoded = {.limit = WEBHDFS_CHECKSUM_BYTES_MAX};
    const json_value *object = NULL;
    const char *algorithm = NULL;
    const char *hex = NULL;
    uint64_t length = 0;

    CAIRN_TRY(read_object(body, "FileChecksum", &doc, &object, err));
    CAIRN_TRY(json_get_string(object, "algorithm", &algorithm, err));
    CAIRN_TRY(json_get_string(object, "bytes", &hex, err));
    CAIRN_TRY(get_count(object, "length", &length, err));
    if (strlen(algorithm) >= sizeof(out->algorithm) ||
        decode_hex(cairn_slice_of(hex), &decoded, NULL) != CAIRN_OK || length > decoded.len) {
        return error_set(err, CAIRN_E_INTEGRITY, "a checksum of a form that is not known");
    }
    *out = (webhdfs_checksum){.len = (size_t)length};
    memcpy(out->algorithm, algorithm, strlen(algorithm));
    if (decoded.len > 0) {
        memcpy(out->bytes, decoded.data, decoded.len);
    }
    return CAIRN_OK;
}

cairn_code webhdfs_json_boolean(cairn_slice body, bool *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;

    CAIRN_TRY(read_body(body, &doc, err));
    return json_get_bool(json_root(doc), "boolean", out, err);
}

cairn_code webhdfs_json_long(cairn_slice body, uint64_t *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;

    CAIRN_TRY(read_body(body, &doc, err));
    return get_count(json_root(doc), "long", out, err);
}

cairn_code webhdfs_json_location(cairn_slice body, secret *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    const char *location = NULL;

    CAIRN_TRY(read_body(body, &doc, err));
    CAIRN_TRY(json_get_string(json_root(doc), "Location", &location, err));
    return secret_set(out, cairn_slice_of(location), err);
}

cairn_code webhdfs_json_token(cairn_slice body, secret *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    const json_value *token = NULL;
    const char *text = NULL;

    CAIRN_TRY(read_body(body, &doc, err));
    if (!json_is_object(json_root(doc)) || json_find(json_root(doc), "Token") == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(json_get_object(json_root(doc), "Token", &token, err));
    CAIRN_TRY(json_get_string(token, "urlString", &text, err));
    return secret_set(out, cairn_slice_of(text), err);
}

cairn_code webhdfs_json_blocks(cairn_slice body, webhdfs_replicas *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    const json_value *object = NULL;
    const json_value *blocks = NULL;
    webhdfs_replicas found = {.blocks = 0};

    CAIRN_TRY(read_object(body, "BlockLocations", &doc, &object, err));
    CAIRN_TRY(json_get_array(object, "BlockLocation", &blocks, err));
    for (const json_value *b = json_first(blocks); b != NULL; b = json_next(b)) {
        const json_value *hosts = NULL;
        CAIRN_TRY(json_is_object(b) ? json_get_array(b, "hosts", &hosts, err)
                                    : error_set(err, CAIRN_E_INTEGRITY, "a block is no object"));
        const uint64_t count = json_count(hosts);
        found.fewest = found.blocks == 0 || count < found.fewest ? count : found.fewest;
        found.blocks++;
    }
    *out = found;
    return CAIRN_OK;
}

static cairn_code get_signed(const json_value *object, const char *name, int64_t *out,
                             cairn_error *err)
{
    return json_get_int(object, name, -1, JSON_INT_MAX, out, err);
}

cairn_code webhdfs_json_summary(cairn_slice body, webhdfs_summary *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    const json_value *object = NULL;
    webhdfs_summary found = {.names = 0};
    int64_t folders = 0;

    CAIRN_TRY(read_object(body, "ContentSummary", &doc, &object, err));
    CAIRN_TRY(get_signed(object, "fileCount", &found.names, err));
    CAIRN_TRY(get_signed(object, "directoryCount", &folders, err));
    CAIRN_TRY(get_signed(object, "quota", &found.names_quota, err));
    CAIRN_TRY(get_signed(object, "spaceConsumed", &found.space, err));
    CAIRN_TRY(get_signed(object, "spaceQuota", &found.space_quota, err));
    found.names += folders;
    *out = found;
    return CAIRN_OK;
}
