/* What the retry decorator repeats, how often, and how it knows its own put again. */
#include "test.h"

#include "bounds.h"
#include "buf.h"
#include "cancel.h"
#include "clock.h"
#include "fsutil.h"
#include "no_waits.h"
#include "store_fault.h"
#include "store_mem.h"
#include "store_odd.h"
#include "stores.h"
#include "threads.h"
#include "tmpdir.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct fixture {
    cairn_store *inner;
    store_fault *fault;
    cairn_store *store; /* retries what `fault` does to `inner` */
    tmpdir *dir;
    cairn_error err;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    *state = f;
    f->dir = tmpdir_new();
    ASSERT_OK(store_mem_new(&f->inner, &f->err), &f->err);
    ASSERT_OK(store_fault_new(f->inner, &f->fault, &f->err), &f->err);
    ASSERT_OK(store_retrying_new(store_fault_store(f->fault), &f->store, &f->err), &f->err);
    return f->dir == NULL;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    no_waits(false);
    cairn_store_free(f->store);
    store_fault_free(f->fault);
    cairn_store_free(f->inner);
    tmpdir_free(f->dir);
    free(f);
    return 0;
}

static cairn_code create(fixture *f, const char *key, const char *body)
{
    return cairn_store_put(f->store, NULL, key, cairn_slice_of(body), CAIRN_PUT_CREATE, &f->err);
}

static void expect_inner(fixture *f, const char *key, const char *body)
{
    CAIRN_AUTO(cairn_buf) found = {0};

    ASSERT_OK(cairn_store_get(f->inner, NULL, key, 1000, &found, &f->err), &f->err);
    assert_true(cairn_slice_equal(cairn_buf_slice(&found), cairn_slice_of(body)));
}

static cairn_code count_object(void *context, const char *key, const cairn_object_info *info,
                               cairn_error *err)
{
    size_t *count = context;

    (void)key;
    (void)info;
    (void)err;
    ++*count;
    return CAIRN_OK;
}

static void every_call_is_repeated_after_a_passing_failure(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO(cairn_buf) found = {0};
    char bytes[2];
    char path[TMPDIR_PATH_BYTES];
    size_t count = 0;
    cairn_object_info info = {0};
    const cairn_memory_range range = {0, bytes, 2};
    const cairn_file_range to = {tmpdir_join(f->dir, "out", path), 0, 2, false, NULL};
    for (unsigned op = STORE_FAULT_PUT; op <= STORE_FAULT_LIST; op *= 2) {
        store_fault_add(f->fault, &(store_fault_rule){.ops = op});
    }

    ASSERT_OK(create(f, "k", "ab"), &f->err);
    ASSERT_OK(cairn_store_get(f->store, NULL, "k", 10, &found, &f->err), &f->err);
    ASSERT_OK(cairn_store_get_range(f->store, NULL, "k", &range, &f->err), &f->err);
    ASSERT_OK(cairn_store_get_file(f->store, NULL, "k", &to, &f->err), &f->err);
    ASSERT_OK(cairn_store_stat(f->store, NULL, "k", &info, &f->err), &f->err);
    ASSERT_OK(cairn_store_list(f->store, NULL, "", count_object, &count, &f->err), &f->err);
    ASSERT_OK(cairn_store_delete(f->store, NULL, "k", &f->err), &f->err);

    assert_int_equal(store_fault_hits(f->fault), 7);
    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_ALL), 14);
    assert_memory_equal(found.data, "ab", 2);
    assert_memory_equal(bytes, "ab", 2);
    assert_int_equal(info.size, 2);
    assert_int_equal(count, 1);
}

static void a_create_whose_reply_was_lost_is_known_again(void **state)
{
    fixture *f = *state;
    store_fault_add(f->fault,
                    &(store_fault_rule){.ops = STORE_FAULT_PUT, .action = STORE_FAULT_LOSE_REPLY});

    ASSERT_OK(create(f, "chk-1/manifest.json", "mine"), &f->err);

    expect_inner(f, "chk-1/manifest.json", "mine");
    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_PUT), 2);
    store_fault_check_journal(f->fault, NULL, NULL);
}

static void an_empty_object_is_known_again(void **state)
{
    fixture *f = *state;
    store_fault_add(f->fault,
                    &(store_fault_rule){.ops = STORE_FAULT_PUT, .action = STORE_FAULT_LOSE_REPLY});

    ASSERT_OK(create(f, "k", ""), &f->err);
}

