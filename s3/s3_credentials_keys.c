#include "bounds.h"
#include "buf.h"
#include "encode.h"
#include "errors.h"
#include "json_read.h"
#include "s3_credentials_parts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* A refusal of a peer: no longer than that in a message. */
#define SHOWN_BYTES_MAX 160
#define JSON_NODES_MAX  256
#define JSON_DEPTH_MAX  8

void s3_keys_release(s3_keys *keys)
{
    mem_free(keys->access_key_id);
    secret_release(&keys->secret_key);
    secret_release(&keys->session_token);
    *keys = (s3_keys){0};
}

cairn_code s3_keys_copy(const s3_keys *from, s3_keys *out, cairn_error *err)
{
    CAIRN_AUTO(s3_keys) keys = {.expires_ms = from->expires_ms, .origin = from->origin};

    keys.access_key_id = mem_strdup(from->access_key_id);
    if (keys.access_key_id == NULL) {
        return error_no_memory(err, "copy credentials");
    }
    CAIRN_TRY(secret_copy(&keys.secret_key, &from->secret_key, err));
    CAIRN_TRY(secret_copy(&keys.session_token, &from->session_token, err));
    s3_keys_move(out, &keys);
    return CAIRN_OK;
}

void s3_keys_move(s3_keys *to, s3_keys *from)
{
    s3_keys_release(to);
    *to = *from;
    *from = (s3_keys){0};
}

static bool secrets_equal(const secret *a, const secret *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}

bool s3_keys_equal(const s3_keys *a, const s3_keys *b)
{
    return strcmp(a->access_key_id, b->access_key_id) == 0 &&
           secrets_equal(&a->secret_key, &b->secret_key) &&
           secrets_equal(&a->session_token, &b->session_token);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Exactly `digits` digits at *text, which moves behind them and the separator, if there is one. */
static bool take_number(const char **text, unsigned digits, char separator, int *out)
{
    int value = 0;

    for (unsigned i = 0; i < digits; i++) {
        if (!is_digit(**text)) {
            return false;
        }
        value = value * 10 + (**text - '0');
        (*text)++;
    }
    *out = value;
    if (separator != '\0') {
        if (**text != separator) {
            return false;
        }
        (*text)++;
    }
    return true;
}

/* "Z", or "+hh:mm" as seconds east of it. */
static bool take_zone(const char *text, int64_t *out_seconds)
{
    const int64_t sign = *text == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;

    if (strcmp(text, "Z") == 0) {
        *out_seconds = 0;
        return true;
    }
    if (*text != '+' && *text != '-') {
        return false;
    }
    text++;
    if (!take_number(&text, 2, ':', &hours) || !take_number(&text, 2, '\0', &minutes)) {
        return false;
    }
    *out_seconds = sign * (hours * 3600 + minutes * 60);
    return *text == '\0' && hours < 24 && minutes < 60;
}

static bool take_date(const char **text, struct tm *out)
{
    return take_number(text, 4, '-', &out->tm_year) && take_number(text, 2, '-', &out->tm_mon) &&
           take_number(text, 2, 'T', &out->tm_mday) && take_number(text, 2, ':', &out->tm_hour) &&
           take_number(text, 2, ':', &out->tm_min) && take_number(text, 2, '\0', &out->tm_sec);
}

static bool is_date(const struct tm *date)
{
    return date->tm_year >= 1970 && date->tm_mon >= 1 && date->tm_mon <= 12 && date->tm_mday >= 1 &&
           date->tm_mday <= 31 && date->tm_hour <= 23 && date->tm_min <= 59 && date->tm_sec <= 60;
}

bool s3_parse_time(const char *text, uint64_t *out)
{
    struct tm date = {0};
    int64_t zone_s = 0;

    if (!take_date(&text, &date) || !is_date(&date)) {
        return false;
    }
    if (*text == '.') {
        text++;
        text += strspn(text, "0123456789");
    }
    if (!take_zone(text, &zone_s)) {
        return false;
    }
    date.tm_year -= 1900;
    date.tm_mon -= 1;
    const int64_t seconds = timegm(&date) - zone_s;
    if (seconds < 0) {
        return false;
    }
    *out = (uint64_t)seconds * 1000;
    return true;
}

/* The reader's tree is about to be freed; it holds copies of the secrets. */
static void wipe_string(const json_value *object, const char *name)
{
    const json_value *member = json_find(object, name);
    const char *text = member == NULL ? NULL : json_string(member);

    if (text != NULL) {
        /* Immutable for its readers, of whom there are none any more. */
        explicit_bzero((void *)(uintptr_t)text,
                       strlen(text)); /* NOLINT(performance-no-int-to-ptr) */
    }
}

static cairn_code refuse(const s3_keys_form *form, const char *why, cairn_error *err)
{
    return error_set(err, CAIRN_E_ACCESS, "%s: %s", form->what, why);
}

/* IMDS and others answer 200 with {"Code": "AssumeRoleUnauthorizedAccess", ...}. */
static cairn_code check_refusal(const json_value *root, const s3_keys_form *form, cairn_error *err)
{
    const json_value *member = json_find(root, "Code");
    const char *code = member == NULL ? NULL : json_string(member);
    CAIRN_AUTO(cairn_buf) shown = {0};

    if (code == NULL || strcmp(code, "Success") == 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(encode_printable(cairn_slice_of(code), SHOWN_BYTES_MAX, &shown, err));
    return error_set(err, CAIRN_E_ACCESS, "%s: it answers %s instead of credentials", form->what,
                     buf_text(&shown));
}

static const char *text_member(const json_value *root, const char *name)
{
    const json_value *member = json_find(root, name);
    const char *text = member == NULL ? NULL : json_string(member);

    return text == NULL || *text == '\0' ? NULL : text;
}

/* Into a header and a URL it goes as it is. */
static bool is_key_id(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~' || *text == '/') {
            return false;
        }
    }
    return true;
}

