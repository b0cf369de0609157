#include "test.h"

#include "s3_world.h"

#include "digest.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void refuse(script_reply *reply, unsigned status, const char *code)
{
    reply->status = status;
    script_reply_text(reply, "<Error><Code>%s</Code></Error>", code);
}

/* The body is what was signed. By OpenSSL, not by sha256_of: see script_server.h about allocations.
 */
static bool hash_fits(const script_request *request)
{
    char signed_hash[128] = "";
    char hex[SHA256_HEX_SIZE];
    sha256 digest;

    if (!script_request_header(request, "x-amz-content-sha256", signed_hash, sizeof(signed_hash)) ||
        strcmp(signed_hash, "UNSIGNED-PAYLOAD") == 0) {
        return true;
    }
    if (request->body_len != request->body_total ||
        EVP_Digest(request->body, request->body_len, digest.bytes, NULL, EVP_sha256(), NULL) != 1) {
        return false;
    }
    sha256_to_hex(&digest, hex);
    return strcmp(hex, signed_hash) == 0;
}

/* The CRC-32C of a body and its header as text; false if it has none. */
static bool crc_of(const script_request *request, char told[16], char found[16])
{
    const uint32_t crc = htobe32(crc32c_update(0, request->body, request->body_len));

    (void)EVP_EncodeBlock((unsigned char *)found, (const unsigned char *)&crc, sizeof(crc));
    return script_request_header(request, "x-amz-checksum-crc32c", told, 16);
}

/* False: it was refused. */
static bool crc_passes(const s3_world *w, const script_request *request, script_reply *reply)
{
    char told[16];
    char found[16];

    if (w->fake.crc == S3_WORLD_CRC_NO_BEGIN &&
        has(request->headers, "x-amz-checksum-algorithm: ")) {
        refuse(reply, 501, "NotImplemented");
        return false;
    }
    if (w->fake.crc == S3_WORLD_CRC_IGNORED || !crc_of(request, told, found)) {
        return true;
    }
    if (w->fake.crc == S3_WORLD_CRC_NO_HEADER) {
        refuse(reply, 400, "InvalidArgument");
        return false;
    }
    if (w->fake.crc == S3_WORLD_CRC_OF_PARTS && !has(request->target, "partNumber=")) {
        script_reply_header(reply, "x-amz-checksum-crc32c: %s", told);
        return true;
    }
    if (strcmp(told, found) != 0) {
        refuse(reply, 400, "BadDigest");
        return false;
    }
    if (w->fake.crc == S3_WORLD_CRC_NO_UNSIGNED && has(request->headers, "UNSIGNED-PAYLOAD")) {
        refuse(reply, 403, "AccessDenied");
        return false;
    }
    if (w->fake.crc != S3_WORLD_CRC_SILENT) {
        script_reply_header(reply, "x-amz-checksum-crc32c: %s",
                            w->fake.crc == S3_WORLD_CRC_OTHER ? "AAAAAA==" : found);
    }
    return true;
}

static void fake_put(s3_world *w, const script_request *request, script_reply *reply)
{
    const char *part = strstr(request->target, "partNumber=");

    if (part != NULL) {
        const unsigned long number = strtoul(part + strlen("partNumber="), NULL, 10);
        if (!w->fake.open) {
            refuse(reply, 404, "NoSuchUpload");
            return;
        }
        w->fake.parts[number % S3_WORLD_PARTS] = request->body_total;
        script_reply_header(reply, "ETag: \"e%lu\"", number);
        return;
    }
    if (has(request->headers, "if-none-match: *") && w->fake.stands) {
        refuse(reply, 412, "PreconditionFailed");
        return;
    }
    w->fake.stands = true;
    w->fake.size = request->body_total;
    w->fake.kept[0] = '\0';
    (void)script_request_header(request, "x-amz-meta-cairn-upload", w->fake.id, sizeof(w->fake.id));
    (void)script_request_header(request, "x-amz-checksum-crc32c", w->fake.kept,
                                sizeof(w->fake.kept));
}