static void a_file_whose_reply_was_lost_is_known_again(void **state)
{
    static const size_t length = (size_t)3 * 1024 * 1024 + 1;
    fixture *f = *state;
    CAIRN_AUTO(cairn_buf) body = {0};
    char path[TMPDIR_PATH_BYTES];
    for (size_t i = 0; i < length + 9; i++) {
        ASSERT_OK(buf_append_byte(&body, (uint8_t)(i * 7 + i / 1000), NULL), NULL);
    }
    ASSERT_OK(fs_write_file(tmpdir_join(f->dir, "in", path), cairn_buf_slice(&body), &f->err),
              &f->err);
    const cairn_file_range range = {path, 9, length, false, NULL};
    store_fault_add(f->fault,
                    &(store_fault_rule){.ops = STORE_FAULT_PUT, .action = STORE_FAULT_LOSE_REPLY});

    ASSERT_OK(cairn_store_put_file(f->store, NULL, "k", &range, CAIRN_PUT_CREATE, &f->err),
              &f->err);

    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_GET_RANGE), 4);
}

static void a_read_back_that_fails_is_repeated_too(void **state)
{
    fixture *f = *state;
    store_fault_add(f->fault,
                    &(store_fault_rule){.ops = STORE_FAULT_PUT, .action = STORE_FAULT_LOSE_REPLY});
    store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_STAT});
    store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_GET_RANGE});

    ASSERT_OK(create(f, "k", "mine"), &f->err);

    assert_int_equal(store_fault_hits(f->fault), 3);
    store_fault_check_journal(f->fault, NULL, NULL);
}

typedef struct rival {
    fixture *f;
    const char *body;
} rival;

static void put_first(void *context, const char *key)
{
    const rival *r = context;
    const cairn_code code =
        cairn_store_put(r->f->inner, NULL, key, cairn_slice_of(r->body), CAIRN_PUT_CREATE, NULL);

    CAIRN_ASSERT(code == CAIRN_OK);
}

/* The first attempt fails without effect, and before the second another writer has been there. */
static void lose_to(fixture *f, rival *r)
{
    store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT, .nth = 1});
    store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                  .nth = 2,
                                                  .action = STORE_FAULT_HOOK,
                                                  .hook = put_first,
                                                  .context = r});
}

static void another_writer_who_won_is_seen(void **state)
{
    static const char *const bodies[] = {"theirs", "other", "mine and more", ""};
    fixture *f = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bodies); i++) {
        rival r = {f, bodies[i]};
        char key[16];
        (void)snprintf(key, sizeof(key), "k%zu", i);
        store_fault_clear(f->fault);
        lose_to(f, &r);

        ASSERT_CODE(create(f, key, "minex"), CAIRN_E_EXISTS, &f->err);

        expect_inner(f, key, bodies[i]);
    }
}

static void what_stood_there_before_is_not_read_back(void **state)
{
    fixture *f = *state;
    ASSERT_OK(create(f, "k", "mine"), &f->err);

    ASSERT_CODE(create(f, "k", "mine"), CAIRN_E_EXISTS, &f->err);

    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_STAT | STORE_FAULT_READS), 0);
    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_PUT), 2);
}

static void a_permanent_error_is_not_repeated(void **state)
{
    fixture *f = *state;
    uint64_t calls = 0;

    for (int code = CAIRN_E_INTERNAL; code < CAIRN_OK; code++) {
        if (code == CAIRN_E_UNAVAILABLE || code == CAIRN_E_TIMEOUT) {
            continue;
        }
        store_fault_clear(f->fault);
        store_fault_add(f->fault, &(store_fault_rule){.code = (cairn_code)code});
        ASSERT_CODE(create(f, "k", "x"), (cairn_code)code, &f->err);
        assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_PUT), ++calls);
        assert_null(strstr(f->err.message, "attempts"));
    }
}

static void a_timeout_of_an_attempt_is_repeated(void **state)
{
    fixture *f = *state;
    store_fault_add(f->fault, &(store_fault_rule){.code = CAIRN_E_TIMEOUT});

    ASSERT_OK(create(f, "k", "x"), &f->err);

    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_PUT), 2);
}

/* The back-off of such a call is 23 s on the average: test_retry knows how it is made. */
static void attempts_are_bounded(void **state)
{
    fixture *f = *state;
    no_waits(true);
    store_fault_add(f->fault, &(store_fault_rule){.always = true});

    ASSERT_CODE(create(f, "k", "x"), CAIRN_E_UNAVAILABLE, &f->err);

    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_ALL), CAIRN_RETRY_ATTEMPTS_MAX);
    ASSERT_MESSAGE_HAS(&f->err, "after 10 attempts: ");
    ASSERT_MESSAGE_HAS(&f->err, "put k to mem:");
}

