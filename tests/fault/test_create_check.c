/* What a backend does on a store that does not vouch for its create-only puts. */
#include "test.h"

#include "check.h"
#include "fault_world.h"
#include "layout.h"
#include "store_odd.h"

#include <stdlib.h>

/* The directory of a fault world behind an odd store, behind its faults. */
typedef struct fixture {
    fault_world *world;
    cairn_store *odd;
    store_fault *fault;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    *state = f;
    void *world = NULL;
    if (f == NULL || fault_world_setup(&world) != 0) {
        return 1;
    }
    f->world = world;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    void *world = f->world;

    const int result = fault_world_teardown(&world);
    store_fault_free(f->fault);
    cairn_store_free(f->odd);
    free(f);
    return result;
}

static void make_odd(fixture *f, unsigned quirks)
{
    cairn_error err = {0};

    CAIRN_ASSERT(f->world != NULL);
    ASSERT_OK(store_odd_new(f->world->job->directory, quirks, &f->odd, &err), &err);
    ASSERT_OK(store_fault_new(f->odd, &f->fault, &err), &err);
}

static cairn_code try_open(fixture *f, cairn_create_check check, cairn_backend **out,
                           cairn_error *err)
{
    cairn_backend_options options = fault_world_options(f->world, 1);

    options.create_check = check;
    options.store = store_fault_store(f->fault);
    return job_try_open(f->world->job, "a", &options, out, err);
}

static cairn_code refuse_object(void *context, const char *key, const cairn_object_info *info,
                                cairn_error *err)
{
    (void)context;
    (void)info;
    (void)err;
    print_error("%s is left\n", key);
    return CAIRN_E_FAILED;
}

static void expect_no_object(fixture *f, const char *prefix)
{
    ASSERT_OK(cairn_store_list(f->world->job->directory, NULL, prefix, refuse_object, NULL, NULL),
              NULL);
}

static void a_store_that_is_no_fence_is_refused_before_anything_is_claimed(void **state)
{
    static const struct {
        unsigned quirks;
        const char *text;
    } cases[] = {{STORE_ODD_LOOKS_THEN_PUTS, "of 20 races had two winners"},
                 {STORE_ODD_IGNORES_CREATE, "a key that exists was accepted"},
                 {STORE_ODD_REFUSES_CREATE, "501 NotImplemented"}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        void *inner = NULL;
        cairn_backend *backend = NULL;
        cairn_error err = {0};
        assert_int_equal(set_up(&inner), 0);
        fixture *f = inner;
        make_odd(f, cases[i].quirks);

        ASSERT_CODE(try_open(f, CAIRN_CREATE_CHECK_PROBE, &backend, &err), CAIRN_E_INCOMPATIBLE,
                    &err);

        assert_int_equal(cairn_exit_code(err.code), 8);
        ASSERT_MESSAGE_HAS(&err, cases[i].text);
        ASSERT_MESSAGE_HAS(&err, "odd:/" JOB_NAME);
        ASSERT_MESSAGE_HAS(&err, "cairn.store.create-check: single");
        expect_no_object(f, "");
        assert_int_equal(tear_down(&inner), 0);
    }
    (void)state;
}

static void work_and_close(fixture *f, cairn_backend *backend, bool single_attempt)
{
    cairn_history *history = NULL;
    const cairn_history_entry *entry = NULL;
    cairn_error err = {0};

    job_write(f->world->job, backend, 0, 50);
    ASSERT_OK(fault_world_checkpoint(f->world, backend, 50, &err), &err);
    cairn_backend_close(backend);
    ASSERT_OK(cairn_history_load(f->world->job->directory, NULL, JOB_NAME, &history, &err), &err);
    ASSERT_OK(cairn_history_find(history, 1, &entry, &err), &err);
    assert_int_equal(entry->manifest->single_attempt, single_attempt);
    cairn_history_free(history);
    expect_no_object(f, JOB_NAME "/probe/");
}

static void a_store_that_stands_the_probe_is_used(void **state)
{
    fixture *f = *state;
    cairn_backend *backend = NULL;
    cairn_error err = {0};
    make_odd(f, 0);

    ASSERT_OK(try_open(f, CAIRN_CREATE_CHECK_PROBE, &backend, &err), &err);

    work_and_close(f, backend, false);
}

static void a_probe_survives_single_failures(void **state)
{
    fixture *f = *state;
    cairn_backend *backend = NULL;
    cairn_error err = {0};
    make_odd(f, 0);
    for (uint64_t nth = 2; nth <= 20; nth += 6) {
        store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                      .key = "*/probe/*",
                                                      .nth = nth,
                                                      .action = STORE_FAULT_LOSE_REPLY});
    }

    ASSERT_OK(try_open(f, CAIRN_CREATE_CHECK_PROBE, &backend, &err), &err);

    assert_int_equal(store_fault_hits(f->fault), 4);
    work_and_close(f, backend, false);
}