static void fake_post(s3_world *w, const script_request *request, script_reply *reply)
{
    if (has(request->target, "?uploads=")) {
        w->fake.open = true;
        memset(w->fake.parts, 0, sizeof(w->fake.parts));
        (void)script_request_header(request, "x-amz-meta-cairn-upload", w->fake.begun_id,
                                    sizeof(w->fake.begun_id));
        script_reply_text(reply, "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                                 "</InitiateMultipartUploadResult>");
        return;
    }
    if (!w->fake.open) {
        refuse(reply, 404, "NoSuchUpload");
        return;
    }
    w->fake.open = false;
    w->fake.stands = true;
    w->fake.size = 0;
    for (size_t i = 0; i < S3_WORLD_PARTS; i++) {
        w->fake.size += w->fake.parts[i];
    }
    memcpy(w->fake.id, w->fake.begun_id, sizeof(w->fake.id));
    w->fake.kept[0] = '\0';
    const char *sum = w->fake.sum;
    script_reply_text(reply,
                      "\n\n<CompleteMultipartUploadResult><ETag>x</ETag>%s%s%s"
                      "</CompleteMultipartUploadResult>",
                      sum != NULL ? "<ChecksumCRC32C>" : "", sum != NULL ? sum : "",
                      sum != NULL ? "</ChecksumCRC32C>" : "");
}

static void fake_delete(s3_world *w, const script_request *request, script_reply *reply)
{
    reply->status = 204;
    if (has(request->target, "uploadId=")) {
        w->fake.aborts++;
        w->fake.open = false;
    } else {
        w->fake.stands = false;
    }
}

/* Byte i of an object is i * 7. */
static void fake_get(const s3_world *w, const script_request *request, script_reply *reply)
{
    char range[64] = "";
    char *end = NULL;
    uint64_t first = 0;
    uint64_t last = w->fake.size - 1;

    if (script_request_header(request, "range", range, sizeof(range))) {
        first = strtoull(range + strlen("bytes="), &end, 10);
        last = strtoull(end + 1, NULL, 10);
        last = last < w->fake.size ? last : w->fake.size - 1;
        reply->status = 206;
        script_reply_header(reply, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
                            last, w->fake.size);
    }
    if (first >= w->fake.size) {
        refuse(reply, 416, "InvalidRange");
        return;
    }
    const size_t len = (size_t)(last - first + 1);
    uint8_t *body = malloc(len);
    for (size_t i = 0; body != NULL && i < len; i++) {
        body[i] = (uint8_t)((first + i) * 7);
    }
    script_reply_header(reply, "ETag: \"whole\"");
    script_reply_body(reply, body, len);
    free(body);
}

static void fake_head(const s3_world *w, const script_request *request, script_reply *reply)
{
    const char *sum = w->fake.head_sum != NULL ? w->fake.head_sum : w->fake.kept;

    reply->length = SCRIPT_LENGTH_CLAIMED;
    reply->length_claimed = w->fake.size;
    script_reply_header(reply, "Last-Modified: Fri, 24 May 2013 00:00:00 GMT");
    script_reply_header(reply, "x-amz-meta-cairn-upload: %s", w->fake.id);
    if (sum[0] != '\0' && has(request->headers, "x-amz-checksum-mode: ENABLED")) {
        script_reply_header(reply, "x-amz-checksum-crc32c: %s", sum);
    }
}

static void fake_read(const s3_world *w, const script_request *request, script_reply *reply)
{
    const bool upload = has(request->target, "uploadId=");

    if (upload && !w->fake.open) {
        refuse(reply, 404, "NoSuchUpload");
    } else if (!upload && !w->fake.stands) {
        refuse(reply, 404, "NoSuchKey");
    } else if (!upload && strcmp(request->method, "HEAD") == 0) {
        fake_head(w, request, reply);
    } else if (!upload) {
        fake_get(w, request, reply);
    }
}

s3_fake s3_world_seen(s3_world *w)
{
    (void)pthread_mutex_lock(&w->lock);
    const s3_fake seen = w->fake;
    (void)pthread_mutex_unlock(&w->lock);

    return seen;
}

void s3_world_fake(void *context, const script_request *request, script_reply *reply)
{
    s3_world *w = context;

    (void)pthread_mutex_lock(&w->lock);
    w->fake.bad_hashes += hash_fits(request) ? 0 : 1;
    if (!crc_passes(w, request, reply)) {
        /* refused */
    } else if (strcmp(request->method, "PUT") == 0) {
        fake_put(w, request, reply);
    } else if (strcmp(request->method, "POST") == 0) {
        fake_post(w, request, reply);
    } else if (strcmp(request->method, "DELETE") == 0) {
        fake_delete(w, request, reply);
    } else {
        fake_read(w, request, reply);
    }
    (void)pthread_mutex_unlock(&w->lock);
}

void s3_world_restart(s3_world *w)
{
    cairn_store_free(w->store);
    w->store = NULL;
    ASSERT_OK(cairn_s3_store_new(&w->options, &w->store, &w->err), &w->err);
    ASSERT_OK(s3_store_of(w->store, &w->self, &w->err), &w->err);
}

static int set_up(void **state, bool tls)
{
    const script_server_options server = {.tls = tls, .body_kept = (size_t)8 << 20};
    s3_world *w = calloc(1, sizeof(*w));

    if (w == NULL) {
        return -1;
    }
    *state = w;
    (void)pthread_mutex_init(&w->lock, NULL);
    w->dir = tmpdir_new();
    if (w->dir == NULL || script_server_new(&server, &w->server) != 0) {
        return -1;
    }
    w->options = (cairn_s3_options)CAIRN_S3_OPTIONS_INIT;
    w->options.bucket = "bkt";
    w->options.prefix = "pre";
    w->options.endpoint = script_server_url(w->server);
    w->options.ca_file = script_server_ca(w->server);
    w->options.region = "us-east-1";
    w->options.access_key_id = "AKIDEXAMPLE";
    w->options.secret_access_key = "canary-secret";
    w->options.multipart_bytes = (uint64_t)5 << 20;
    w->options.part_bytes = (uint64_t)5 << 20;
    w->options.parallel_parts = 2;
    w->call = (cairn_call){cairn_deadline_in(110000), NULL};
    s3_world_restart(w);
    return 0;
}

int s3_world_setup(void **state)
{
    return set_up(state, false);
}

int s3_world_setup_tls(void **state)
{
    return set_up(state, true);
}

int s3_world_teardown(void **state)
{
    s3_world *w = *state;

    cairn_store_free(w->store);
    script_server_free(w->server);
    tmpdir_free(w->dir);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
    return 0;
}

void s3_world_file(s3_world *w, const char *name, size_t size, char path[TMPDIR_PATH_BYTES])
{
    FILE *file = fopen(tmpdir_join(w->dir, name, path), "we");

    uint8_t pattern[256];

    assert_non_null(file);
    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (uint8_t)(i * 7);
    }
    for (size_t done = 0; done < size; done += sizeof(pattern)) {
        const size_t step = size - done < sizeof(pattern) ? size - done : sizeof(pattern);
        assert_int_equal(fwrite(pattern, 1, step, file), step);
    }
    assert_int_equal(fclose(file), 0);
}

