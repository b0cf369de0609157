/* Questions about single objects. */
#include "buf.h"
#include "clock.h"
#include "errors.h"
#include "store_examine.h"

#include <string.h>

/* Two kinds of bytes that differ everywhere, long enough for ranges. */
#define BODY_TEXT  "What a store has acknowledged is there, whole, and not otherwise. 0123456789"
#define OTHER_TEXT "wHAT A STORE HAS ACKNOWLEDGED IS THERE, WHOLE, AND NOT OTHERWISE. 9876543210"

_Static_assert(sizeof(BODY_TEXT) == sizeof(OTHER_TEXT), "only the bytes differ");

#define READ_BYTES_MAX 4096

cairn_slice examine_body(void)
{
    return cairn_slice_of(BODY_TEXT);
}

static cairn_code put(const examination *e, const examine_key *key, cairn_slice body,
                      cairn_error *err)
{
    return cairn_store_put(e->store, e->call, key->text, body, CAIRN_PUT_REPLACE, err);
}

cairn_code examine_write(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "object");
    cairn_error problem = {0};
    const cairn_code code = put(e, &key, examine_body(), &problem);

    (void)answer;
    e->attempted = code == CAIRN_OK || code == CAIRN_E_CANCELLED;
    e->wrote = code == CAIRN_OK;
    /* The first call: a store that cannot be reached at all is no store to judge. */
    e->unreachable = code == CAIRN_E_UNAVAILABLE || code == CAIRN_E_TIMEOUT;
    return e->wrote ? CAIRN_OK : error_set(err, code, "%s", problem.message);
}

/* Which of the two texts, or neither, is what `key` holds. */
static cairn_code read_equals(const examination *e, const examine_key *key, cairn_slice expected,
                              bool *out_same, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) found = {0};

    CAIRN_TRY(cairn_store_get(e->store, e->call, key->text, READ_BYTES_MAX, &found, err));
    *out_same = cairn_slice_equal(cairn_buf_slice(&found), expected);
    return CAIRN_OK;
}

cairn_code examine_read(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "object");
    cairn_object_info info = {0};
    bool same = false;

    CAIRN_TRY(read_equals(e, &key, examine_body(), &same, err));
    CAIRN_TRY(cairn_store_stat(e->store, e->call, key.text, &info, err));
    e->may_read = true;
    if (!same || info.size != examine_body().len) {
        examine_answer_set(answer, CAIRN_VERDICT_BAD,
                           "what is read is not what was written: %llu bytes instead of %zu, %s",
                           (unsigned long long)info.size, examine_body().len,
                           same ? "the same" : "others");
    }
    return CAIRN_OK;
}

#define RANGE_OFFSET 7
#define RANGE_BYTES  20

cairn_code examine_range(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "object");
    uint8_t bytes[RANGE_BYTES] = {0};
    const cairn_memory_range range = {RANGE_OFFSET, bytes, sizeof(bytes)};

    CAIRN_TRY(cairn_store_get_range(e->store, e->call, key.text, &range, err));
    if (memcmp(bytes, (const uint8_t *)examine_body().data + RANGE_OFFSET, sizeof(bytes)) != 0) {
        examine_answer_set(answer, CAIRN_VERDICT_BAD,
                           "a range holds other bytes than the same place of the whole object");
    }
    return CAIRN_OK;
}

/* `err` holds what a call returned that must fail. */
static cairn_code expect_code(examine_answer *answer, cairn_code code, cairn_code expected,
                              const char *what, const cairn_error *err)
{
    if (examine_is_no_answer(code)) {
        return code;
    }
    if (code == CAIRN_OK) {
        examine_answer_set(answer, CAIRN_VERDICT_BAD, "%s succeeds", what);
    } else if (code != expected) {
        examine_answer_set(answer, CAIRN_VERDICT_BAD,
                           "%s is answered with '%s' instead of '%s': %s", what,
                           cairn_code_name(code), cairn_code_name(expected), err->message);
    }
    return CAIRN_OK;
}

cairn_code examine_range_beyond_end(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "object");
    uint8_t bytes[2 * sizeof(BODY_TEXT)];
    const cairn_memory_range range = {RANGE_OFFSET, bytes, sizeof(bytes)};
    const cairn_code code = cairn_store_get_range(e->store, e->call, key.text, &range, err);

    return expect_code(answer, code, CAIRN_E_INTEGRITY, "reading beyond the end of an object", err);
}

