/* Bodies that go with a CRC-32C instead of a signed SHA-256: only to who proved to check it. */
#include "test.h"

#include "buf.h"
#include "check.h"
#include "s3_checksum.h"
#include "s3_crc_world.h"
#include "s3_upload.h"

#include <endian.h>
#include <stdatomic.h>
#include <stdio.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

static void assert_stands(s3_world *w)
{
    const s3_fake seen = s3_world_seen(w);

    assert_true(seen.stands);
    assert_int_equal(seen.size, 11 * MIB);
}

static bool object_stands(s3_world *w, unsigned aborts)
{
    const s3_fake seen = s3_world_seen(w);

    assert_int_equal(seen.aborts, aborts);
    return seen.stands;
}

static void a_server_that_proves_it_gets_parts_with_their_crc32c(void **state)
{
    s3_world *w = *state;

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_serve(w);
    crc_let_it_pay(w);
    ASSERT_OK(crc_put_large(w), &w->err);

    /* A wrong part, a right one, an abort, a wrong put; then begin, three parts, completion. */
    assert_int_equal(s3_world_count(w, "POST", "/bkt/pre/big?uploads="), 2);
    assert_int_equal(s3_world_count(w, "PUT", "/bkt/pre/big?partNumber="), 5);
    assert_int_equal(s3_world_seen(w).aborts, 1);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(crc_is_unsigned(s3_world_request(w, "PUT", "/bkt/pre/big?", i)));
    }
    char text[512];
    const script_request *begin = crc_last(w, "POST", "/bkt/pre/big?uploads=");
    assert_string_equal(s3_world_header(begin, "x-amz-checksum-algorithm", text), "CRC32C");
    const script_request *complete = crc_last(w, "POST", "/bkt/pre/big?uploadId=");
    const char *at = complete->body;
    for (unsigned i = 1; i <= 3; i++) {
        char sum[512];
        char path[64];
        char element[700];
        (void)snprintf(path, sizeof(path), "/bkt/pre/big?partNumber=%u&", i);
        s3_world_header(crc_last(w, "PUT", path), "x-amz-checksum-crc32c", sum);
        (void)snprintf(element, sizeof(element),
                       "<PartNumber>%u</PartNumber><ETag>&quot;e%u&quot;</ETag>"
                       "<ChecksumCRC32C>%s</ChecksumCRC32C></Part>",
                       i, i, sum);
        at = strstr(at, element);
        assert_non_null(at);
    }
    crc_assert_nothing_is_left(w);
    assert_stands(w);

    /* Once is enough. */
    ASSERT_OK(crc_put_large(w), &w->err);
    assert_int_equal(s3_world_count(w, "POST", "/bkt/pre/big?uploads="), 3);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    assert_true(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
}

