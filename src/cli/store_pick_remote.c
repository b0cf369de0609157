#include "store_pick_remote.h"

#include <cairn/hdfs.h>
#include <cairn/s3.h>

#include "buf.h"
#include "errors.h"
#include "private_file.h"
#include "store_uri.h"

#include <string.h>

#define TOKEN_BYTES_MAX ((size_t)16 << 10)
#define KEY_TOKEN_FILE  "cairn.hdfs.token-file"
#define KEY_PATH_STYLE  "s3.path.style.access"

typedef char *s3_text;
static void release_s3_text(s3_text *text)
{
    cairn_s3_free_text(*text);
}
CAIRN_DEFINE_AUTO(s3_text, release_s3_text)
CAIRN_DEFINE_AUTO(cairn_hdfs_place, cairn_hdfs_place_release)

static cairn_s3_addressing addressing_of(const cairn_config *config)
{
    if (!cairn_config_is_set(config, KEY_PATH_STYLE)) {
        return CAIRN_S3_ADDRESSING_AUTO;
    }
    return cairn_config_bool(config, KEY_PATH_STYLE) ? CAIRN_S3_ADDRESSING_PATH
                                                     : CAIRN_S3_ADDRESSING_VIRTUAL;
}

static void fill_s3_access(const cairn_config *config, cairn_s3_options *options)
{
    options->endpoint = cairn_config_get(config, "s3.endpoint");
    options->region = cairn_config_get(config, "s3.region");
    options->profile = cairn_config_get(config, "s3.profile");
    options->access_key_id = cairn_config_secret(config, "s3.access-key");
    options->secret_access_key = cairn_config_secret(config, "s3.secret-key");
    options->session_token = cairn_config_secret(config, "s3.session-token");
    options->assume_role_arn = cairn_config_get(config, "s3.assume-role.arn");
    options->addressing = addressing_of(config);
    options->allow_http = cairn_config_bool(config, "s3.allow-http");
    options->allow_instance = cairn_config_bool(config, "s3.instance-metadata");
    options->requester_pays = cairn_config_bool(config, "s3.requester-pays");
    options->ca_file = cairn_config_get(config, "s3.ca-file");
    options->proxy = cairn_config_get(config, "s3.proxy");
}

static void fill_s3_objects(const cairn_config *config, cairn_s3_options *options)
{
    options->unsigned_payload = cairn_config_bool(config, "s3.unsigned-payload");
    options->check_then_create = cairn_config_bool(config, "s3.check-then-create");
    options->encryption = cairn_config_get(config, "s3.encryption");
    options->kms_key_id = cairn_config_get(config, "s3.kms-key-id");
    options->storage_class = cairn_config_get(config, "s3.storage-class");
    options->tags = cairn_config_get(config, "s3.tags");
    options->object_lock_mode = cairn_config_get(config, "s3.object-lock.mode");
    options->object_lock_retain_ms = cairn_config_duration_ms(config, "s3.object-lock.retain");
    options->multipart_bytes = cairn_config_memory_bytes(config, "s3.multipart-threshold");
    options->part_bytes = cairn_config_memory_bytes(config, "s3.upload.min.part.size");
    options->parallel_parts =
        (uint32_t)cairn_config_u64(config, "s3.upload.max.concurrent.uploads");
}

cairn_code store_pick_s3(const cairn_config *config, const cairn_log *log, const char *uri,
                         cairn_store **out, cairn_error *err)
{
    cairn_s3_options options = CAIRN_S3_OPTIONS_INIT;
    CAIRN_AUTO(s3_text) bucket = NULL;
    CAIRN_AUTO(s3_text) prefix = NULL;

    CAIRN_TRY(cairn_s3_parse_uri(uri, &bucket, &prefix, err));
    options.bucket = bucket;
    options.prefix = prefix;
    options.log = *log;
    fill_s3_access(config, &options);
    fill_s3_objects(config, &options);
    return cairn_s3_store_new(&options, out, err);
}

static cairn_hdfs_auth auth_of(const cairn_config *config)
{
    const char *name = cairn_config_get(config, "cairn.hdfs.auth");

    if (strcmp(name, "kerberos") == 0) {
        return CAIRN_HDFS_AUTH_KERBEROS;
    }
    return strcmp(name, "token") == 0 ? CAIRN_HDFS_AUTH_TOKEN : CAIRN_HDFS_AUTH_SIMPLE;
}

static void fill_hdfs(const cairn_config *config, cairn_hdfs_options *options)
{
    options->path_prefix = cairn_config_get(config, "cairn.hdfs.path-prefix");
    options->auth = auth_of(config);
    options->user = cairn_config_get(config, "cairn.hdfs.user");
    options->do_as = cairn_config_get(config, "cairn.hdfs.do-as");
    options->ca_file = cairn_config_get(config, "cairn.hdfs.ca-file");
    options->datanode_map = cairn_config_get(config, "cairn.hdfs.datanode-map");
    options->datanode_hosts = cairn_config_get(config, "cairn.hdfs.datanode-hosts");
    options->replication = (uint32_t)cairn_config_u64(config, "cairn.hdfs.replication");
    options->block_bytes = cairn_config_memory_bytes(config, "cairn.hdfs.block-size");
    options->sync_block = cairn_config_bool(config, "cairn.hdfs.sync-block");
    options->check_checksum = cairn_config_bool(config, "cairn.hdfs.checksum");
}

/* The first line of the file. */
static cairn_code read_token(const char *path, secret *out, cairn_error *err)
{
    CAIRN_AUTO(private_file) file = {.problem = NULL};
    const char *text = NULL;

    CAIRN_TRY(private_file_read(path, TOKEN_BYTES_MAX, &file, err));
    if (file.problem != NULL) {
        return error_set(err, CAIRN_E_ACCESS, "%s is no place for a token: %s", path, file.problem);
    }
    text = buf_text(&file.text);
    if (text == NULL) {
        return error_no_memory(err, "a token");
    }
    const size_t length = strcspn(text, "\r\n");
    if (length == 0) {
        return error_set(err, CAIRN_E_INVALID, "%s holds no token in its first line", path);
    }
    return secret_set(out, (cairn_slice){text, length}, err);
}

static cairn_code find_token(const cairn_config *config, secret *out, cairn_error *err)
{
    const char *path = cairn_config_get(config, KEY_TOKEN_FILE);
    cairn_code code = CAIRN_OK;

    if (path != NULL) {
        code = read_token(path, out, err);
    }
    return code == CAIRN_OK ? code : error_prefix(err, code, KEY_TOKEN_FILE);
}

cairn_code store_pick_hdfs(const cairn_config *config, const cairn_log *log, const char *uri,
                           bool create, cairn_store **out, cairn_error *err)
{
    cairn_hdfs_options options = CAIRN_HDFS_OPTIONS_INIT;
    CAIRN_AUTO(cairn_hdfs_place) place = {.root = NULL};
    CAIRN_AUTO(secret) token = {NULL, 0};

    CAIRN_TRY(cairn_hdfs_locate(uri, cairn_config_get(config, "cairn.hdfs.conf-dir"), &place, err));
    CAIRN_TRY(find_token(config, &token, err));
    options.namenodes = (const char *const *)place.namenodes;
    options.root = place.root;
    options.token = token.text;
    options.log = *log;
    options.create_root = create;
    fill_hdfs(config, &options);
    return cairn_hdfs_store_new(&options, out, err);
}
