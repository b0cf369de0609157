/* Many deletes in one request: what is sent, and what each answer means for each key. */
#include "test.h"

#include "bounds.h"
#include "buf.h"
#include "check.h"
#include "digest.h"
#include "encode.h"
#include "s3_world.h"
#include "stores.h"

#include <stdio.h>

#define DELETED(errors)                                                                                \
    "<?xml version=\"1.0\"?>\n<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" errors \
    "</DeleteResult>"
#define REFUSED(key, code, message) \
    "<Error><Key>" key "</Key><Code>" code "</Code><Message>" message "</Message></Error>"

static const char *const abc[] = {"a", "b&<>\"'", "c"};

/* "1=5 " for each key that is told: index and code; and the last message. */
typedef struct told {
    cairn_buf text;
    cairn_error last;
} told;

static void told_release(told *t)
{
    cairn_buf_release(&t->text);
}
CAIRN_DEFINE_AUTO(told, told_release)

static void note(void *context, size_t index, const cairn_error *why)
{
    told *t = context;

    (void)buf_printf(&t->text, NULL, "%zu=%d ", index, (int)why->code);
    t->last = *why;
}

static const char *expected_text(char out[64], const cairn_code codes[3])
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < 3; i++) {
        if (codes[i] != CAIRN_OK) {
            len += (size_t)snprintf(out + len, 64 - len, "%zu=%d ", i, (int)codes[i]);
        }
    }
    return out;
}

static cairn_code delete_abc(s3_world *w, cairn_store *store, told *t)
{
    const cairn_delete_watch watch = {note, t};

    return cairn_store_delete_many(store, &w->call, abc, CAIRN_ARRAY_LEN(abc), &watch, &w->err);
}

static void many_deletes_are_one_quiet_request_with_its_digests(void **state)
{
    s3_world *w = *state;
    CAIRN_AUTO(told) t = {0};
    CAIRN_AUTO(cairn_buf) md5 = {0};
    char text[512];
    uint8_t digest[MD5_BYTES];

    w->options.requester_pays = true;
    s3_world_restart(w);
    s3_world_reply(w, "POST", "/bkt?delete=", 0, (script_reply){.body = DELETED("")});
    ASSERT_OK(delete_abc(w, w->store, &t), &w->err);

    assert_int_equal(t.text.len, 0);
    assert_int_equal(script_server_count(w->server), 1);
    const script_request *request = s3_world_request(w, "POST", "/bkt?delete=", 0);
    assert_string_equal(request->target, "/bkt?delete=");
    assert_string_equal(request->body,
                        "<Delete><Quiet>true</Quiet><Object><Key>pre/a</Key></Object>"
                        "<Object><Key>pre/b&amp;&lt;&gt;&quot;&apos;</Key></Object>"
                        "<Object><Key>pre/c</Key></Object></Delete>");
    assert_string_equal(s3_world_header(request, "content-type", text), "application/xml");
    assert_string_equal(s3_world_header(request, "x-amz-request-payer", text), "requester");
    ASSERT_OK(md5_of((cairn_slice){request->body, request->body_len}, digest, NULL), NULL);
    ASSERT_OK(encode_base64((cairn_slice){digest, sizeof(digest)}, &md5, NULL), NULL);
    assert_string_equal(s3_world_header(request, "content-md5", text), buf_text(&md5));
    s3_world_header(request, "authorization", text);
    assert_non_null(strstr(text, "SignedHeaders=content-length;content-md5;content-type;host;"));
}

/* A reply with 200, and what becomes of the three keys. */
typedef struct answer {
    const char *body;
    cairn_code codes[3];
    const char *says; /* of the last key that is told */
} answer;

#define GONE CAIRN_OK