#define CALLERS         32
#define CALLS_OF_EACH   2
#define TIME_OF_EACH_MS 2000 /* enough for five attempts or so, were there no budget */

typedef struct caller {
    fixture *f;
} caller;

static void call_in_vain(void *argument)
{
    const caller *c = argument;
    cairn_object_info info;

    for (int i = 0; i < CALLS_OF_EACH; i++) {
        const cairn_call call = {cairn_deadline_in(TIME_OF_EACH_MS), NULL};
        (void)cairn_store_stat(c->f->store, &call, "k", &info, NULL);
    }
}

static void a_store_that_is_down_is_not_flooded(void **state)
{
    fixture *f = *state;
    caller callers[CALLERS];
    store_fault_add(f->fault, &(store_fault_rule){.always = true});
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (caller){f};
    }

    threads_run(call_in_vain, callers, sizeof(callers[0]), CALLERS);

    assert_in_range(store_fault_calls(f->fault, STORE_FAULT_ALL), CALLERS * CALLS_OF_EACH,
                    CALLERS * CALLS_OF_EACH * 3);
}

/* 429 with "Retry-After: 60", and a caller who has less time: he learns it at once. */
static void a_store_that_asks_for_more_time_than_there_is_is_not_asked_again(void **state)
{
    fixture *f = *state;
    cairn_store *odd = NULL;
    store_fault *fault = NULL;
    cairn_store *store = NULL;
    const cairn_call call = {cairn_deadline_in(STORE_ODD_RETRY_AFTER_MS / 2), NULL};
    ASSERT_OK(store_odd_new(f->inner, STORE_ODD_THROTTLES, &odd, &f->err), &f->err);
    ASSERT_OK(store_fault_new(odd, &fault, &f->err), &f->err);
    ASSERT_OK(store_retrying_new(store_fault_store(fault), &store, &f->err), &f->err);

    ASSERT_CODE(cairn_store_put(store, &call, "k", cairn_slice_of("x"), CAIRN_PUT_CREATE, &f->err),
                CAIRN_E_UNAVAILABLE, &f->err);

    assert_int_equal(store_fault_calls(fault, STORE_FAULT_PUT), 1);
    assert_int_equal(f->err.retry_after_ms, STORE_ODD_RETRY_AFTER_MS);
    ASSERT_MESSAGE_HAS(&f->err, "429 TooManyRequests");
    cairn_store_free(store);
    store_fault_free(fault);
    cairn_store_free(odd);
}

static void the_deadline_ends_the_attempts(void **state)
{
    fixture *f = *state;
    const cairn_call call = {cairn_deadline_in(300), NULL};
    cairn_object_info info;
    store_fault_add(f->fault, &(store_fault_rule){.always = true});

    const cairn_code code = cairn_store_stat(f->store, &call, "k", &info, &f->err);

    assert_true(code == CAIRN_E_UNAVAILABLE || code == CAIRN_E_TIMEOUT);
    assert_in_range(store_fault_calls(f->fault, STORE_FAULT_STAT), 1, CAIRN_RETRY_ATTEMPTS_MAX - 1);
}

/* One thread calls in vain; the other cancels it once it has long waits between its attempts. */
typedef struct ender {
    fixture *f;
    cairn_cancel *cancel;
    bool cancels;
    cairn_code code;
    uint64_t calls_at_cancel;
} ender;

#define LONG_WAITS_BEGIN 5

static void call_or_cancel(void *argument)
{
    ender *e = argument;
    const cairn_call call = {0, e->cancel};
    cairn_object_info info;

    if (!e->cancels) {
        e->code = cairn_store_stat(e->f->store, &call, "k", &info, NULL);
        return;
    }
    while (store_fault_calls(e->f->fault, STORE_FAULT_STAT) < LONG_WAITS_BEGIN) {
        clock_sleep_ms(1);
    }
    e->calls_at_cancel = store_fault_calls(e->f->fault, STORE_FAULT_STAT);
    cairn_cancel_trigger(e->cancel);
}

