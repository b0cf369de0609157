#include "json_read.h"

#include "encode.h"
#include "errors.h"
#include "json_scan.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include <cjson/cJSON.h>

/* Integers up to here are doubles without doubt: no other integer is read as one of them. */
#define SAFE_INTEGER_MAX ((int64_t)9007199254740991)

/* cJSON's nodes are the values: a json_value is never anything but a cJSON in disguise. */
struct json_doc {
    cJSON *root;
};

static pthread_once_t hooks_once = PTHREAD_ONCE_INIT;

static void set_hooks(void)
{
    cJSON_Hooks hooks = {.malloc_fn = mem_alloc, .free_fn = mem_free};

    cJSON_InitHooks(&hooks);
}

static const cJSON *node_of(const json_value *value)
{
    return (const cJSON *)value;
}

static const json_value *value_of(const cJSON *node)
{
    return (const json_value *)node;
}

cairn_code json_read(cairn_slice text, const json_limits *limits, json_doc **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;

    if (text.len > limits->bytes) {
        return error_set(err, CAIRN_E_LIMIT, "JSON: %zu bytes, more than %zu", text.len,
                         limits->bytes);
    }
    CAIRN_TRY(json_scan(text, limits, err));
    (void)pthread_once(&hooks_once, set_hooks);
    doc = mem_calloc(1, sizeof(*doc));
    if (doc == NULL) {
        return error_no_memory(err, "parse JSON");
    }
    doc->root = cJSON_ParseWithLengthOpts(text.data, text.len, NULL, false);
    if (doc->root == NULL) {
        /* The scan is stricter than cJSON, so memory is all that it can lack. */
        return error_no_memory(err, "parse JSON");
    }
    *out = CAIRN_TAKE(doc);
    return CAIRN_OK;
}

void json_doc_free(json_doc *doc)
{
    if (doc != NULL) {
        cJSON_Delete(doc->root);
        mem_free(doc);
    }
}

const json_value *json_root(const json_doc *doc)
{
    return value_of(doc->root);
}

static cairn_code refuse(cairn_error *err, const char *name, const char *why)
{
    (void)error_set(err, CAIRN_E_INTEGRITY, "member %s: %s", name, why);
    return CAIRN_E_INTEGRITY; /* said here, so that an analyzer knows that it is no success */
}

static cairn_code get_member(const json_value *object, const char *name, const cJSON **out,
                             cairn_error *err)
{
    if (!json_is_object(object)) {
        return refuse(err, name, "its parent is no object");
    }
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(node_of(object), name);
    if (member == NULL) {
        return refuse(err, name, "missing");
    }
    *out = member;
    return CAIRN_OK;
}

cairn_code json_get_string(const json_value *object, const char *name, const char **out,
                           cairn_error *err)
{
    const cJSON *member = NULL;

    CAIRN_TRY(get_member(object, name, &member, err));
    if (!cJSON_IsString(member)) {
        return refuse(err, name, "not a string");
    }
    *out = member->valuestring;
    return CAIRN_OK;
}

cairn_code json_get_u64(const json_value *object, const char *name, uint64_t *out, cairn_error *err)
{
    const cJSON *member = NULL;

    CAIRN_TRY(get_member(object, name, &member, err));
    if (!cJSON_IsString(member) || !parse_u64(cairn_slice_of(member->valuestring), out)) {
        return refuse(err, name, "not an unsigned 64-bit number as a decimal string");
    }
    return CAIRN_OK;
}

/* A number without fraction that no other number is read as. */
static bool is_integer(const cJSON *member)
{
    double value = member->valuedouble;

    if (!cJSON_IsNumber(member) || fabs(value) > (double)SAFE_INTEGER_MAX) {
        return false;
    }
    double truncated = (double)(int64_t)value;
    return !(truncated < value) && !(truncated > value);
}

cairn_code json_get_int(const json_value *object, const char *name, int64_t min, int64_t max,
                        int64_t *out, cairn_error *err)
{
    const cJSON *member = NULL;

    CAIRN_TRY(get_member(object, name, &member, err));
    if (!is_integer(member)) {
        return refuse(err, name, "not an integer");
    }
    const int64_t value = (int64_t)member->valuedouble;
    if (value < min || value > max) {
        return error_set(err, CAIRN_E_INTEGRITY, "member %s: %lld is not in %lld to %lld", name,
                         (long long)value, (long long)min, (long long)max);
    }
    *out = value;
    return CAIRN_OK;
}

cairn_code json_get_bool(const json_value *object, const char *name, bool *out, cairn_error *err)
{
    const cJSON *member = NULL;

    CAIRN_TRY(get_member(object, name, &member, err));
    if (!cJSON_IsBool(member)) {
        return refuse(err, name, "not a boolean");
    }
    *out = cJSON_IsTrue(member) != 0;
    return CAIRN_OK;
}

cairn_code json_get_object(const json_value *object, const char *name, const json_value **out,
                           cairn_error *err)
{
    const cJSON *member = NULL;

    CAIRN_TRY(get_member(object, name, &member, err));
    if (!cJSON_IsObject(member)) {
        return refuse(err, name, "not an object");
    }
    *out = value_of(member);
    return CAIRN_OK;
}

cairn_code json_get_array(const json_value *object, const char *name, const json_value **out,
                          cairn_error *err)
{
    const cJSON *member = NULL;

    CAIRN_TRY(get_member(object, name, &member, err));
    if (!cJSON_IsArray(member)) {
        return refuse(err, name, "not an array");
    }
    *out = value_of(member);
    return CAIRN_OK;
}

const json_value *json_find(const json_value *object, const char *name)
{
    const cJSON *member =
        json_is_object(object) ? cJSON_GetObjectItemCaseSensitive(node_of(object), name) : NULL;

    return member == NULL || cJSON_IsNull(member) ? NULL : value_of(member);
}

static bool is_known(const char *name, const char *const *known)
{
    for (; *known != NULL; known++) {
        if (strcmp(name, *known) == 0) {
            return true;
        }
    }
    return strcmp(name, "extensions") == 0;
}

static cairn_code refuse_unknown(const char *name, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) printable = {0};

    CAIRN_TRY(
        encode_printable(cairn_slice_of(name), CAIRN_ERROR_MESSAGE_BYTES / 4, &printable, err));
    const char *text = buf_text(&printable);
    return refuse(err, text == NULL ? "?" : text, "unknown");
}

cairn_code json_check_members(const json_value *object, const char *const *known, cairn_error *err)
{
    const cJSON *member = NULL;

    if (!json_is_object(object)) {
        return error_set(err, CAIRN_E_INTEGRITY, "not an object");
    }
    cJSON_ArrayForEach(member, node_of(object))
    {
        if (!is_known(member->string, known)) {
            return refuse_unknown(member->string, err);
        }
    }
    return CAIRN_OK;
}

size_t json_count(const json_value *array)
{
    size_t count = 0;

    for (const json_value *e = json_first(array); e != NULL; e = json_next(e)) {
        count++;
    }
    return count;
}

const json_value *json_first(const json_value *array)
{
    return cJSON_IsArray(node_of(array)) ? value_of(node_of(array)->child) : NULL;
}

const json_value *json_next(const json_value *element)
{
    return value_of(node_of(element)->next);
}

bool json_is_object(const json_value *value)
{
    return cJSON_IsObject(node_of(value)) != 0;
}

const char *json_string(const json_value *value)
{
    return cJSON_IsString(node_of(value)) ? node_of(value)->valuestring : NULL;
}