static cairn_code fill_keys(const json_value *root, const s3_keys_form *form, s3_keys *out,
                            cairn_error *err)
{
    const char *id = text_member(root, "AccessKeyId");
    const char *key = text_member(root, "SecretAccessKey");
    const char *expiration = text_member(root, "Expiration");

    if (id == NULL || key == NULL) {
        return refuse(form, "no AccessKeyId and SecretAccessKey in the answer", err);
    }
    if (!is_key_id(id)) {
        return refuse(form, "the AccessKeyId is none", err);
    }
    if (expiration != NULL && !s3_parse_time(expiration, &out->expires_ms)) {
        return refuse(form, "Expiration is not a time such as 2026-01-31T23:59:59Z", err);
    }
    out->access_key_id = mem_strdup(id);
    if (out->access_key_id == NULL) {
        return error_no_memory(err, "read credentials");
    }
    CAIRN_TRY(secret_set(&out->secret_key, cairn_slice_of(key), err));
    const char *token = text_member(root, form->token_member);
    return token == NULL ? CAIRN_OK : secret_set(&out->session_token, cairn_slice_of(token), err);
}

static cairn_code read_keys(const json_value *root, const s3_keys_form *form, s3_keys *out,
                            cairn_error *err)
{
    CAIRN_AUTO(s3_keys) keys = {.origin = form->origin};
    int64_t version = 0;

    if (!json_is_object(root)) {
        return refuse(form, "the answer is not a JSON object", err);
    }
    CAIRN_TRY(check_refusal(root, form, err));
    if (form->has_version && json_get_int(root, "Version", 1, 1, &version, NULL) != CAIRN_OK) {
        return refuse(form, "it has no \"Version\": 1", err);
    }
    CAIRN_TRY(fill_keys(root, form, &keys, err));
    s3_keys_move(out, &keys);
    return CAIRN_OK;
}

cairn_code s3_keys_from_json(cairn_slice text, const s3_keys_form *form, s3_keys *out,
                             cairn_error *err)
{
    const json_limits limits = {.bytes = CAIRN_S3_KEYS_BYTES_MAX,
                                .string_bytes = CAIRN_S3_KEYS_BYTES_MAX,
                                .nodes = JSON_NODES_MAX,
                                .depth = JSON_DEPTH_MAX};
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    cairn_code code = json_read(text, &limits, &doc, err);

    if (code == CAIRN_E_NO_MEMORY) {
        return code;
    }
    if (code != CAIRN_OK) {
        /* The reader's words name bytes of the document: none of them goes out. */
        return refuse(form, "the answer is not JSON", err);
    }
    code = read_keys(json_root(doc), form, out, err);
    if (json_is_object(json_root(doc))) {
        wipe_string(json_root(doc), "SecretAccessKey");
        wipe_string(json_root(doc), form->token_member);
    }
    return code;
}