static void cancel_ends_the_back_off(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO_PTR(cairn_cancel_free) cairn_cancel *cancel = NULL;
    ASSERT_OK(cairn_cancel_new(&cancel, &f->err), &f->err);
    ender both[] = {{f, cancel, false, CAIRN_OK, 0}, {f, cancel, true, CAIRN_OK, 0}};
    store_fault_add(f->fault, &(store_fault_rule){.always = true});

    threads_run(call_or_cancel, both, sizeof(both[0]), 2);

    ASSERT_CODE(both[0].code, CAIRN_E_CANCELLED, NULL);
    assert_true(store_fault_calls(f->fault, STORE_FAULT_STAT) <= both[1].calls_at_cancel + 1);
}

static void fill_page(fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "o/%zu", i);
        ASSERT_OK(cairn_store_put(f->inner, NULL, key, cairn_slice_of("x"), CAIRN_PUT_CREATE, NULL),
                  NULL);
    }
}

static void a_repeated_page_shows_each_object_once(void **state)
{
    fixture *f = *state;
    size_t count = 0;
    fill_page(f, 10);
    store_mem_set_page(f->inner, 4);
    for (uint64_t nth = 1; nth <= 5; nth += 2) {
        store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_LIST,
                                                      .nth = nth,
                                                      .action = STORE_FAULT_LOSE_REPLY});
    }

    ASSERT_OK(cairn_store_list(f->store, NULL, "o/", count_object, &count, &f->err), &f->err);

    assert_int_equal(count, 10);
    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_LIST), 6);
}

/* Keys o/0.. and what the watch was told of them. */
typedef struct told {
    unsigned times[3];
    cairn_error last;
} told;

static void note(void *context, size_t index, const cairn_error *why)
{
    told *t = context;

    t->times[index]++;
    t->last = *why;
}

static const char *const three[] = {"o/0", "o/1", "o/2"};

static cairn_code delete_three(fixture *f, told *t)
{
    return cairn_store_delete_many(f->store, NULL, three, 3, &(cairn_delete_watch){note, t},
                                   &f->err);
}

static void of_many_deletes_only_those_are_repeated_that_may_succeed(void **state)
{
    fixture *f = *state;
    told t = {.times = {0}};
    store_fault_add(f->fault, &(store_fault_rule){.key = "o/0",
                                                  .ops = STORE_FAULT_DELETE,
                                                  .always = true,
                                                  .code = CAIRN_E_ACCESS});
    store_fault_add(f->fault, &(store_fault_rule){.key = "o/1", .ops = STORE_FAULT_DELETE});
    store_fault_add(f->fault,
                    &(store_fault_rule){.key = "o/1", .ops = STORE_FAULT_DELETE, .nth = 2});
    store_fault_add(f->fault, &(store_fault_rule){.key = "o/2", .ops = STORE_FAULT_DELETE});
    store_fault_add(f->fault,
                    &(store_fault_rule){
                        .key = "o/2", .ops = STORE_FAULT_DELETE, .nth = 2, .code = CAIRN_E_ACCESS});
    fill_page(f, 3);

    ASSERT_CODE(delete_three(f, &t), CAIRN_E_ACCESS, &f->err);

    ASSERT_MESSAGE_HAS(&f->err, "delete o/0 from mem:: ");
    assert_int_equal(t.times[0], 1);
    assert_int_equal(t.times[1], 0);
    assert_int_equal(t.times[2], 1);
    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_DELETE), 1 + 3 + 2);
}

static void deletes_that_fail_to_the_end_are_told_once(void **state)
{
    fixture *f = *state;
    told t = {.times = {0}};
    store_fault_add(f->fault, &(store_fault_rule){.key = "o/2",
                                                  .ops = STORE_FAULT_DELETE,
                                                  .always = true,
                                                  .code = CAIRN_E_UNAVAILABLE});
    no_waits(true);
    fill_page(f, 3);

    ASSERT_CODE(delete_three(f, &t), CAIRN_E_UNAVAILABLE, &f->err);

    ASSERT_MESSAGE_HAS(&f->err, "delete o/2 from mem:: after 10 attempts: ");
    assert_int_equal(t.times[0] + t.times[1], 0);
    assert_int_equal(t.times[2], 1);
    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_DELETE), 2 + 10);
}

static cairn_code copy(fixture *f, cairn_put_mode mode)
{
    return cairn_store_copy(f->store, NULL, "o/0", "copy", mode, &f->err);
}

static void a_copy_whose_reply_was_lost_is_known_again(void **state)
{
    fixture *f = *state;
    const store_fault_rule lost = {.ops = STORE_FAULT_COPY, .action = STORE_FAULT_LOSE_REPLY};
    fill_page(f, 2);

    store_fault_add(f->fault, &lost);
    ASSERT_OK(copy(f, CAIRN_PUT_CREATE), &f->err);
    store_fault_add(f->fault, &lost);
    ASSERT_OK(copy(f, CAIRN_PUT_REPLACE), &f->err);

    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_COPY), 4);
    ASSERT_CODE(copy(f, CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &f->err);
    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_COPY), 5);
}