static uint64_t calls_to_probe(fixture *f)
{
    const store_fault_record *records = NULL;
    const size_t count = store_fault_journal(f->fault, &records);
    uint64_t calls = 0;

    for (size_t i = 0; i < count; i++) {
        calls += strstr(records[i].key, "/probe/") != NULL;
    }
    return calls;
}

static void the_weaker_mode_is_a_choice_that_every_manifest_shows(void **state)
{
    fixture *f = *state;
    cairn_backend *backend = NULL;
    cairn_error err = {0};
    make_odd(f, STORE_ODD_LOOKS_THEN_PUTS);

    ASSERT_OK(try_open(f, CAIRN_CREATE_CHECK_SINGLE, &backend, &err), &err);

    assert_int_equal(calls_to_probe(f), 0);
    assert_true(fault_world_logged(f->world, "the operator's promise"));
    work_and_close(f, backend, true);
}

static void an_abort_in_the_weaker_mode_shows_it_too(void **state)
{
    fixture *f = *state;
    cairn_backend *backend = NULL;
    cairn_error err = {0};
    CAIRN_AUTO(cairn_buf) document = {0};
    make_odd(f, STORE_ODD_IGNORES_CREATE);
    ASSERT_OK(try_open(f, CAIRN_CREATE_CHECK_SINGLE, &backend, &err), &err);
    store_fault_add(f->fault, &(store_fault_rule){.key = "*-CURRENT", .code = CAIRN_E_ACCESS});
    job_write(f->world->job, backend, 0, 50);

    ASSERT_CODE(fault_world_checkpoint(f->world, backend, 50, &err), CAIRN_E_ACCESS, &err);

    cairn_backend_close(backend);
    ASSERT_OK(cairn_store_get(f->world->job->directory, NULL, JOB_NAME "/chk-1/manifest.json",
                              10000, &document, &err),
              &err);
    ASSERT_OK(cairn_buf_slice(&document).len > 0 ? CAIRN_OK : CAIRN_E_FAILED, NULL);
    cairn_manifest *manifest = NULL;
    ASSERT_OK(cairn_manifest_read(cairn_buf_slice(&document), JOB_NAME, 1, &manifest, &err), &err);
    assert_int_equal(manifest->kind, CAIRN_MANIFEST_ABORTED);
    assert_true(manifest->single_attempt);
    cairn_manifest_free(manifest);
}

static void a_trusted_store_is_not_asked(void **state)
{
    fixture *f = *state;
    cairn_backend *backend = NULL;
    cairn_error err = {0};
    make_odd(f, STORE_ODD_LOOKS_THEN_PUTS);

    ASSERT_OK(try_open(f, CAIRN_CREATE_CHECK_TRUST, &backend, &err), &err);

    assert_int_equal(calls_to_probe(f), 0);
    work_and_close(f, backend, false);
}

/* A directory vouches for itself: nothing is asked, and there is no weaker mode to choose. */
static void a_store_that_vouches_for_itself_is_not_asked(void **state)
{
    static const cairn_create_check checks[] = {CAIRN_CREATE_CHECK_PROBE,
                                                CAIRN_CREATE_CHECK_SINGLE};
    fixture *f = *state;
    cairn_error err = {0};
    ASSERT_OK(store_fault_new(f->world->job->directory, &f->fault, &err), &err);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(checks); i++) {
        cairn_backend *backend = NULL;
        ASSERT_OK(try_open(f, checks[i], &backend, &err), &err);
        cairn_backend_close(backend);
    }

    assert_int_equal(calls_to_probe(f), 0);
    assert_false(fault_world_logged(f->world, "the operator's promise"));
}

static void an_unknown_check_is_refused(void **state)
{
    fixture *f = *state;
    cairn_backend *backend = NULL;
    cairn_error err = {0};
    make_odd(f, 0);

    ASSERT_CODE(try_open(f, (cairn_create_check)3, &backend, &err), CAIRN_E_INVALID, &err);

    assert_int_equal(store_fault_calls(f->fault, STORE_FAULT_ALL), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_is_no_fence_is_refused_before_anything_is_claimed),
        CASE(a_store_that_stands_the_probe_is_used),
        CASE(a_probe_survives_single_failures),
        CASE(the_weaker_mode_is_a_choice_that_every_manifest_shows),
        CASE(an_abort_in_the_weaker_mode_shows_it_too),
        CASE(a_trusted_store_is_not_asked),
        CASE(a_store_that_vouches_for_itself_is_not_asked),
        CASE(an_unknown_check_is_refused),
    };
    return cmocka_run_group_tests_name("create_check", tests, NULL, NULL);
}