static void each_key_is_judged_by_its_own_error(void **state)
{
    static const answer cases[] = {
        {DELETED(""), {GONE, GONE, GONE}, NULL},
        {"\n\n" DELETED("<Deleted><Key>pre/a</Key></Deleted>"), {GONE, GONE, GONE}, NULL},
        {DELETED(REFUSED("pre/c", "AccessDenied", "Access Denied.")),
         {GONE, GONE, CAIRN_E_ACCESS},
         "delete c from s3://bkt/pre: 200 AccessDenied"},
        {DELETED(REFUSED("pre/a", "AccessDenied",
                         "Access Denied because object protected by object lock.")),
         {CAIRN_E_ACCESS, GONE, GONE},
         "held"},
        {DELETED(REFUSED("pre/a", "InvalidRequest", "Object is WORM protected")),
         {CAIRN_E_ACCESS, GONE, GONE},
         "held"},
        {DELETED(REFUSED("pre/b&amp;&lt;&gt;&#34;&#x27;", "InternalError", "again")),
         {GONE, CAIRN_E_UNAVAILABLE, GONE},
         "InternalError"},
        {DELETED(REFUSED("pre/a", "SlowDown", "slow") REFUSED("pre/c", "AccessDenied", "no")),
         {CAIRN_E_UNAVAILABLE, GONE, CAIRN_E_ACCESS},
         "AccessDenied"},
        {DELETED(REFUSED("pre/a", "NoSuchKey", "none")), {GONE, GONE, GONE}, NULL},
        {DELETED(REFUSED("pre/a", "Whatever", "none")), {CAIRN_E_FAILED, GONE, GONE}, "Whatever"},
        {DELETED("<Error><Key>pre/a</Key></Error>"), {CAIRN_E_FAILED, GONE, GONE}, "200"},
        /* What cannot be understood is not believed. */
        {DELETED(REFUSED("pre/x", "AccessDenied", "no")),
         {CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE},
         "was not asked to delete"},
        {DELETED(REFUSED("a", "AccessDenied", "no")),
         {CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE},
         "was not asked to delete"},
        {DELETED("<Error><Code>AccessDenied</Code></Error>"),
         {CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE},
         "was not asked to delete"},
        {"<DeleteResult>",
         {CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE},
         "unknown"},
        {"", {CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE}, "unknown"},
        {"<html>log in</html>",
         {CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE},
         "unknown"},
        {S3_WORLD_ERROR("InternalError"),
         {CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE, CAIRN_E_UNAVAILABLE},
         "InternalError"},
        {S3_WORLD_ERROR("AccessDenied"),
         {CAIRN_E_ACCESS, CAIRN_E_ACCESS, CAIRN_E_ACCESS},
         "AccessDenied"},
    };
    s3_world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(told) t = {0};
        char expected[64];
        cairn_code first = CAIRN_OK;
        script_server_forget(w->server);
        s3_world_reply(w, "POST", "/bkt?delete=", 0, (script_reply){.body = cases[i].body});
        for (size_t j = 3; j-- > 0;) {
            first = cases[i].codes[j] != CAIRN_OK ? cases[i].codes[j] : first;
        }

        ASSERT_CODE(delete_abc(w, w->store, &t), first, &w->err);

        const char *text = buf_text(&t.text);
        assert_string_equal(text, expected_text(expected, cases[i].codes));
        if (cases[i].says != NULL) {
            ASSERT_MESSAGE_HAS(&t.last, cases[i].says);
        }
    }
    assert_int_equal(s3_world_count(w, "DELETE", "/"), 0);
}

/* A refusal of the whole request: what becomes of each key, and whether they are tried alone. */
typedef struct refusal {
    unsigned status;
    const char *body;
    cairn_code code;
    bool one_by_one;
} refusal;

static void a_request_that_is_refused_as_a_whole_decides_on_all_its_keys(void **state)
{
    static const refusal cases[] = {
        {403, S3_WORLD_ERROR("AccessDenied"), CAIRN_E_ACCESS, false},
        {404, S3_WORLD_ERROR("NoSuchBucket"), CAIRN_E_ACCESS, false},
        {503, S3_WORLD_ERROR("SlowDown"), CAIRN_E_UNAVAILABLE, false},
        {500, S3_WORLD_ERROR("InternalError"), CAIRN_E_UNAVAILABLE, false},
        {400, S3_WORLD_ERROR("BadDigest"), CAIRN_E_INTEGRITY, false},
        {400, S3_WORLD_ERROR("MalformedXML"), CAIRN_E_INTERNAL, false},
        {501, S3_WORLD_ERROR("NotImplemented"), CAIRN_OK, true},
        {405, S3_WORLD_ERROR("MethodNotAllowed"), CAIRN_OK, true},
        {400, S3_WORLD_ERROR("XMinioInvalidObjectName"), CAIRN_OK, true},
    };
    s3_world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(told) t = {0};
        char expected[64];
        const cairn_code codes[3] = {cases[i].code, cases[i].code, cases[i].code};
        const unsigned before = s3_world_count(w, "DELETE", "/bkt/pre/");
        script_server_forget(w->server);
        s3_world_reply(w, "POST", "/bkt?delete=", 0,
                       (script_reply){.status = cases[i].status, .body = cases[i].body});
        s3_world_serve(w);

        ASSERT_CODE(delete_abc(w, w->store, &t), cases[i].code, &w->err);

        const char *text = buf_text(&t.text);
        assert_string_equal(text, expected_text(expected, codes));
        assert_int_equal(s3_world_count(w, "DELETE", "/bkt/pre/") - before,
                         cases[i].one_by_one ? 3 : 0);
    }
}

/* One that the server would refuse the whole request for. */
static void a_key_that_is_too_long_below_the_prefix_stops_no_other(void **state)
{
    s3_world *w = *state;
    CAIRN_AUTO(told) t = {0};
    const cairn_delete_watch watch = {note, &t};
    char key[CAIRN_OBJECT_KEY_BYTES_MAX - 2];
    const char *const keys[] = {"a", key, "b"};

    memset(key, 'k', sizeof(key));
    key[sizeof(key) - 1] = '\0';
    s3_world_serve(w);
    ASSERT_CODE(cairn_store_delete_many(w->store, &w->call, keys, 3, &watch, &w->err),
                CAIRN_E_INVALID, &w->err);

    assert_string_equal(buf_text(&t.text), "1=-2 ");
    assert_int_equal(s3_world_count(w, "POST", "/"), 0);
    assert_int_equal(s3_world_count(w, "DELETE", "/bkt/pre/"), 2);
}