/* The first attempt may have been made: what stands there is looked at, and is another's. */
static void a_copy_is_not_taken_for_another_object(void **state)
{
    static const char *const others[] = {"other", "y", ""};
    fixture *f = *state;
    fill_page(f, 1);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(others); i++) {
        ASSERT_OK(cairn_store_put(f->inner, NULL, "copy", cairn_slice_of(others[i]),
                                  CAIRN_PUT_REPLACE, &f->err),
                  &f->err);
        store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_COPY});
        ASSERT_CODE(copy(f, CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &f->err);
        ASSERT_MESSAGE_HAS(&f->err, "exists already with other bytes");
        expect_inner(f, "copy", others[i]);
    }
}

static cairn_code refuse_object(void *context, const char *key, const cairn_object_info *info,
                                cairn_error *err)
{
    (void)key;
    (void)info;
    (void)err;
    ++*(size_t *)context;
    return CAIRN_E_UNAVAILABLE;
}

static void an_error_of_the_visitor_is_not_repeated(void **state)
{
    fixture *f = *state;
    size_t visits = 0;
    fill_page(f, 3);

    ASSERT_CODE(cairn_store_list(f->store, NULL, "", refuse_object, &visits, NULL),
                CAIRN_E_UNAVAILABLE, NULL);

    assert_int_equal(visits, 1);
}

static void a_download_is_begun_anew(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO(cairn_buf) found = {0};
    char path[TMPDIR_PATH_BYTES];
    const cairn_file_range to = {tmpdir_join(f->dir, "out", path), 0, 4, false, NULL};
    ASSERT_OK(create(f, "k", "abcd"), &f->err);
    store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_GET_FILE,
                                                  .action = STORE_FAULT_LOSE_REPLY});

    ASSERT_OK(cairn_store_get_file(f->store, NULL, "k", &to, &f->err), &f->err);

    ASSERT_OK(fs_read_file(path, 100, &found, &f->err), &f->err);
    assert_true(cairn_slice_equal(cairn_buf_slice(&found), cairn_slice_of("abcd")));
}

static void a_store_that_often_fails_is_used_as_if_it_did_not(void **state)
{
    fixture *f = *state;
    size_t count = 0;
    for (uint64_t nth = 2; nth <= 32; nth += 2) {
        store_fault_add(f->fault,
                        &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                            .nth = nth,
                                            .action = nth % 4 == 0 ? STORE_FAULT_LOSE_REPLY
                                                                   : STORE_FAULT_FAIL});
    }

    for (int i = 0; i < 20; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%d", i);
        ASSERT_OK(create(f, key, key), &f->err);
        expect_inner(f, key, key);
    }

    ASSERT_OK(cairn_store_list(f->store, NULL, "", count_object, &count, &f->err), &f->err);
    assert_int_equal(count, 20);
    store_fault_check_journal(f->fault, NULL, NULL);
}

#define CASE(run) cmocka_unit_test_setup_teardown(run, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_call_is_repeated_after_a_passing_failure),
        CASE(a_create_whose_reply_was_lost_is_known_again),
        CASE(an_empty_object_is_known_again),
        CASE(a_file_whose_reply_was_lost_is_known_again),
        CASE(a_read_back_that_fails_is_repeated_too),
        CASE(another_writer_who_won_is_seen),
        CASE(what_stood_there_before_is_not_read_back),
        CASE(a_permanent_error_is_not_repeated),
        CASE(a_timeout_of_an_attempt_is_repeated),
        CASE(attempts_are_bounded),
        CASE(a_store_that_is_down_is_not_flooded),
        CASE(a_store_that_asks_for_more_time_than_there_is_is_not_asked_again),
        CASE(the_deadline_ends_the_attempts),
        CASE(cancel_ends_the_back_off),
        CASE(a_repeated_page_shows_each_object_once),
        CASE(of_many_deletes_only_those_are_repeated_that_may_succeed),
        CASE(deletes_that_fail_to_the_end_are_told_once),
        CASE(a_copy_whose_reply_was_lost_is_known_again),
        CASE(a_copy_is_not_taken_for_another_object),
        CASE(an_error_of_the_visitor_is_not_repeated),
        CASE(a_download_is_begun_anew),
        CASE(a_store_that_often_fails_is_used_as_if_it_did_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
