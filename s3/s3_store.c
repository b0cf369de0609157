/*
 * DESIGN: everything that the options, the environment and the profile decide is decided here,
 * once; a request only puts texts together.
 */
#include "s3_store.h"

#include "bounds.h"
#include "buf.h"
#include "clock.h"
#include "errors.h"

#include <string.h>

#define DEFAULT_REGION "us-east-1"

static void store_free(void *self)
{
    s3_store *store = self;

    if (store == NULL) {
        return;
    }
    http_client_free(store->http);
    s3_credentials_free(store->credentials);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(store->texts); i++) {
        mem_free(store->texts[i]);
    }
    s3_throttle_release(&store->throttle);
    (void)pthread_mutex_destroy(&store->lock);
    explicit_bzero(&store->synced, sizeof(store->synced));
    mem_free(store->uri);
    mem_free(store->path_base);
    mem_free(store->prefix);
    mem_free(store->bucket);
    mem_free(store);
}

static void store_half_free(s3_store *store)
{
    store_free(store);
}
CAIRN_DEFINE_AUTO_PTR(s3_store, store_half_free)

static const cairn_store_driver driver = {
    .version = CAIRN_STORE_DRIVER_VERSION,
    .create_is_atomic = false,
    .put = s3_put,
    .get = s3_get,
    .get_range = s3_get_range,
    .get_file = s3_get_file,
    .stat = s3_stat,
    .remove = s3_remove,
    .list_page = s3_list_page,
    .free = store_free,
    .examine = s3_examine,
    .remove_many = s3_remove_many,
    .copy = s3_copy,
};

cairn_code s3_store_of(const cairn_store *store, s3_store **out, cairn_error *err)
{
    s3_store *self = store == NULL ? NULL : cairn_store_self(store, store_free);

    if (self == NULL) {
        return error_set(err, CAIRN_E_INVALID, "the store is not one of cairn_s3_store_new");
    }
    *out = self;
    return CAIRN_OK;
}

s3_learnt s3_store_learnt(s3_store *store)
{
    CAIRN_ASSERT(pthread_mutex_lock(&store->lock) == 0);
    const s3_learnt learnt = store->synced;
    CAIRN_ASSERT(pthread_mutex_unlock(&store->lock) == 0);
    return learnt;
}

uint64_t s3_store_wall_ms(s3_store *store)
{
    CAIRN_ASSERT(pthread_mutex_lock(&store->lock) == 0);
    const int64_t offset = store->synced.clock_offset_ms;
    CAIRN_ASSERT(pthread_mutex_unlock(&store->lock) == 0);
    return (uint64_t)((int64_t)clock_wall_ms() + offset);
}

/* ---- Checks ---- */

static cairn_code refuse(const char *what, cairn_error *err)
{
    return error_set(err, CAIRN_E_INVALID, "S3 options: %s", what);
}

/* What ends up in a header, on one line. */
static bool is_line(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static bool is_one_of(const char *text, const char *const *allowed, size_t count)
{
    for (size_t i = 0; text != NULL && i < count; i++) {
        if (strcmp(text, allowed[i]) == 0) {
            return true;
        }
    }
    return text == NULL;
}

static cairn_code check_protection(const cairn_s3_options *o, cairn_error *err)
{
    static const char *const encryptions[] = {"AES256", "aws:kms", "aws:kms:dsse"};
    static const char *const modes[] = {"GOVERNANCE", "COMPLIANCE"};

    if (!is_one_of(o->encryption, encryptions, CAIRN_ARRAY_LEN(encryptions))) {
        return refuse("encryption is none of AES256, aws:kms, aws:kms:dsse", err);
    }
    if (o->kms_key_id != NULL && (o->encryption == NULL || strcmp(o->encryption, "AES256") == 0)) {
        return refuse("a KMS key needs encryption aws:kms or aws:kms:dsse", err);
    }
    if (!is_one_of(o->object_lock_mode, modes, CAIRN_ARRAY_LEN(modes))) {
        return refuse("the object lock mode is none of GOVERNANCE, COMPLIANCE", err);
    }
    if ((o->object_lock_mode != NULL) != (o->object_lock_retain_ms > 0)) {
        return refuse("an object lock needs mode and time", err);
    }
    if (!is_line(o->kms_key_id) || !is_line(o->storage_class) || !is_line(o->tags)) {
        return refuse("key, storage class and tags are printable ASCII", err);
    }
    return CAIRN_OK;
}

static cairn_code check_sizes(const cairn_s3_options *o, cairn_error *err)
{
    if (o->multipart_bytes < CAIRN_S3_PART_BYTES_MIN ||
        o->multipart_bytes > CAIRN_S3_PUT_BYTES_MAX) {
        return refuse("multipart_bytes is 5 MiB to 5 GiB", err);
    }
    if (o->part_bytes < CAIRN_S3_PART_BYTES_MIN || o->part_bytes > CAIRN_S3_PART_BYTES_MAX) {
        return refuse("part_bytes is 5 MiB to 5 GiB", err);
    }
    if (o->parallel_parts == 0 || o->parallel_parts > CAIRN_S3_PARALLEL_MAX) {
        return refuse("parallel_parts is 1 to 64", err);
    }
    return CAIRN_OK;
}

/* The rules of a bucket's name and a prefix are those of a URI. */
static cairn_code check_names(const cairn_s3_options *o, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) uri = {0};
    char *bucket CAIRN_AUTO_FREE = NULL;
    char *prefix CAIRN_AUTO_FREE = NULL;

    if (o->bucket == NULL || o->prefix == NULL) {
        return refuse("bucket or prefix is NULL", err);
    }
    CAIRN_TRY(buf_printf(&uri, err, "s3://%s/%s", o->bucket, o->prefix));
    if (buf_text(&uri) == NULL) {
        return error_no_memory(err, "a place in S3");
    }
    CAIRN_TRY(cairn_s3_parse_uri((const char *)uri.data, &bucket, &prefix, err));
    if (strcmp(bucket, o->bucket) != 0 || strcmp(prefix, o->prefix) != 0 || o->prefix[0] == '/') {
        return refuse("the bucket holds a '/', or the prefix has one at an end", err);
    }
    return CAIRN_OK;
}

