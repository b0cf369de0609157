/* The fault store does what its rules say, no more, and its journal is right. */
#include "test.h"

#include "buf.h"
#include "fsutil.h"
#include "store_fault.h"
#include "store_mem.h"
#include "stores.h"
#include "threads.h"
#include "tmpdir.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct fixture {
    cairn_store *inner;
    store_fault *fault;
    cairn_store *store;
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
    f->store = store_fault_store(f->fault);
    return f->dir == NULL;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    store_fault_free(f->fault);
    cairn_store_free(f->inner);
    tmpdir_free(f->dir);
    free(f);
    return 0;
}

static cairn_code put(fixture *f, const char *key, const char *body)
{
    return cairn_store_put(f->store, NULL, key, cairn_slice_of(body), CAIRN_PUT_REPLACE, &f->err);
}

static bool holds(cairn_store *store, const char *key, const char *body)
{
    CAIRN_AUTO(cairn_buf) found = {0};

    return cairn_store_get(store, NULL, key, 1000, &found, NULL) == CAIRN_OK &&
           cairn_slice_equal(cairn_buf_slice(&found), cairn_slice_of(body));
}

static void the_nth_matching_call_fails_once(void **state)
{
    fixture *f = *state;
    store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                  .key = "a/*",
                                                  .nth = 2,
                                                  .action = STORE_FAULT_FAIL,
                                                  .code = CAIRN_E_NO_SPACE});

    ASSERT_OK(put(f, "a/1", "x"), &f->err);
    ASSERT_OK(put(f, "b/1", "x"), &f->err);
    ASSERT_CODE(put(f, "a/b/2", "x"), CAIRN_E_NO_SPACE, &f->err);
    ASSERT_OK(put(f, "a/3", "x"), &f->err);

    assert_false(holds(f->inner, "a/b/2", "x"));
    assert_int_equal(store_fault_hits(f->fault), 1);
    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_PUT), 4);
}

static void always_means_from_the_nth_on(void **state)
{
    fixture *f = *state;
    store_fault_add(f->fault, &(store_fault_rule){.nth = 2, .always = true});

    ASSERT_OK(put(f, "a", "x"), &f->err);
    ASSERT_CODE(put(f, "a", "x"), CAIRN_E_UNAVAILABLE, &f->err);
    assert_false(holds(f->store, "a", "x"));
    store_fault_clear(f->fault);

    assert_true(holds(f->store, "a", "x"));
    assert_int_equal(store_fault_hits(f->fault), 2);
}

static void the_first_rule_that_is_due_acts_alone(void **state)
{
    fixture *f = *state;
    store_fault_add(f->fault, &(store_fault_rule){.nth = 1, .code = CAIRN_E_ACCESS});
    store_fault_add(f->fault, &(store_fault_rule){.nth = 2, .code = CAIRN_E_TIMEOUT});

    ASSERT_CODE(put(f, "a", "x"), CAIRN_E_ACCESS, &f->err);
    ASSERT_CODE(put(f, "a", "x"), CAIRN_E_TIMEOUT, &f->err);
    ASSERT_OK(put(f, "a", "x"), &f->err);
}

static void a_lost_reply_takes_effect(void **state)
{
    fixture *f = *state;
    store_fault_add(f->fault, &(store_fault_rule){.action = STORE_FAULT_LOSE_REPLY});

    ASSERT_CODE(put(f, "a", "x"), CAIRN_E_UNAVAILABLE, &f->err);

    assert_true(holds(f->inner, "a", "x"));
}

static void a_failure_after_the_effect_has_its_code(void **state)
{
    fixture *f = *state;
    ASSERT_OK(put(f, "a", "x"), &f->err);
    store_fault_add(
        f->fault,
        &(store_fault_rule){.ops = STORE_FAULT_DELETE, .after = true, .code = CAIRN_E_TIMEOUT});

    ASSERT_CODE(cairn_store_delete(f->store, NULL, "a", &f->err), CAIRN_E_TIMEOUT, &f->err);

    assert_false(holds(f->inner, "a", "x"));
}

static void a_delay_uses_up_the_deadline(void **state)
{
    fixture *f = *state;
    const cairn_call call = {cairn_deadline_in(200), NULL};
    store_fault_add(f->fault, &(store_fault_rule){.action = STORE_FAULT_DELAY, .amount = 201});

    const cairn_code code =
        cairn_store_put(f->store, &call, "a", cairn_slice_of("x"), CAIRN_PUT_CREATE, &f->err);

    ASSERT_CODE(code, CAIRN_E_TIMEOUT, &f->err);
    assert_int_equal(store_fault_hits(f->fault), 1);
}