void s3_world_rule(s3_world *w, script_rule rule)
{
    script_server_expect(w->server, &rule);
}

void s3_world_reply(s3_world *w, const char *method, const char *path, unsigned times,
                    script_reply reply)
{
    s3_world_rule(w, (script_rule){.method = method, .path = path, .times = times, .reply = reply});
}

/* Called once the test has added its own rules. */
void s3_world_serve(s3_world *w)
{
    s3_world_rule(w, (script_rule){.call = s3_world_fake, .context = w});
}

static bool fits(const script_request *request, const char *method, const char *path)
{
    return strcmp(request->method, method) == 0 &&
           strncmp(request->target, path, strlen(path)) == 0;
}

unsigned s3_world_count(s3_world *w, const char *method, const char *path)
{
    unsigned count = 0;

    for (size_t i = 0; i < script_server_count(w->server); i++) {
        count += fits(script_server_request(w->server, i), method, path) ? 1 : 0;
    }
    return count;
}

const script_request *s3_world_request(s3_world *w, const char *method, const char *path,
                                       unsigned nth)
{
    for (size_t i = 0; i < script_server_count(w->server); i++) {
        const script_request *request = script_server_request(w->server, i);
        if (fits(request, method, path) && nth-- == 0) {
            return request;
        }
    }
    fail_msg("no such request: %s %s", method, path);
    return NULL;
}

const char *s3_world_header(const script_request *request, const char *name, char out[512])
{
    assert_true(script_request_header(request, name, out, 512));
    return out;
}