static cairn_code check_options(const cairn_s3_options *o, cairn_error *err)
{
    if (o == NULL || o->version != CAIRN_S3_OPTIONS_VERSION) {
        return refuse("not made with CAIRN_S3_OPTIONS_INIT", err);
    }
    CAIRN_TRY(check_names(o, err));
    CAIRN_TRY(check_sizes(o, err));
    if ((o->access_key_id == NULL) != (o->secret_access_key == NULL) ||
        (o->session_token != NULL && o->access_key_id == NULL)) {
        return refuse("access key, secret key and token go together", err);
    }
    return check_protection(o, err);
}

/* ---- Construction ---- */

static cairn_code copy_text(const char *text, char **out, cairn_error *err)
{
    *out = mem_strdup(text);
    return *out != NULL ? CAIRN_OK : error_no_memory(err, "an S3 store");
}

static cairn_code add_object_header(s3_store *store, const char *name, const char *value,
                                    cairn_error *err)
{
    const size_t at = store->object_header_count;

    if (value == NULL || value[0] == '\0') {
        return CAIRN_OK;
    }
    CAIRN_ASSERT(at < S3_OBJECT_HEADERS_MAX);
    CAIRN_TRY(copy_text(value, &store->texts[at], err));
    store->object_headers[at] = (sigv4_pair){name, store->texts[at]};
    store->object_header_count++;
    return CAIRN_OK;
}

static cairn_code take_object_options(s3_store *store, const cairn_s3_options *o, cairn_error *err)
{
    CAIRN_TRY(add_object_header(store, "x-amz-server-side-encryption", o->encryption, err));
    CAIRN_TRY(add_object_header(store, "x-amz-server-side-encryption-aws-kms-key-id", o->kms_key_id,
                                err));
    CAIRN_TRY(add_object_header(store, "x-amz-storage-class", o->storage_class, err));
    CAIRN_TRY(add_object_header(store, "x-amz-tagging", o->tags, err));
    CAIRN_TRY(add_object_header(store, "x-amz-object-lock-mode", o->object_lock_mode, err));
    store->object_lock_retain_ms = o->object_lock_retain_ms;
    return CAIRN_OK;
}

static cairn_code name_place(s3_store *store, const cairn_s3_options *o, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) text = {0};
    const char *slash = o->prefix[0] == '\0' ? "" : "/";

    CAIRN_TRY(copy_text(o->bucket, &store->bucket, err));
    CAIRN_TRY(buf_printf(&text, err, "%s%s", o->prefix, slash));
    store->prefix = mem_strndup(text.data, text.len);
    buf_clear(&text);
    CAIRN_TRY(buf_printf(&text, err, "s3://%s%s%s", o->bucket, slash, o->prefix));
    store->uri = mem_strndup(text.data, text.len);
    if (store->prefix == NULL || store->uri == NULL) {
        return error_no_memory(err, "an S3 store");
    }
    buf_clear(&text);
    if (!store->synced.place.virtual_host) {
        CAIRN_TRY(buf_printf(&text, err, "/%s", o->bucket));
    }
    CAIRN_TRY(buf_append_text(&text, "/", err));
    CAIRN_TRY(sigv4_encode_path(store->prefix, &text, err));
    store->path_base = mem_strndup(text.data, text.len);
    return store->path_base != NULL ? CAIRN_OK : error_no_memory(err, "an S3 store");
}