static void a_cut_get_gives_fewer_bytes(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO(cairn_buf) found = {0};
    char path[TMPDIR_PATH_BYTES];
    char bytes[4];
    const cairn_memory_range range = {0, bytes, 4};
    const cairn_file_range to = {tmpdir_join(f->dir, "out", path), 0, 4, false, NULL};
    ASSERT_OK(put(f, "a", "abcd"), &f->err);
    store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_READS,
                                                  .always = true,
                                                  .action = STORE_FAULT_CUT,
                                                  .amount = 3});

    ASSERT_OK(cairn_store_get(f->store, NULL, "a", 100, &found, &f->err), &f->err);
    ASSERT_CODE(cairn_store_get_range(f->store, NULL, "a", &range, &f->err), CAIRN_E_INTEGRITY,
                &f->err);
    ASSERT_CODE(cairn_store_get_file(f->store, NULL, "a", &to, &f->err), CAIRN_E_INTEGRITY,
                &f->err);

    assert_true(cairn_slice_equal(cairn_buf_slice(&found), cairn_slice_of("abc")));
    assert_false(fs_exists(path));
}

static void one_bit_is_flipped_in_what_is_read(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO(cairn_buf) found = {0};
    CAIRN_AUTO(cairn_buf) in_file = {0};
    char path[TMPDIR_PATH_BYTES];
    char bytes[4];
    const cairn_memory_range range = {0, bytes, 4};
    const cairn_file_range to = {tmpdir_join(f->dir, "out", path), 0, 4, false, NULL};
    ASSERT_OK(put(f, "a", "abcd"), &f->err);
    store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_READS,
                                                  .always = true,
                                                  .action = STORE_FAULT_FLIP,
                                                  .amount = 4 * 8 + 9});

    ASSERT_OK(cairn_store_get(f->store, NULL, "a", 100, &found, &f->err), &f->err);
    ASSERT_OK(cairn_store_get_range(f->store, NULL, "a", &range, &f->err), &f->err);
    ASSERT_OK(cairn_store_get_file(f->store, NULL, "a", &to, &f->err), &f->err);

    ASSERT_OK(fs_read_file(path, 100, &in_file, &f->err), &f->err);
    assert_true(cairn_slice_equal(cairn_buf_slice(&found), cairn_slice_of("a`cd")));
    assert_true(cairn_slice_equal(cairn_buf_slice(&in_file), cairn_slice_of("a`cd")));
    assert_memory_equal(bytes, "a`cd", 4);
    assert_true(holds(f->inner, "a", "abcd"));
}

static void one_bit_is_flipped_in_what_is_written(void **state)
{
    fixture *f = *state;
    char path[TMPDIR_PATH_BYTES];
    const cairn_file_range range = {tmpdir_join(f->dir, "in", path), 1, 2, false, NULL};
    ASSERT_OK(fs_write_file(path, cairn_slice_of("xaby"), &f->err), &f->err);
    store_fault_add(f->fault,
                    &(store_fault_rule){.always = true, .action = STORE_FAULT_FLIP, .amount = 0});

    ASSERT_OK(put(f, "memory", "ab"), &f->err);
    ASSERT_OK(cairn_store_put_file(f->store, NULL, "file", &range, CAIRN_PUT_CREATE, &f->err),
              &f->err);

    assert_true(holds(f->inner, "memory", "`b"));
    assert_true(holds(f->inner, "file", "`b"));
}

static void put_behind(void *context, const char *key)
{
    const cairn_code code =
        cairn_store_put(context, NULL, key, cairn_slice_of("other"), CAIRN_PUT_CREATE, NULL);

    CAIRN_ASSERT(code == CAIRN_OK);
}

static void a_hook_can_come_before_the_call(void **state)
{
    fixture *f = *state;
    store_fault_add(
        f->fault,
        &(store_fault_rule){.action = STORE_FAULT_HOOK, .hook = put_behind, .context = f->inner});

    const cairn_code code =
        cairn_store_put(f->store, NULL, "a", cairn_slice_of("x"), CAIRN_PUT_CREATE, &f->err);

    ASSERT_CODE(code, CAIRN_E_EXISTS, &f->err);
    assert_true(holds(f->inner, "a", "other"));
}

static cairn_code ignore(void *context, const char *key, const cairn_object_info *info,
                         cairn_error *err)
{
    (void)context;
    (void)key;
    (void)info;
    (void)err;
    return CAIRN_OK;
}

