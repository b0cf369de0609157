#include "test.h"

#include "webhdfs_world.h"

#include "check.h"
#include "encode.h"
#include "hdfs_checksum.h"
#include "webhdfs_url.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((uint64_t)8 << 20)
#define PREFIX      "/webhdfs/v1"

/* A request taken apart. */
typedef struct asked {
    char path[WORLD_PATH_BYTES];
    char op[64];
    const char *query;
} asked;

static void decode_to(const char *text, size_t len, char *out, size_t size)
{
    CAIRN_AUTO(cairn_buf) buf = {0};

    if (webhdfs_decode_path((cairn_slice){text, len}, &buf, NULL) == CAIRN_OK) {
        (void)snprintf(out, size, "%s", buf.len > 0 ? buf_text(&buf) : "");
    }
}

/* The value of a parameter, whose name must be spelt exactly so; "" if it is absent. */
static void parameter(const asked *a, const char *name, char *out, size_t size)
{
    const size_t len = strlen(name);

    out[0] = '\0';
    for (const char *at = a->query; at != NULL && *at != '\0'; at = strchr(at, '&')) {
        at++;
        if (strncmp(at, name, len) == 0 && at[len] == '=') {
            decode_to(at + len + 1, strcspn(at + len + 1, "&"), out, size);
            return;
        }
    }
}

static void take_apart(const script_request *request, asked *out)
{
    const size_t path_len = strcspn(request->target, "?");

    *out = (asked){.query = request->target + path_len};
    if (strncmp(request->target, PREFIX, strlen(PREFIX)) == 0) {
        decode_to(request->target + strlen(PREFIX), path_len - strlen(PREFIX), out->path,
                  sizeof(out->path));
    }
    parameter(out, "op", out->op, sizeof(out->op));
}

static world_file *find(webhdfs_world *w, const char *path)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->files[i].there && strcmp(w->files[i].path, path) == 0) {
            return &w->files[i];
        }
    }
    return NULL;
}

static bool has_children(webhdfs_world *w, const char *path)
{
    const size_t len = strlen(path);

    for (size_t i = 0; i < w->count; i++) {
        const char *other = w->files[i].path;
        if (w->files[i].there && strncmp(other, path, len) == 0 && other[len] == '/') {
            return true;
        }
    }
    return false;
}

static world_file *add(webhdfs_world *w, const char *path)
{
    if (w->count == WORLD_FILES_MAX) {
        return NULL;
    }
    world_file *file = &w->files[w->count++];
    (void)snprintf(file->path, sizeof(file->path), "%s", path);
    file->id = 16384 + w->count;
    file->modified_ms = WORLD_NOW_MS;
    file->there = true;
    return file;
}

static void say(script_reply *reply, unsigned status, const char *name, const char *message)
{
    reply->status = status;
    script_reply_header(reply, "Content-Type: application/json");
    script_reply_text(reply, WORLD_EXCEPTION("%s", "%s"), name, name, message);
}

static void say_missing(script_reply *reply, const char *path)
{
    char message[WORLD_PATH_BYTES + 64];

    (void)snprintf(message, sizeof(message), "File does not exist: %s", path);
    say(reply, 404, "FileNotFoundException", message);
}

static uint64_t block_bytes(const webhdfs_world *w)
{
    return w->block_bytes != 0 ? w->block_bytes : BLOCK_BYTES;
}

static void status_text(const webhdfs_world *w, const world_file *file, const char *name, char *out,
                        size_t size)
{
    char id[64] = "";

    if (w->ids) {
        (void)snprintf(id, sizeof(id), ",\"fileId\":%" PRIu64, file->id);
    }
    (void)snprintf(out, size,
                   "{\"pathSuffix\":\"%s\",\"type\":\"%s\",\"length\":%zu,\"blockSize\":%" PRIu64
                   ",\"modificationTime\":%" PRIu64 ",\"replication\":1,\"unknown\":[{}]%s}",
                   name, file->is_folder ? "DIRECTORY" : "FILE", file->len,
                   w->no_blocks ? UINT64_C(0) : block_bytes(w), file->modified_ms, id);
}

static void get_status(webhdfs_world *w, const asked *a, script_reply *reply)
{
    static const world_file folder = {.is_folder = true, .modified_ms = WORLD_NOW_MS};
    const world_file *file = find(w, a->path);
    char text[512];

    const bool is_root = strcmp(a->path, "/root") == 0 && !w->no_root;

    if (file == NULL && !is_root && !has_children(w, a->path)) {
        say_missing(reply, a->path);
        return;
    }
    status_text(w, file != NULL ? file : &folder, "", text, sizeof(text));
    script_reply_text(reply, "{\"FileStatus\":%s}", text);
}