static unsigned keys_in(const script_request *request)
{
    unsigned count = 0;

    for (const char *at = request->body; (at = strstr(at, "<Key>")) != NULL; at++) {
        count++;
    }
    return count;
}

static void more_keys_than_a_request_takes_are_several(void **state)
{
    static char texts[2 * CAIRN_DELETE_BATCH_MAX + 1][8];
    static const char *keys[2 * CAIRN_DELETE_BATCH_MAX + 1];
    s3_world *w = *state;
    CAIRN_AUTO(told) t = {0};
    const cairn_delete_watch watch = {note, &t};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "k%zu", i);
        keys[i] = texts[i];
    }
    s3_world_reply(w, "POST", "/bkt?delete=", 1, (script_reply){.body = DELETED("")});
    s3_world_reply(w, "POST", "/bkt?delete=", 1,
                   (script_reply){.body = DELETED(REFUSED("pre/k1007", "AccessDenied", "no"))});
    s3_world_reply(w, "POST", "/bkt?delete=", 1,
                   (script_reply){.body = DELETED(REFUSED("pre/k2000", "InternalError", "no"))});
    ASSERT_CODE(
        cairn_store_delete_many(w->store, &w->call, keys, CAIRN_ARRAY_LEN(keys), &watch, &w->err),
        CAIRN_E_ACCESS, &w->err);

    ASSERT_MESSAGE_HAS(&w->err, "delete k1007 from ");
    assert_string_equal(buf_text(&t.text), "1007=-6 2000=-7 ");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(keys_in(s3_world_request(w, "POST", "/bkt?delete=", i)),
                         i < 2 ? CAIRN_DELETE_BATCH_MAX : 1);
    }
}

static void a_key_that_is_named_twice_is_told_twice(void **state)
{
    static const char *const keys[] = {"a", "b", "a"};
    s3_world *w = *state;
    CAIRN_AUTO(told) t = {0};
    const cairn_delete_watch watch = {note, &t};

    s3_world_reply(w, "POST", "/bkt?delete=", 0,
                   (script_reply){.body = DELETED(REFUSED("pre/a", "AccessDenied", "no")
                                                      REFUSED("pre/a", "AccessDenied", "no"))});
    ASSERT_CODE(cairn_store_delete_many(w->store, &w->call, keys, 3, &watch, &w->err),
                CAIRN_E_ACCESS, &w->err);

    assert_string_equal(buf_text(&t.text), "0=-6 2=-6 ");
}

static void only_keys_that_failed_for_a_passing_reason_are_asked_for_again(void **state)
{
    s3_world *w = *state;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *retrying = NULL;
    CAIRN_AUTO(told) t = {0};

    ASSERT_OK(store_retrying_new(w->store, &retrying, &w->err), &w->err);
    s3_world_reply(w, "POST", "/bkt?delete=", 1, (script_reply){.status = 500});
    s3_world_reply(w, "POST", "/bkt?delete=", 1,
                   (script_reply){.body = DELETED(REFUSED("pre/a", "AccessDenied", "no")
                                                      REFUSED("pre/c", "InternalError", "again"))});
    s3_world_reply(w, "POST", "/bkt?delete=", 1, (script_reply){.body = "<DeleteResult>"});
    s3_world_reply(w, "POST", "/bkt?delete=", 1, (script_reply){.body = DELETED("")});
    ASSERT_CODE(delete_abc(w, retrying, &t), CAIRN_E_ACCESS, &w->err);

    assert_string_equal(buf_text(&t.text), "0=-6 ");
    assert_int_equal(keys_in(s3_world_request(w, "POST", "/bkt?delete=", 1)), 3);
    for (unsigned i = 2; i < 4; i++) {
        const script_request *again = s3_world_request(w, "POST", "/bkt?delete=", i);
        assert_int_equal(keys_in(again), 1);
        assert_non_null(strstr(again->body, "<Key>pre/c</Key>"));
    }
    assert_int_equal(script_server_count(w->server), 4);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, s3_world_setup, s3_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(many_deletes_are_one_quiet_request_with_its_digests),
        CASE(each_key_is_judged_by_its_own_error),
        CASE(a_request_that_is_refused_as_a_whole_decides_on_all_its_keys),
        CASE(a_key_that_is_too_long_below_the_prefix_stops_no_other),
        CASE(more_keys_than_a_request_takes_are_several),
        CASE(a_key_that_is_named_twice_is_told_twice),
        CASE(only_keys_that_failed_for_a_passing_reason_are_asked_for_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
