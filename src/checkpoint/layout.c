#include "layout.h"

#include "check.h"
#include "encode.h"
#include "random.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 1, 2))) static layout_key key_format(const char *format, ...)
{
    layout_key key;
    va_list args;

    va_start(args, format);
    int length = vsnprintf(key.text, sizeof key.text, format, args);
    va_end(args);
    CAIRN_ASSERT(length > 0 && (size_t)length < sizeof key.text);
    return key;
}

layout_key layout_claim(uint64_t epoch)
{
    return key_format("epochs/%" PRIu64 "/claim.json", epoch);
}

layout_key layout_start(uint64_t epoch)
{
    return key_format("epochs/%" PRIu64 "/start.json", epoch);
}

layout_key layout_manifest(uint64_t checkpoint_id)
{
    return key_format("chk-%" PRIu64 "/manifest.json", checkpoint_id);
}

layout_key layout_certificate(uint64_t boundary, const char *id)
{
    return key_format("gc/%" PRIu64 "-%s.json", boundary, id);
}

layout_key layout_private(uint64_t checkpoint_id, const layout_writer *writer, const char *name)
{
    return key_format("chk-%" PRIu64 "/%s/%" PRIu32 "/%" PRIu64 "-%s-%s", checkpoint_id,
                      writer->operator_uid, writer->subtask, writer->epoch, writer->attempt, name);
}

layout_key layout_output(uint64_t checkpoint_id, const layout_writer *writer, const char *name)
{
    return key_format("chk-%" PRIu64 "/%s/%" PRIu32 "/%" PRIu64 "-%s-output.%s", checkpoint_id,
                      writer->operator_uid, writer->subtask, writer->epoch, writer->attempt, name);
}

layout_key layout_part(uint64_t checkpoint_id, const layout_writer *writer)
{
    return layout_private(checkpoint_id, writer, "part.json");
}

layout_key layout_shared(const layout_writer *writer, uint64_t sequence)
{
    return key_format("shared/%s/%" PRIu64 "-%s-%" PRIu64, writer->operator_uid, writer->epoch,
                      writer->attempt, sequence);
}

layout_key layout_probe(const char *id)
{
    return key_format("probe/%s", id);
}

layout_key layout_savepoint_folder(const char *name)
{
    return key_format("savepoints/%s/", name);
}

layout_key layout_savepoint(const char *name)
{
    return key_format("savepoints/%s/manifest.json", name);
}

layout_key layout_savepoint_file(const char *name, const layout_writer *writer, uint64_t sequence)
{
    return key_format("savepoints/%s/%s/%" PRIu32 "/%" PRIu64 "-%s-%" PRIu64, name,
                      writer->operator_uid, writer->subtask, writer->epoch, writer->attempt,
                      sequence);
}

/* Splits off the text before `separator`; false if there is no separator. */
static bool cut(const char **rest, char separator, cairn_slice *out)
{
    const char *end = strchr(*rest, separator);

    if (end == NULL) {
        return false;
    }
    *out = (cairn_slice){*rest, (size_t)(end - *rest)};
    *rest = end + 1;
    return true;
}

static bool skip(const char **rest, const char *prefix)
{
    size_t length = strlen(prefix);

    if (strncmp(*rest, prefix, length) != 0) {
        return false;
    }
    *rest += length;
    return true;
}

static bool cut_number(const char **rest, char separator, uint64_t *out)
{
    cairn_slice digits;

    return cut(rest, separator, &digits) && parse_u64(digits, out);
}

static layout_object parse_epoch(const char *rest)
{
    layout_object object = {0};

    if (!cut_number(&rest, '/', &object.epoch)) {
        return object;
    }
    if (strcmp(rest, "claim.json") == 0) {
        object.kind = CAIRN_LAYOUT_CLAIM;
    } else if (strcmp(rest, "start.json") == 0) {
        object.kind = CAIRN_LAYOUT_START;
    }
    return object;
}

/* What the S3 driver sent for its server to refuse, and the server took. */
static bool is_crc_probe(const char *leaf)
{
    return skip(&leaf, "_crc32c-") && strspn(leaf, "0123456789abcdef") == RANDOM_ID_SIZE - 1 &&
           leaf[RANDOM_ID_SIZE - 1] == '\0';
}

/* "<operator>/<subtask>/<epoch>-..." */
static layout_object parse_checkpoint(const char *rest)
{
    layout_object object = {0};
    cairn_slice operator_uid;
    uint64_t subtask = 0;

    if (!cut_number(&rest, '/', &object.id)) {
        return object;
    }
    if (strcmp(rest, "manifest.json") == 0) {
        object.kind = CAIRN_LAYOUT_MANIFEST;
    } else if (!cut(&rest, '/', &operator_uid) || !cut_number(&rest, '/', &subtask)) {
        return object;
    } else if (is_crc_probe(rest)) {
        object.kind = CAIRN_LAYOUT_PROBE;
    } else if (cut_number(&rest, '-', &object.epoch) && strchr(rest, '/') == NULL) {
        object.kind = CAIRN_LAYOUT_PRIVATE;
    }
    return object;
}

static layout_object parse_shared(const char *rest)
{
    layout_object object = {0};
    cairn_slice operator_uid;

    if (!cut(&rest, '/', &operator_uid)) {
        return object;
    }
    if (is_crc_probe(rest)) {
        object.kind = CAIRN_LAYOUT_PROBE;
    } else if (cut_number(&rest, '-', &object.epoch) && strchr(rest, '/') == NULL) {
        object.kind = CAIRN_LAYOUT_SHARED;
    }
    return object;
}

static bool is_probe(const char *rest)
{
    cairn_slice id;
    uint64_t number = 0;

    return cut(&rest, '/', &id) && id.len == RANDOM_ID_SIZE - 1 &&
           parse_u64(cairn_slice_of(rest), &number);
}

bool layout_is_savepoint(const char *key, cairn_slice *out_name)
{
    const char *rest = key;
    cairn_slice name;

    if (!skip(&rest, "savepoints/") || !cut(&rest, '/', &name) || !is_safe_name(name) ||
        strcmp(rest, "manifest.json") != 0) {
        return false;
    }
    *out_name = name;
    return true;
}

layout_object layout_parse(const char *key)
{
    layout_object object = {0};
    const char *rest = key;

    if (skip(&rest, "epochs/")) {
        return parse_epoch(rest);
    }
    if (skip(&rest, "chk-")) {
        return parse_checkpoint(rest);
    }
    if (skip(&rest, "shared/")) {
        return parse_shared(rest);
    }
    if (skip(&rest, "gc/") && cut_number(&rest, '-', &object.id) && strchr(rest, '/') == NULL) {
        object.kind = CAIRN_LAYOUT_CERTIFICATE;
    } else if (skip(&rest, "probe/") && is_probe(rest)) {
        object.kind = CAIRN_LAYOUT_PROBE;
    }
    return object;
}