/* The least name in the folder behind `after`; false at the end. */
static bool next_name(webhdfs_world *w, const char *folder, const char *after, char *out,
                      bool *out_folder)
{
    const size_t len = strlen(folder);

    out[0] = '\0';
    for (size_t i = 0; i < w->count; i++) {
        const char *path = w->files[i].path;
        char name[WORLD_PATH_BYTES];
        if (!w->files[i].there || strncmp(path, folder, len) != 0 || path[len] != '/') {
            continue;
        }
        const size_t name_len = strcspn(path + len + 1, "/");
        memcpy(name, path + len + 1, name_len); /* shorter than the path that it is part of */
        name[name_len] = '\0';
        if (strcmp(name, after) > 0 && (out[0] == '\0' || strcmp(name, out) < 0)) {
            (void)snprintf(out, WORLD_PATH_BYTES, "%s", name);
            *out_folder = path[len + 1 + name_len] == '/' || w->files[i].is_folder;
        }
    }
    return out[0] != '\0';
}

static void list(webhdfs_world *w, const asked *a, script_reply *reply)
{
    const world_file folder = {.is_folder = true, .modified_ms = WORLD_OLD_MS};
    char after[WORLD_PATH_BYTES];
    char name[WORLD_PATH_BYTES];
    char entries[8192] = "";
    bool is_folder = false;
    unsigned count = 0;

    parameter(a, "startafter", after, sizeof(after));
    if (!has_children(w, a->path)) {
        say_missing(reply, a->path);
        return;
    }
    while (count < WORLD_PAGE && next_name(w, a->path, after, name, &is_folder)) {
        char path[2 * WORLD_PATH_BYTES];
        const size_t used = strlen(entries);
        (void)snprintf(path, sizeof(path), "%s/%s", a->path, name);
        entries[used] = ',';
        status_text(w, is_folder ? &folder : find(w, path), name, entries + used + (count > 0),
                    sizeof(entries) - used - 1);
        (void)snprintf(after, sizeof(after), "%s", name);
        count++;
    }
    const bool more = next_name(w, a->path, after, name, &is_folder);
    script_reply_text(reply,
                      "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":"
                      "{\"FileStatus\":[%s]}},\"remainingEntries\":%d}}",
                      entries, more ? 1 : 0);
}

static void rename_file(webhdfs_world *w, const asked *a, script_reply *reply)
{
    char to[WORLD_PATH_BYTES];
    char options[32];
    world_file *source = find(w, a->path);

    parameter(a, "destination", to, sizeof(to));
    parameter(a, "renameoptions", options, sizeof(options));
    world_file *target = find(w, to);
    const bool replace = strcmp(options, "OVERWRITE") == 0;
    if (w->plain_rename) {
        const bool done = source != NULL && target == NULL;
        if (done) {
            (void)snprintf(source->path, sizeof(source->path), "%s", to);
        }
        script_reply_text(reply, "{\"boolean\":%s}", done ? "true" : "false");
    } else if (source == NULL) {
        say(reply, 404, "FileNotFoundException", "rename source is not found");
    } else if (has_children(w, to)) {
        say(reply, 403, "IOException", "Source and destination must both be directories");
    } else if (target != NULL && !replace) {
        say(reply, 403, "FileAlreadyExistsException", "rename destination already exists");
    } else {
        if (target != NULL) {
            target->there = false;
        }
        (void)snprintf(source->path, sizeof(source->path), "%s", to);
    }
}

static void delete_file(webhdfs_world *w, const asked *a, script_reply *reply)
{
    world_file *file = find(w, a->path);

    if (has_children(w, a->path)) {
        say(reply, 403, "PathIsNotEmptyDirectoryException", "is non empty");
        return;
    }
    if (file != NULL) {
        file->there = false;
    }
    script_reply_text(reply, "{\"boolean\":%s}", file != NULL ? "true" : "false");
}

static void redirect(webhdfs_world *w, const script_request *request, script_reply *reply)
{
    const char *to = w->location != NULL ? w->location : script_server_url(w->dn);

    if (w->json_location) {
        script_reply_header(reply, "Content-Type: application/json");
        script_reply_text(reply, "{\"Location\":\"%s%s\"}", to, request->target);
        return;
    }
    reply->status = 307;
    script_reply_header(reply, "Location: %s%s", to, request->target);
}

