/* Documents of listings, as servers write them, and as they should not. */
#include "test.h"

#include "buf.h"
#include "errors.h"
#include "s3_list.h"
#include "s3_sweep.h"
#include "s3_world.h"

#include <inttypes.h>

#define HEAD \
    "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define OBJECT(key, size)                                                                          \
    "<Contents><Key>" key "</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified><Size>" size \
    "</Size></Contents>"
#define TAIL "</ListBucketResult>"

typedef struct list_case {
    const char *document;
    cairn_code code;
    const char *seen;  /* "key=size@ms;" each */
    const char *token; /* NULL: the end */
} list_case;

static cairn_code write_down(void *context, const char *key, const cairn_object_info *info,
                             cairn_error *err)
{
    return buf_printf(context, err, "%s=%" PRIu64 "@%" PRIu64 ";", key, info->size,
                      info->modified_ms);
}

static const list_case cases[] = {
    {HEAD OBJECT("pre/a", "1") OBJECT("pre/b/c", "18446744073709551615") TAIL, CAIRN_OK,
     "a=1@1369353600000;b/c=18446744073709551615@1369353600000;", NULL},
    {HEAD "<IsTruncated>false</IsTruncated>" TAIL, CAIRN_OK, "", NULL},
    {HEAD OBJECT("pre/a", "1") "<IsTruncated>true</IsTruncated>"
                               "<NextContinuationToken>t&amp;1</NextContinuationToken>" TAIL,
     CAIRN_OK, "a=1@1369353600000;", "t&1"},
    /* a token at the end of the list means nothing */
    {HEAD "<IsTruncated>false</IsTruncated><NextContinuationToken>t</NextContinuationToken>" TAIL,
     CAIRN_OK, "", NULL},
    /* encoded, which is said after the keys; and not encoded, though it was asked for */
    {HEAD OBJECT("pre/a%2Bb+c%25", "1") "<EncodingType>url</EncodingType>" TAIL, CAIRN_OK,
     "a+b c%=1@1369353600000;", NULL},
    {HEAD OBJECT("pre/a%2Bb+c", "1") TAIL, CAIRN_OK, "a%2Bb+c=1@1369353600000;", NULL},
    /* what cannot be believed */
    {HEAD "<IsTruncated>true</IsTruncated>" TAIL, CAIRN_E_UNAVAILABLE, "", NULL},
    {HEAD OBJECT("pre/a", "1"), CAIRN_E_UNAVAILABLE, "", NULL},
    {"", CAIRN_E_UNAVAILABLE, "", NULL},
    {"<html><body>login</body></html>", CAIRN_E_UNAVAILABLE, "", NULL},
    {"<Error><Code>InternalError</Code></Error>", CAIRN_E_UNAVAILABLE, "", NULL},
    {HEAD OBJECT("other/a", "1") TAIL, CAIRN_E_UNAVAILABLE, "", NULL},
    {HEAD OBJECT("pre/a", "-1") TAIL, CAIRN_E_UNAVAILABLE, "", NULL},
    {HEAD OBJECT("pre/a", "") TAIL, CAIRN_E_UNAVAILABLE, "", NULL},
    {HEAD OBJECT("pre/%00", "1") "<EncodingType>url</EncodingType>" TAIL, CAIRN_E_UNAVAILABLE, "",
     NULL},
    {HEAD OBJECT("pre/%4", "1") "<EncodingType>url</EncodingType>" TAIL, CAIRN_E_UNAVAILABLE, "",
     NULL},
};

static void a_page_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) seen = {0};
        char *token CAIRN_AUTO_FREE = NULL;
        cairn_error err = {0};
        const s3_listing listing = {"pre/", write_down, &seen, &token};
        ASSERT_CODE(s3_list_read(cairn_slice_of(cases[i].document), &listing, &err), cases[i].code,
                    &err);
        assert_string_equal(buf_text(&seen), cases[i].seen);
        assert_int_equal(token != NULL, cases[i].token != NULL);
        assert_string_equal(token == NULL ? "" : token,
                            cases[i].token == NULL ? "" : cases[i].token);
    }
}

static cairn_code stop(void *context, const char *key, const cairn_object_info *info,
                       cairn_error *err)
{
    (void)context;
    (void)key;
    (void)info;
    return error_set(err, CAIRN_E_FENCED, "enough");
}

static void what_the_visitor_says_ends_the_page(void **state)
{
    char *token = NULL;
    cairn_error err = {0};
    const s3_listing listing = {"pre/", stop, NULL, &token};

    (void)state;
    ASSERT_CODE(s3_list_read(cairn_slice_of(cases[2].document), &listing, &err), CAIRN_E_FENCED,
                &err);
    assert_null(token);
}

