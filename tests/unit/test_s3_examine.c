/* What is said of servers that check, and of one that takes everything. */
#include "test.h"

#include "buf.h"
#include "check.h"
#include "s3_world.h"

#include <stdio.h>

static void write_down(void *context, const cairn_finding *finding)
{
    cairn_buf *found = context;

    assert_int_equal(buf_printf(found, NULL, "%s=%d;", finding->name, (int)finding->verdict),
                     CAIRN_OK);
    assert_true(finding->detail[0] != '\0');
}

static cairn_code examine(s3_world *w, cairn_buf *found)
{
    return s3_examine(w->self, &w->call, "probe", write_down, found, &w->err);
}

static void says(cairn_buf *found, const char *name, cairn_verdict verdict)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%s=%d;", name, (int)verdict);
    if (strstr(buf_text(found), text) == NULL) {
        fail_msg("no %s in %s", text, buf_text(found));
    }
}

static void a_server_that_takes_everything_is_told_bad(void **state)
{
    s3_world *w = *state;
    char text[512];
    CAIRN_AUTO(cairn_buf) found = {0};

    s3_world_serve(w);
    ASSERT_OK(examine(w, &found), &w->err);

    says(&found, "payload-sha256", CAIRN_VERDICT_BAD);
    says(&found, "content-md5", CAIRN_VERDICT_NOTE);
    says(&found, "checksum-crc32c", CAIRN_VERDICT_NOTE);
    says(&found, "checksum-crc64nvme", CAIRN_VERDICT_NOTE);
    says(&found, "multipart-create-only", CAIRN_VERDICT_NOTE);
    says(&found, "multipart-part-size", CAIRN_VERDICT_OK);
    says(&found, "region", CAIRN_VERDICT_OK);
    assert_false(s3_world_seen(w).stands); /* nothing stays */
    assert_false(s3_world_seen(w).open);

    /* From now on it gets a Content-MD5. */
    const unsigned before = s3_world_count(w, "PUT", "/");
    ASSERT_OK(cairn_store_put(w->store, &w->call, "k", (cairn_slice){"hello", 5}, CAIRN_PUT_REPLACE,
                              &w->err),
              &w->err);
    s3_world_header(s3_world_request(w, "PUT", "/", before), "content-md5", text);
    assert_string_equal(text, "XUFAKrxLKna5cZ2REBfFkg==");
}

static void a_server_that_checks_is_told_fine(void **state)
{
    s3_world *w = *state;
    char text[512];
    CAIRN_AUTO(cairn_buf) found = {0};

    s3_world_reply(w, "PUT", "/", 4,
                   (script_reply){.status = 400, .body = S3_WORLD_ERROR("BadDigest")});
    s3_world_serve(w);
    ASSERT_OK(examine(w, &found), &w->err);

    says(&found, "payload-sha256", CAIRN_VERDICT_OK);
    says(&found, "content-md5", CAIRN_VERDICT_OK);
    says(&found, "checksum-crc32c", CAIRN_VERDICT_OK);
    says(&found, "checksum-crc64nvme", CAIRN_VERDICT_OK);
    assert_false(w->self->wants_md5);
    /* each lie is one: the header, and bytes that it does not fit */
    s3_world_header(s3_world_request(w, "PUT", "/", 1), "content-md5", text);
    s3_world_header(s3_world_request(w, "PUT", "/", 2), "x-amz-checksum-crc32c", text);
    s3_world_header(s3_world_request(w, "PUT", "/", 3), "x-amz-checksum-crc64nvme", text);
    assert_int_equal(s3_world_seen(w).bad_hashes, 0);
}

static void what_cannot_be_asked_is_told_so(void **state)
{
    s3_world *w = *state;
    CAIRN_AUTO(cairn_buf) found = {0};

    s3_world_reply(w, NULL, "/", 0,
                   (script_reply){.status = 403, .body = S3_WORLD_ERROR("AccessDenied")});
    ASSERT_OK(examine(w, &found), &w->err);

    says(&found, "payload-sha256", CAIRN_VERDICT_UNKNOWN);
    says(&found, "clock-skew", CAIRN_VERDICT_UNKNOWN);
    says(&found, "multipart", CAIRN_VERDICT_BAD);
    says(&found, "s3-clean-up", CAIRN_VERDICT_NOTE);
}

static void an_examination_ends_with_its_call(void **state)
{
    s3_world *w = *state;
    CAIRN_AUTO(cairn_buf) found = {0};

    w->call.deadline_ms = cairn_deadline_in(200);
    s3_world_rule(w, (script_rule){.method = "PUT", .act = SCRIPT_STALL});
    s3_world_serve(w);
    ASSERT_CODE(examine(w, &found), CAIRN_E_TIMEOUT, &w->err);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, s3_world_setup, s3_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_server_that_takes_everything_is_told_bad),
        CASE(a_server_that_checks_is_told_fine),
        CASE(what_cannot_be_asked_is_told_so),
        CASE(an_examination_ends_with_its_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