static void store_upload(webhdfs_world *w, const asked *a, const script_request *request,
                         script_reply *reply)
{
    char overwrite[8];
    world_file *file = find(w, a->path);

    parameter(a, "overwrite", overwrite, sizeof(overwrite));
    if (file != NULL && strcmp(overwrite, "true") != 0) {
        say(reply, 403, "FileAlreadyExistsException", "already exists");
        return;
    }
    file = file != NULL ? file : add(w, a->path);
    if (file == NULL) {
        say(reply, 403, "NSQuotaExceededException", "too many files");
        return;
    }
    const size_t len = request->body_len;
    file->len = w->store_at_most != 0 && w->store_at_most < len ? w->store_at_most : len;
    free(file->bytes);
    file->bytes = malloc(file->len + 1);
    memcpy(file->bytes, request->body, file->len);
    file->bytes[0] = (uint8_t)(file->bytes[0] ^ (w->flip ? 1 : 0));
    reply->status = w->stored != 0 ? w->stored : 201;
}

static uint64_t number(const asked *a, const char *name, uint64_t otherwise)
{
    char text[64];
    uint64_t value = 0;

    parameter(a, name, text, sizeof(text));
    return parse_u64(cairn_slice_of(text), &value) ? value : otherwise;
}

static void send_data(webhdfs_world *w, const asked *a, script_reply *reply)
{
    const world_file *file = find(w, a->path);
    const uint64_t offset = number(a, "offset", 0);
    uint64_t length = number(a, "length", UINT64_MAX);

    if (file == NULL) {
        say_missing(reply, a->path);
        return;
    }
    if (offset >= file->len && file->len > 0) {
        say(reply, 403, "IOException", "Offset=9 out of the range [0, 3); OPEN");
        return;
    }
    length = length < file->len - offset ? length : file->len - offset;
    reply->status = 200;
    if (length > 0) {
        reply->body = file->bytes + offset;
        reply->body_len = (size_t)length;
    }
}

static void send_checksum(webhdfs_world *w, const asked *a, script_reply *reply)
{
    const world_file *file = find(w, a->path);
    CAIRN_AUTO(hdfs_checksum) sum = {.block_bytes = 0};
    CAIRN_AUTO(cairn_buf) hex = {0};
    uint8_t md5[MD5_BYTES];

    if (file == NULL || hdfs_checksum_init(&sum, block_bytes(w), 512, NULL) != CAIRN_OK ||
        hdfs_checksum_update(&sum, (cairn_slice){file->bytes, file->len}, NULL) != CAIRN_OK ||
        hdfs_checksum_finish(&sum, md5, NULL) != CAIRN_OK ||
        encode_hex((cairn_slice){md5, sizeof(md5)}, &hex, NULL) != CAIRN_OK) {
        say_missing(reply, a->path);
        return;
    }
    const uint64_t chunks = file->len > block_bytes(w) ? block_bytes(w) / 512 : 0;
    script_reply_text(reply,
                      "{\"FileChecksum\":{\"algorithm\":\"MD5-of-%" PRIu64 "MD5-of-512CRC32C\","
                      "\"bytes\":\"00000200%016" PRIx64 "%s00000000\",\"length\":28}}",
                      chunks, chunks, buf_text(&hex));
}

static void do_data(webhdfs_world *w, const asked *a, const script_request *request,
                    script_reply *reply)
{
    if (strcmp(a->op, "CREATE") == 0) {
        store_upload(w, a, request, reply);
    } else if (strcmp(a->op, "OPEN") == 0) {
        send_data(w, a, reply);
    } else {
        send_checksum(w, a, reply);
    }
}

static void do_names(webhdfs_world *w, const asked *a, script_reply *reply)
{
    if (strcmp(a->op, "GETFILESTATUS") == 0) {
        get_status(w, a, reply);
    } else if (strcmp(a->op, "LISTSTATUS_BATCH") == 0) {
        list(w, a, reply);
    } else if (strcmp(a->op, "RENAME") == 0) {
        rename_file(w, a, reply);
    } else if (strcmp(a->op, "DELETE") == 0) {
        delete_file(w, a, reply);
    } else if (strcmp(a->op, "MKDIRS") == 0) {
        world_file *folder = find(w, a->path);
        folder = folder != NULL ? folder : add(w, a->path);
        if (folder != NULL) {
            folder->is_folder = true;
        }
        script_reply_text(reply, "{\"boolean\":true}");
    } else {
        say(reply, 400, "IllegalArgumentException", "Invalid value for webhdfs parameter");
    }
}