static void pages_are_asked_for_by_token(void **state)
{
    s3_world *w = *state;
    CAIRN_AUTO(cairn_buf) seen = {0};

    s3_world_reply(w, "GET", "/bkt?", 1, (script_reply){.body = cases[2].document});
    s3_world_reply(w, "GET", "/bkt?", 1, (script_reply){.body = cases[0].document});
    ASSERT_OK(cairn_store_list(w->store, &w->call, "", write_down, &seen, &w->err), &w->err);

    assert_string_equal(s3_world_request(w, "GET", "/bkt?", 0)->target,
                        "/bkt?encoding-type=url&list-type=2&max-keys=1000&prefix=pre%2F");
    assert_non_null(
        strstr(s3_world_request(w, "GET", "/bkt?", 1)->target, "?continuation-token=t%261&"));
}

/* ---- Open uploads ---- */

#define UPLOADS "<ListMultipartUploadsResult><EncodingType>url</EncodingType>"
#define UPLOAD(key, id, when)                                                                \
    "<Upload><Key>" key "</Key><UploadId>" id "</UploadId><Initiator><ID>x</ID></Initiator>" \
    "<Initiated>" when "</Initiated></Upload>"
#define DATE "Date: Fri, 24 May 2013 01:00:00 GMT\r\n"

static void only_old_uploads_below_the_prefix_are_aborted(void **state)
{
    static const char page[] = UPLOADS UPLOAD("pre/old", "u%2F1", "2013-05-24T00:00:00Z")
        UPLOAD("pre/new", "u2", "2013-05-24T00:59:00.000Z")
            UPLOAD("prefix/old", "u3", "2013-05-24T00:00:00Z")
                UPLOAD("other/old", "u4", "2013-05-24T00:00:00Z")
                    UPLOAD("pre/undated", "u5", "") "</ListMultipartUploadsResult>";
    s3_world *w = *state;
    uint64_t aborted = 0;

    s3_world_reply(w, "GET", "/bkt?", 1, (script_reply){.headers = DATE, .body = page});
    s3_world_reply(
        w, "GET", "/bkt?", 0,
        (script_reply){.headers = DATE, .body = UPLOADS "</ListMultipartUploadsResult>"});
    s3_world_reply(w, "DELETE", "/", 0, (script_reply){.status = 204});
    ASSERT_OK(cairn_s3_sweep_uploads(w->store, &w->call, 600000, &aborted, &w->err), &w->err);

    assert_true(aborted == 1);
    assert_int_equal(s3_world_count(w, "DELETE", "/"), 1);
    assert_string_equal(s3_world_request(w, "DELETE", "/", 0)->target,
                        "/bkt/pre/old?uploadId=u%252F1");
    assert_int_equal(s3_world_count(w, "GET", "/bkt?"), 2);
    assert_null(strstr(s3_world_request(w, "GET", "/bkt?", 0)->target, "prefix="));
}

static void a_sweep_goes_from_page_to_page_by_key(void **state)
{
    static const char page[] = UPLOADS UPLOAD(
        "pre/a", "u1",
        "2013-05-24T00:00:00Z") "<IsTruncated>true</IsTruncated><NextKeyMarker>pre/a%2B</NextKeyMarker>"
                                "<NextUploadIdMarker>u1</NextUploadIdMarker></ListMultipartUploadsResult>";
    s3_world *w = *state;

    s3_world_reply(w, "GET", "/bkt?", 1, (script_reply){.headers = DATE, .body = page});
    s3_world_reply(
        w, "GET", "/bkt?", 0,
        (script_reply){.headers = DATE, .body = UPLOADS "</ListMultipartUploadsResult>"});
    /* gone already: somebody else was faster */
    s3_world_reply(w, "DELETE", "/", 0,
                   (script_reply){.status = 404, .body = S3_WORLD_ERROR("NoSuchUpload")});
    ASSERT_OK(cairn_s3_sweep_uploads(w->store, &w->call, 0, NULL, &w->err), &w->err);

    const char *second = s3_world_request(w, "GET", "/bkt?", 1)->target;
    assert_non_null(strstr(second, "key-marker=pre%2Fa%2B&"));
    assert_null(strstr(second, "upload-id-marker"));
    assert_int_equal(s3_world_count(w, "GET", "/bkt?"), 3);
}

static void a_sweep_of_what_cannot_be_read_is_an_error(void **state)
{
    s3_world *w = *state;
    uint64_t aborted = 77;

    s3_world_reply(w, "GET", "/bkt?", 0, (script_reply){.body = "<html>"});
    ASSERT_CODE(cairn_s3_sweep_uploads(w->store, &w->call, 0, &aborted, &w->err),
                CAIRN_E_UNAVAILABLE, &w->err);
    assert_true(aborted == 77);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, s3_world_setup, s3_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_read_whole_or_not_at_all),
        cmocka_unit_test(what_the_visitor_says_ends_the_page),
        CASE(pages_are_asked_for_by_token),
        CASE(only_old_uploads_below_the_prefix_are_aborted),
        CASE(a_sweep_goes_from_page_to_page_by_key),
        CASE(a_sweep_of_what_cannot_be_read_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