static void the_journal_tells_what_was_asked_and_answered(void **state)
{
    fixture *f = *state;
    const store_fault_record *records = NULL;
    sha256 digest;
    cairn_object_info info;
    ASSERT_OK(sha256_of(cairn_slice_of("abc"), &digest, &f->err), &f->err);
    store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_STAT, .code = CAIRN_E_ACCESS});

    ASSERT_OK(put(f, "k", "abc"), &f->err);
    ASSERT_CODE(cairn_store_stat(f->store, NULL, "k", &info, &f->err), CAIRN_E_ACCESS, &f->err);
    ASSERT_OK(cairn_store_list(f->store, NULL, "pre", ignore, NULL, &f->err), &f->err);

    assert_int_equal(store_fault_journal(f->fault, &records), 3);
    assert_int_equal(records[0].op, STORE_FAULT_PUT);
    assert_string_equal(records[0].key, "k");
    assert_int_equal(records[0].size, 3);
    assert_true(sha256_equal(&records[0].digest, &digest));
    assert_true(records[0].took_effect);
    assert_int_equal(records[1].code, CAIRN_E_ACCESS);
    assert_false(records[1].took_effect);
    assert_int_equal(records[2].op, STORE_FAULT_LIST);
    assert_string_equal(records[2].key, "pre");
}

static bool is_garbage(void *context, const store_fault_record *records, size_t index)
{
    (void)context;
    return strncmp(records[index].key, "garbage/", 8) == 0;
}

static void the_check_finds_a_second_body_and_a_wrong_delete(void **state)
{
    fixture *f = *state;
    ASSERT_OK(put(f, "k", "abc"), &f->err);
    ASSERT_OK(put(f, "k", "abc"), &f->err);
    ASSERT_OK(cairn_store_delete(f->store, NULL, "garbage/1", &f->err), &f->err);
    store_fault_check_journal(f->fault, is_garbage, NULL);

    assert_non_null(store_fault_find_breach(f->fault, NULL, NULL));
    ASSERT_OK(cairn_store_delete(f->store, NULL, "k", &f->err), &f->err);
    assert_non_null(strstr(store_fault_find_breach(f->fault, is_garbage, NULL), "k was deleted"));
}

static void a_put_that_had_no_effect_is_no_second_body(void **state)
{
    fixture *f = *state;
    ASSERT_OK(put(f, "k", "abc"), &f->err);
    store_fault_add(f->fault, &(store_fault_rule){.nth = 1});
    store_fault_add(f->fault, &(store_fault_rule){.nth = 2, .action = STORE_FAULT_LOSE_REPLY});

    ASSERT_CODE(put(f, "k", "other"), CAIRN_E_UNAVAILABLE, &f->err);
    store_fault_check_journal(f->fault, NULL, NULL);
    ASSERT_CODE(put(f, "k", "other"), CAIRN_E_UNAVAILABLE, &f->err);

    assert_non_null(strstr(store_fault_find_breach(f->fault, NULL, NULL), "second"));
}

typedef struct caller {
    fixture *f;
    size_t number;
} caller;

static void call_often(void *argument)
{
    const caller *c = argument;

    for (int i = 0; i < 100; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "%zu/%d", c->number, i);
        (void)cairn_store_put(c->f->store, NULL, key, cairn_slice_of("x"), CAIRN_PUT_CREATE, NULL);
    }
}

static void threads_share_one_count(void **state)
{
    fixture *f = *state;
    caller callers[4];
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(callers); i++) {
        callers[i] = (caller){f, i};
    }
    store_fault_add(f->fault, &(store_fault_rule){.nth = 301, .always = true});

    threads_run(call_often, callers, sizeof(callers[0]), CAIRN_ARRAY_LEN(callers));

    assert_int_equal(store_fault_hits(f->fault), 100);
    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_ALL), 400);
    store_fault_check_journal(f->fault, NULL, NULL);
}

#define CASE(run) cmocka_unit_test_setup_teardown(run, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_nth_matching_call_fails_once),
        CASE(always_means_from_the_nth_on),
        CASE(the_first_rule_that_is_due_acts_alone),
        CASE(a_lost_reply_takes_effect),
        CASE(a_failure_after_the_effect_has_its_code),
        CASE(a_delay_uses_up_the_deadline),
        CASE(a_cut_get_gives_fewer_bytes),
        CASE(one_bit_is_flipped_in_what_is_read),
        CASE(one_bit_is_flipped_in_what_is_written),
        CASE(a_hook_can_come_before_the_call),
        CASE(the_journal_tells_what_was_asked_and_answered),
        CASE(the_check_finds_a_second_body_and_a_wrong_delete),
        CASE(a_put_that_had_no_effect_is_no_second_body),
        CASE(threads_share_one_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