static bool is_data(const asked *a)
{
    return strcmp(a->op, "CREATE") == 0 || strcmp(a->op, "OPEN") == 0 ||
           strcmp(a->op, "GETFILECHECKSUM") == 0;
}

static void answer_namenode(void *context, const script_request *request, script_reply *reply)
{
    webhdfs_world *w = context;
    asked a;

    take_apart(request, &a);
    pthread_mutex_lock(&w->lock);
    if (!is_data(&a)) {
        do_names(w, &a, reply);
    } else if (w->one_step) {
        do_data(w, &a, request, reply);
    } else {
        redirect(w, request, reply);
    }
    pthread_mutex_unlock(&w->lock);
}

static void answer_datanode(void *context, const script_request *request, script_reply *reply)
{
    webhdfs_world *w = context;
    asked a;

    take_apart(request, &a);
    reply->close = true;
    pthread_mutex_lock(&w->lock);
    do_data(w, &a, request, reply);
    pthread_mutex_unlock(&w->lock);
}

webhdfs_world *webhdfs_world_new(void)
{
    webhdfs_world *w = calloc(1, sizeof(*w));
    const cairn_hdfs_options defaults = CAIRN_HDFS_OPTIONS_INIT;

    assert_non_null(w);
    assert_int_equal(script_server_new(NULL, &w->nn), 0);
    assert_int_equal(script_server_new(NULL, &w->nn2), 0);
    assert_int_equal(script_server_new(NULL, &w->dn), 0);
    assert_int_equal(pthread_mutex_init(&w->lock, NULL), 0);
    w->options = defaults;
    w->options.root = "/root";
    w->options.user = "alice";
    w->ids = true;
    return w;
}

void webhdfs_world_lose_reply(webhdfs_world *w, const script_rule *rule)
{
    script_rule own = *rule;

    own.call = answer_namenode;
    own.context = w;
    script_server_expect(w->nn, &own);
}

void webhdfs_world_cut_reads(webhdfs_world *w, const script_rule *rule)
{
    script_rule own = *rule;

    own.call = answer_datanode;
    own.context = w;
    script_server_expect(w->dn, &own);
}

void webhdfs_world_open(webhdfs_world *w)
{
    const char *const namenodes[] = {script_server_url(w->nn),
                                     w->two ? script_server_url(w->nn2) : NULL, NULL};
    const script_rule namenode = {.call = answer_namenode, .context = w};
    const script_rule datanode = {
        .call = answer_datanode, .context = w, .expect = SCRIPT_EXPECT_ALWAYS};

    script_server_expect(w->nn, &namenode);
    script_server_expect(w->nn2, &namenode);
    script_server_expect(w->dn, &datanode);
    w->options.namenodes = namenodes;
    ASSERT_OK(cairn_hdfs_store_new(&w->options, &w->store, &w->err), &w->err);
    w->options.namenodes = NULL;
}

void webhdfs_world_free(webhdfs_world *w)
{
    cairn_store_free(w->store);
    script_server_free(w->nn);
    script_server_free(w->nn2);
    script_server_free(w->dn);
    for (size_t i = 0; i < w->count; i++) {
        free(w->files[i].bytes);
    }
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}

void webhdfs_world_add(webhdfs_world *w, const char *path, size_t len)
{
    pthread_mutex_lock(&w->lock);
    world_file *file = add(w, path);
    file->bytes = malloc(len + 1);
    file->len = len;
    file->modified_ms = WORLD_OLD_MS;
    for (size_t i = 0; i < len; i++) {
        file->bytes[i] = (uint8_t)(i % 251);
    }
    pthread_mutex_unlock(&w->lock);
}

const world_file *webhdfs_world_find(const webhdfs_world *w, const char *path)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->files[i].there && strcmp(w->files[i].path, path) == 0) {
            return &w->files[i];
        }
    }
    return NULL;
}

size_t webhdfs_world_count(const webhdfs_world *w)
{
    size_t count = 0;

    for (size_t i = 0; i < w->count; i++) {
        count += w->files[i].there ? 1 : 0;
    }
    return count;
}

size_t webhdfs_world_asked(script_server *server, const char *op)
{
    char text[80];
    size_t count = 0;

    (void)snprintf(text, sizeof(text), "?op=%s", op);
    for (size_t i = 0; i < script_server_count(server); i++) {
        const char *at = strstr(script_server_request(server, i)->target, text);
        count += at != NULL && strchr("&", at[strlen(text)]) != NULL ? 1 : 0;
    }
    return count;
}