/* The first part of a proof must be refused, and for just that reason. */
static void anything_else_leaves_bodies_signed(void **state)
{
    static const struct {
        s3_world_crc crc;
        unsigned aborts; /* 0: no upload was begun */
        script_reply first;
    } cases[] = {
        {S3_WORLD_CRC_IGNORED, 1, {.status = 0}},
        {S3_WORLD_CRC_OTHER, 1, {.status = 0}},
        {S3_WORLD_CRC_SILENT, 1, {.status = 0}},
        {S3_WORLD_CRC_NO_BEGIN, 0, {.status = 0}},
        {S3_WORLD_CRC_NO_HEADER, 1, {.status = 0}},
        {S3_WORLD_CRC_NO_UNSIGNED, 1, {.status = 0}},
        {S3_WORLD_CRC_CHECKED, 1, {.status = 403, .body = S3_WORLD_ERROR("AccessDenied")}},
        {S3_WORLD_CRC_CHECKED, 1, {.status = 400, .body = S3_WORLD_ERROR("InvalidRequest")}},
        {S3_WORLD_CRC_CHECKED,
         1,
         {.status = 400, .body = S3_WORLD_ERROR("XAmzContentSHA256Mismatch")}},
        {S3_WORLD_CRC_CHECKED, 1, {.status = 501, .body = S3_WORLD_ERROR("NotImplemented")}},
    };
    s3_world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        char text[512];
        s3_world_restart(w);
        crc_let_it_pay(w);
        script_server_forget(w->server);
        crc_change_fake(w, cases[i].crc);
        if (cases[i].first.status != 0) {
            s3_world_reply(w, "PUT", "/bkt/pre/big?partNumber=1&", 1, cases[i].first);
        }
        s3_world_serve(w);
        for (unsigned again = 0; again < 2; again++) {
            ASSERT_OK(crc_put_large(w), &w->err);
            assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/big?partNumber=1&")));
            assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/big?partNumber=3&")));
            assert_false(script_request_header(crc_last(w, "POST", "/bkt/pre/big?uploads="),
                                               "x-amz-checksum-algorithm", text, sizeof(text)));
            assert_null(strstr(crc_last(w, "POST", "/bkt/pre/big?uploadId=")->body, "Checksum"));
            assert_stands(w);
            assert_int_equal(s3_world_seen(w).aborts, cases[i].aborts); /* one proof alone */
            crc_assert_nothing_is_left(w);
        }
    }
}

static void a_proof_that_came_to_nothing_is_made_again_but_not_for_ever(void **state)
{
    static const script_rule faults[] = {
        {.method = "PUT", .path = "/bkt/pre/big?partNumber=1&", .act = SCRIPT_RESET},
        {.method = "PUT", .path = "/bkt/pre/big?partNumber=2&", .act = SCRIPT_CLOSE},
        {.method = "POST",
         .path = "/bkt/pre/big?uploads=",
         .reply = {.status = 503, .body = S3_WORLD_ERROR("SlowDown")}},
    };
    s3_world *w = *state;

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(faults); i++) {
        script_rule rule = faults[i];
        s3_world_restart(w);
        crc_let_it_pay(w);
        script_server_forget(w->server);
        /* libcurl sends once more what a kept connection swallowed. */
        rule.times = rule.act == SCRIPT_REPLY ? 1 : 2;
        s3_world_rule(w, rule);
        s3_world_serve(w);
        ASSERT_OK(crc_put_large(w), &w->err);
        assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/big?partNumber=3&")));
        ASSERT_OK(crc_put_large(w), &w->err);
        assert_true(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/big?partNumber=3&")));
        crc_assert_nothing_is_left(w);
    }
    s3_world_restart(w);
    crc_let_it_pay(w);
    for (unsigned i = 0; i < CAIRN_S3_PROOFS_MAX; i++) {
        script_rule rule = faults[2];
        script_server_forget(w->server);
        rule.times = 1;
        s3_world_rule(w, rule);
        s3_world_serve(w);
        ASSERT_OK(crc_put_large(w), &w->err);
    }
    script_server_forget(w->server);
    s3_world_serve(w);
    const unsigned begun = s3_world_count(w, "POST", "/bkt/pre/big?uploads=");
    ASSERT_OK(crc_put_large(w), &w->err);
    assert_int_equal(s3_world_count(w, "POST", "/bkt/pre/big?uploads="), begun + 1);
}