/* What the three sources say together. */
typedef struct settings {
    s3_environment env;
    s3_profile_settings profile;
} settings;

static void settings_release(settings *s)
{
    s3_profile_settings_release(&s->profile);
    s3_environment_release(&s->env);
}
CAIRN_DEFINE_AUTO(settings, settings_release)

static const char *first_of(const char *a, const char *b, const char *c)
{
    if (a != NULL && a[0] != '\0') {
        return a;
    }
    return b != NULL && b[0] != '\0' ? b : c;
}

static const char *endpoint_of(const cairn_s3_options *o, const settings *s)
{
    const char *configured =
        s->env.ignore_configured_endpoint_urls
            ? NULL
            : first_of(s->env.endpoint_url_s3, s->env.endpoint_url, s->profile.endpoint_url);

    return first_of(o->endpoint, configured, NULL);
}

static cairn_code resolve_place(s3_store *store, const cairn_s3_options *o, const settings *s,
                                cairn_error *err)
{
    const bool path = o->addressing == CAIRN_S3_ADDRESSING_AUTO && s->profile.path_style;
    const s3_place_query query = {
        .bucket = o->bucket,
        .endpoint = endpoint_of(o, s),
        .region =
            first_of(o->region, s->env.region, first_of(s->profile.region, NULL, DEFAULT_REGION)),
        .addressing = path ? CAIRN_S3_ADDRESSING_PATH : o->addressing,
        .allow_http = o->allow_http,
    };

    CAIRN_TRY(s3_place_resolve(&query, &store->synced.place, err));
    if (o->unsigned_payload && !store->synced.place.https) {
        return refuse("bodies may stay unsigned only over https", err);
    }
    return CAIRN_OK;
}

static cairn_code make_client(s3_store *store, const cairn_s3_options *o, const settings *s,
                              cairn_error *err)
{
    const http_options options = {
        .ca_file = first_of(o->ca_file, s->env.ca_bundle, s->profile.ca_bundle),
        .proxy = first_of(o->proxy, NULL, NULL),
        .allow_http = o->allow_http,
        .connect_timeout_ms = o->connect_timeout_ms,
        .connections = o->parallel_parts,
    };

    return http_client_new(&options, &store->http, err);
}

/* TLS keeps strangers off the line, or there is none outside of this machine. */
static bool line_is_private(const s3_store *store, const cairn_s3_options *o)
{
    const s3_place *place = &store->synced.place;

    return place->https || (place->loopback && first_of(o->proxy, NULL, NULL) == NULL);
}

static cairn_code fill(s3_store *store, const cairn_s3_options *o, cairn_error *err)
{
    CAIRN_AUTO(settings) s = {0};

    CAIRN_TRY(s3_environment_read(&s.env, err));
    CAIRN_TRY(s3_profile_read(o, &s.env, &s.profile, err));
    CAIRN_TRY(resolve_place(store, o, &s, err));
    CAIRN_TRY(name_place(store, o, err));
    CAIRN_TRY(take_object_options(store, o, err));
    store->crc.allowed = line_is_private(store, o) && !store->unsigned_payload &&
                         store->object_lock_retain_ms == 0;
    CAIRN_TRY(make_client(store, o, &s, err));
    return s3_credentials_new(o, &s.env, store->synced.place.region, &store->credentials, err);
}

cairn_code cairn_s3_store_new(const cairn_s3_options *options, cairn_store **out, cairn_error *err)
{
    CAIRN_TRY(check_options(options, err));
    CAIRN_AUTO_PTR(store_half_free) s3_store *store = mem_calloc(1, sizeof(*store));
    if (store == NULL) {
        return error_no_memory(err, "an S3 store");
    }
    CAIRN_ASSERT(pthread_mutex_init(&store->lock, NULL) == 0);
    s3_throttle_init(&store->throttle);
    retry_budget_init(&store->budget);
    store->requester_pays = options->requester_pays;
    store->unsigned_payload = options->unsigned_payload;
    store->check_then_create = options->check_then_create;
    store->multipart_bytes = options->multipart_bytes;
    store->part_bytes = options->part_bytes;
    store->parallel = options->parallel_parts;
    store->log = options->log;
    CAIRN_TRY(fill(store, options, err));
    const char *uri = store->uri;
    return cairn_store_new(&driver, CAIRN_TAKE(store), uri, out, err);
}