cairn_code examine_empty_object(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "empty");
    const cairn_slice nothing = {NULL, 0};
    cairn_object_info info = {0};
    bool same = false;

    CAIRN_TRY(put(e, &key, nothing, err));
    CAIRN_TRY(cairn_store_stat(e->store, e->call, key.text, &info, err));
    CAIRN_TRY(read_equals(e, &key, nothing, &same, err));
    if (!same || info.size != 0) {
        examine_answer_set(answer, CAIRN_VERDICT_BAD, "an object of 0 bytes has %llu",
                           (unsigned long long)info.size);
    }
    return CAIRN_OK;
}

cairn_code examine_overwrite(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "overwritten");
    bool same = false;

    CAIRN_TRY(put(e, &key, examine_body(), err));
    const cairn_code code = put(e, &key, cairn_slice_of(OTHER_TEXT), err);
    if (code == CAIRN_E_EXISTS || code == CAIRN_E_ACCESS) {
        examine_answer_set(answer, CAIRN_VERDICT_NOTE,
                           "objects cannot be replaced; no checkpoint needs that");
        return CAIRN_OK;
    }
    CAIRN_TRY(code);
    CAIRN_TRY(read_equals(e, &key, cairn_slice_of(OTHER_TEXT), &same, err));
    if (!same) {
        examine_answer_set(
            answer, CAIRN_VERDICT_NOTE,
            "old bytes are read after an object was replaced; no checkpoint replaces "
            "one, but output written there again may be read late");
    }
    return CAIRN_OK;
}

cairn_code examine_clock(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "overwritten");
    cairn_object_info info = {0};

    CAIRN_TRY(cairn_store_stat(e->store, e->call, key.text, &info, err));
    const uint64_t ours = clock_wall_ms();
    const bool ahead = info.modified_ms > ours;
    const uint64_t skew = ahead ? info.modified_ms - ours : ours - info.modified_ms;
    if (info.modified_ms == 0) {
        examine_answer_set(answer, CAIRN_VERDICT_NOTE, "the store does not tell times");
    } else if (skew > CAIRN_EXAMINE_SKEW_MS) {
        examine_answer_set(answer, CAIRN_VERDICT_NOTE,
                           "the store's clock is %llu s %s this machine's; set the wrong one: "
                           "servers refuse signatures that are 15 minutes off",
                           (unsigned long long)(skew / 1000), ahead ? "ahead of" : "behind");
    }
    return CAIRN_OK;
}

/* "Absent" must be told from "denied": a job that may not know starts nowhere. */
cairn_code examine_not_found(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "missing");
    CAIRN_AUTO(cairn_buf) found = {0};
    cairn_object_info info = {0};
    cairn_code code = cairn_store_get(e->store, e->call, key.text, READ_BYTES_MAX, &found, err);

    CAIRN_TRY(expect_code(answer, code, CAIRN_E_NOT_FOUND, "reading a missing object", err));
    if (answer->verdict != CAIRN_VERDICT_OK) {
        return CAIRN_OK;
    }
    e->may_read = e->may_read || !e->wrote;
    code = cairn_store_stat(e->store, e->call, key.text, &info, err);
    return expect_code(answer, code, CAIRN_E_NOT_FOUND, "asking for a missing object", err);
}

cairn_code examine_delete(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "overwritten");
    cairn_object_info info = {0};
    cairn_error problem = {0};
    cairn_code code = cairn_store_delete(e->store, e->call, key.text, &problem);

    if (code == CAIRN_E_ACCESS) {
        examine_answer_set(answer, CAIRN_VERDICT_NOTE,
                           "objects may not be deleted: what failed checkpoints leave behind stays "
                           "until somebody else runs 'cairn gc'");
        return CAIRN_OK;
    }
    if (code != CAIRN_OK) {
        return error_set(err, code, "%s", problem.message);
    }
    code = cairn_store_stat(e->store, e->call, key.text, &info, &problem);
    if (code == CAIRN_OK) {
        examine_answer_set(answer, CAIRN_VERDICT_BAD,
                           "a delete was acknowledged, and the object is still there");
        return CAIRN_OK;
    }
    e->may_delete = code == CAIRN_E_NOT_FOUND;
    return e->may_delete ? CAIRN_OK : error_set(err, code, "%s", problem.message);
}

cairn_code examine_delete_missing(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "missing");
    const cairn_code code = cairn_store_delete(e->store, e->call, key.text, err);

    if (code != CAIRN_E_ACCESS) {
        return code;
    }
    examine_answer_set(answer, CAIRN_VERDICT_UNKNOWN, "objects may not be deleted");
    return CAIRN_OK;
}