static void a_proof_waits_until_it_pays(void **state)
{
    s3_world *w = *state;

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_serve(w);
    atomic_store(&w->self->crc.signed_bytes, CAIRN_S3_PROOF_BYTES - 300 * KIB);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
    assert_int_equal(s3_world_count(w, "POST", "/"), 0);
    ASSERT_CODE(crc_put_one(w, CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &w->err);
    assert_true(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
    assert_int_equal(s3_world_count(w, "POST", "/bkt/pre/one?uploads="), 1);
    crc_assert_nothing_is_left(w);

    /* A small body is signed all the same, and so is one whose SHA-256 is known. */
    ASSERT_OK(crc_put_bytes(w, "one", CAIRN_S3_CRC_BYTES_MIN - 1, NULL, CAIRN_PUT_REPLACE),
              &w->err);
    assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
    ASSERT_OK(crc_put_bytes(w, "one", CAIRN_S3_CRC_BYTES_MIN, NULL, CAIRN_PUT_REPLACE), &w->err);
    const script_request *request = crc_last(w, "PUT", "/bkt/pre/one");
    assert_true(crc_is_unsigned(request));
    sha256 known;
    ASSERT_OK(sha256_of((cairn_slice){request->body, request->body_len}, &known, &w->err), &w->err);
    ASSERT_OK(crc_put_bytes(w, "one", CAIRN_S3_CRC_BYTES_MIN, &known, CAIRN_PUT_REPLACE), &w->err);
    assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
}

static void who_wants_an_md5_gets_a_signed_body(void **state)
{
    s3_world *w = *state;

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_serve(w);
    crc_let_it_pay(w);
    w->self->wants_md5 = true;
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    w->options.object_lock_mode = "GOVERNANCE";
    w->options.object_lock_retain_ms = 1000;
    s3_world_restart(w);
    crc_let_it_pay(w);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    assert_int_equal(s3_world_count(w, "POST", "/"), 0);
    assert_false(crc_is_unsigned(s3_world_request(w, "PUT", "/bkt/pre/one", 0)));
    assert_false(crc_is_unsigned(s3_world_request(w, "PUT", "/bkt/pre/one", 1)));
}

/* A server that forgets what it proved. */
static void an_answer_without_the_crc32c_ends_the_trust(void **state)
{
    static const s3_world_crc later[] = {S3_WORLD_CRC_IGNORED, S3_WORLD_CRC_SILENT,
                                         S3_WORLD_CRC_OTHER};
    s3_world *w = *state;

    s3_world_serve(w);
    for (size_t i = 0; i < 2 * CAIRN_ARRAY_LEN(later); i++) {
        s3_world_restart(w);
        crc_change_fake(w, S3_WORLD_CRC_CHECKED);
        crc_let_it_pay(w);
        ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
        assert_true(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
        crc_change_fake(w, later[i / 2]);
        const bool large = i % 2 == 0;
        const unsigned before = s3_world_count(w, "PUT", "/bkt/pre/big?partNumber=1&");
        ASSERT_CODE(large ? crc_put_large(w) : crc_put_one(w, CAIRN_PUT_CREATE),
                    CAIRN_E_UNAVAILABLE, &w->err);
        ASSERT_MESSAGE_HAS(&w->err, "CRC-32C");
        assert_true(object_stands(w, large ? 1 : 0) != large);
        /* To send it again would tell no more. */
        assert_true(s3_world_count(w, "PUT", "/bkt/pre/big?partNumber=1&") <= before + 1);
        crc_assert_nothing_is_left(w);
        ASSERT_OK(large ? crc_put_large(w) : crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
        assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/")));
        crc_assert_nothing_is_left(w);
    }
}

static void what_was_damaged_on_the_way_is_sent_once_more_with_the_same_crc32c(void **state)
{
    static const char *const codes[] = {S3_WORLD_ERROR("BadDigest"),
                                        S3_WORLD_ERROR("XAmzContentChecksumMismatch"),
                                        S3_WORLD_ERROR("InternalError")};
    s3_world *w = *state;

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_serve(w);
    crc_let_it_pay(w);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(codes); i++) {
        char before[512];
        char after[512];
        const bool damage = i < 2;
        script_server_forget(w->server);
        s3_world_reply(w, "PUT", "/bkt/pre/big?partNumber=2&", 1,
                       (script_reply){.status = damage ? 400 : 500, .body = codes[i]});
        s3_world_serve(w);
        const unsigned sent = s3_world_count(w, "PUT", "/bkt/pre/big?partNumber=2&");
        ASSERT_OK(crc_put_large(w), &w->err);
        assert_int_equal(s3_world_count(w, "PUT", "/bkt/pre/big?partNumber=2&"), sent + 2);
        s3_world_header(s3_world_request(w, "PUT", "/bkt/pre/big?partNumber=2&", sent),
                        "x-amz-checksum-crc32c", before);
        s3_world_header(crc_last(w, "PUT", "/bkt/pre/big?partNumber=2&"), "x-amz-checksum-crc32c",
                        after);
        assert_string_equal(before, after);
    }
}

/* Changes the file while the first request with it is refused. */
typedef struct spoiler {
    s3_world *world;
    char path[TMPDIR_PATH_BYTES];
} spoiler;

static void spoil(void *context, const script_request *request, script_reply *reply)
{
    const spoiler *self = context;
    FILE *file = fopen(self->path, "r+e");

    (void)request;
    if (file != NULL) {
        (void)fputc('x', file);
        (void)fclose(file);
    }
    reply->status = 400;
    script_reply_text(reply, S3_WORLD_ERROR("BadDigest"));
}

static void a_file_that_changed_meanwhile_is_damage_here(void **state)
{
    s3_world *w = *state;
    spoiler self = {.world = w};

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_serve(w);
    crc_let_it_pay(w);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    s3_world_file(w, "changes", 11 * MIB, self.path);
    const cairn_file_range ranges[] = {{self.path, 0, 256 * KIB, false, NULL},
                                       {self.path, 0, 11 * MIB, false, NULL}};
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(ranges); i++) {
        s3_world_file(w, "changes", 11 * MIB, self.path);
        script_server_forget(w->server);
        s3_world_rule(w,
                      (script_rule){.method = "PUT", .times = 1, .call = spoil, .context = &self});
        s3_world_serve(w);
        const cairn_code code = cairn_store_put_file(w->store, &w->call, "spoilt", &ranges[i],
                                                     CAIRN_PUT_REPLACE, &w->err);
        ASSERT_CODE(code, CAIRN_E_INTEGRITY, &w->err);
        ASSERT_MESSAGE_HAS(&w->err, "is not what its CRC-32C says");
        crc_assert_nothing_is_left(w);
    }
}

static void an_object_of_other_parts_is_found_out(void **state)
{
    s3_world *w = *state;
    char right[CRC_TEXT_SIZE];
    static const char *const others[] = {"AAAAAA==-3", "AAAAAA==-2"};

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_serve(w);
    crc_let_it_pay(w);
    crc_of_large(w, right);
    w->fake.sum = right;
    ASSERT_OK(crc_put_large(w), &w->err);
    w->fake.sum = "AAAAAA=="; /* of all bytes: another kind, which says nothing here */
    ASSERT_OK(crc_put_large(w), &w->err);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(others); i++) {
        s3_world_restart(w);
        crc_let_it_pay(w);
        w->fake.sum = others[i];
        ASSERT_CODE(crc_put_large(w), CAIRN_E_UNAVAILABLE, &w->err);
        ASSERT_MESSAGE_HAS(&w->err, "another CRC-32C than its parts");
        w->fake.sum = NULL;
        ASSERT_OK(crc_put_large(w), &w->err);
        assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/big?partNumber=1&")));
    }
}

#define TLS(name) cmocka_unit_test_setup_teardown(name, s3_world_setup_tls, s3_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS(a_server_that_proves_it_gets_parts_with_their_crc32c),
        TLS(anything_else_leaves_bodies_signed),
        TLS(a_proof_that_came_to_nothing_is_made_again_but_not_for_ever),
        TLS(a_proof_waits_until_it_pays),
        TLS(who_wants_an_md5_gets_a_signed_body),
        TLS(an_answer_without_the_crc32c_ends_the_trust),
        TLS(what_was_damaged_on_the_way_is_sent_once_more_with_the_same_crc32c),
        TLS(a_file_that_changed_meanwhile_is_damage_here),
        TLS(an_object_of_other_parts_is_found_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
