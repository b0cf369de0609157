/* What is found out about stores of all kinds, and that nothing is left on them. */
#include "test.h"

#include <cairn/dir.h>
#include <cairn/doctor.h>

#include "bounds.h"
#include "no_waits.h"
#include "store_fault.h"
#include "store_mem.h"
#include "store_odd.h"
#include "stores.h"
#include "tmpdir.h"

#include <stdio.h>
#include <stdlib.h>

#define FINDINGS_MAX 40

typedef struct seen_finding {
    char name[32];
    cairn_verdict verdict;
    char detail[700];
} seen_finding;

typedef struct report {
    seen_finding findings[FINDINGS_MAX];
    size_t count;
    cairn_safety safety;
    cairn_code code;
    cairn_error err;
} report;

/* memory <- odd <- fault */
typedef struct fixture {
    cairn_store *memory;
    cairn_store *odd;
    store_fault *fault;
    report seen;
} fixture;

static void set_up(fixture *f, unsigned quirks)
{
    cairn_error err = {0};

    no_waits(true);
    ASSERT_OK(store_mem_new(&f->memory, &err), &err);
    ASSERT_OK(store_odd_new(f->memory, quirks, &f->odd, &err), &err);
    ASSERT_OK(store_fault_new(f->odd, &f->fault, &err), &err);
}

static void tear_down(fixture *f)
{
    no_waits(false);
    store_fault_free(f->fault);
    cairn_store_free(f->odd);
    cairn_store_free(f->memory);
}

static void keep_finding(void *context, const cairn_finding *finding)
{
    report *r = context;

    assert_in_range(r->count, 0, FINDINGS_MAX - 1);
    seen_finding *slot = &r->findings[r->count++];
    slot->verdict = finding->verdict;
    (void)snprintf(slot->name, sizeof slot->name, "%s", finding->name);
    (void)snprintf(slot->detail, sizeof slot->detail, "%s", finding->detail);
}

static void examine(cairn_store *store, const cairn_call *call, report *out)
{
    *out = (report){.safety = (cairn_safety)77};
    out->code = cairn_store_examine(store, call, keep_finding, out, &out->safety, &out->err);
}

static const seen_finding *find(const report *r, const char *name)
{
    const seen_finding *found = NULL;

    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->findings[i].name, name) == 0) {
            assert_null(found); /* once only */
            found = &r->findings[i];
        }
    }
    return found;
}

static cairn_code count_object(void *context, const char *key, const cairn_object_info *info,
                               cairn_error *err)
{
    (void)key;
    (void)info;
    (void)err;
    ++*(size_t *)context;
    return CAIRN_OK;
}

static size_t objects_left(fixture *f)
{
    size_t count = 0;

    ASSERT_OK(cairn_store_list(f->memory, NULL, "", count_object, &count, NULL), NULL);
    return count;
}

static const char *const names[] = {
    "write",
    "read-after-write",
    "range",
    "range-beyond-end",
    "empty-object",
    "overwrite",
    "clock",
    "not-found",
    "list-after-write",
    "list-paging",
    "key-characters",
    "create-only",
    "create-only-race",
    "delete",
    "delete-missing",
    "role-subtask",
    "role-coordinator",
    "role-gc",
    "role-restore",
};

static void a_store_without_fault_has_only_good_findings(void **state)
{
    fixture f = {0};
    (void)state;
    set_up(&f, 0);

    examine(store_fault_store(f.fault), NULL, &f.seen);

    ASSERT_OK(f.seen.code, &f.seen.err);
    assert_int_equal(f.seen.safety, CAIRN_SAFETY_FENCED);
    assert_int_equal(f.seen.count, CAIRN_ARRAY_LEN(names));
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(names); i++) {
        assert_string_equal(f.seen.findings[i].name, names[i]);
        if (f.seen.findings[i].verdict != CAIRN_VERDICT_OK) {
            fail_msg("%s: %s", names[i], f.seen.findings[i].detail);
        }
    }
    assert_int_equal(objects_left(&f), 0);
    tear_down(&f);
}

static void a_directory_has_only_good_findings(void **state)
{
    tmpdir *dir = tmpdir_new();
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    char path[TMPDIR_PATH_BYTES];
    report seen;
    cairn_error err = {0};
    (void)state;
    ASSERT_OK(cairn_dir_store_new(tmpdir_join(dir, "store", path), NULL, &store, &err), &err);

    examine(store, NULL, &seen);

    ASSERT_OK(seen.code, &seen.err);
    assert_int_equal(seen.safety, CAIRN_SAFETY_FENCED);
    for (size_t i = 0; i < seen.count; i++) {
        if (seen.findings[i].verdict != CAIRN_VERDICT_OK) {
            fail_msg("%s: %s", seen.findings[i].name, seen.findings[i].detail);
        }
    }
    cairn_store_free(CAIRN_TAKE(store));
    tmpdir_free(dir);
}

#define OK      CAIRN_VERDICT_OK
#define NOTE    CAIRN_VERDICT_NOTE
#define BAD     CAIRN_VERDICT_BAD
#define UNKNOWN CAIRN_VERDICT_UNKNOWN

/* What differs from a store without fault. */
typedef struct examine_case {
    const char *name;
    unsigned quirks;
    cairn_safety safety;
    size_t left; /* objects; SIZE_MAX: any number */
    struct {
        const char *name;
        cairn_verdict verdict;
        const char *text; /* in the detail */
    } expected[18];
} examine_case;

#define NO_WRITE "nothing could be written"

static const examine_case cases[] = {
    {"create-only ignored",
     STORE_ODD_IGNORES_CREATE,
     CAIRN_SAFETY_SINGLE,
     0,
     {{"create-only", BAD, "was accepted"}, {"create-only-race", UNKNOWN, "no create-only put"}}},
    {"create-only racy",
     STORE_ODD_LOOKS_THEN_PUTS,
     CAIRN_SAFETY_SINGLE,
     0,
     {{"create-only-race", BAD, "of 20 races had two winners"}}},
    {"create-only refused",
     STORE_ODD_REFUSES_CREATE,
     CAIRN_SAFETY_SINGLE,
     0,
     {{"create-only", BAD, "501"}, {"create-only-race", UNKNOWN, ""}}},
    {"read only",
     STORE_ODD_DENIES_WRITES,
     CAIRN_SAFETY_NONE,
     0,
     {{"write", BAD, "403"},
      {"read-after-write", UNKNOWN, NO_WRITE},
      {"range", UNKNOWN, NO_WRITE},
      {"range-beyond-end", UNKNOWN, NO_WRITE},
      {"empty-object", UNKNOWN, NO_WRITE},
      {"overwrite", UNKNOWN, NO_WRITE},
      {"clock", UNKNOWN, NO_WRITE},
      {"list-paging", UNKNOWN, NO_WRITE},
      {"key-characters", UNKNOWN, NO_WRITE},
      {"create-only", UNKNOWN, NO_WRITE},
      {"create-only-race", UNKNOWN, NO_WRITE},
      {"delete", UNKNOWN, NO_WRITE},
      {"delete-missing", UNKNOWN, NO_WRITE},
      {"role-subtask", NOTE, "one can't write"},
      {"role-coordinator", NOTE, "one can't write"},
      {"role-gc", NOTE, "one can't write, delete"}}},
    {"no deletes",
     STORE_ODD_DENIES_DELETES,
     CAIRN_SAFETY_FENCED,
     SIZE_MAX,
     {{"list-paging", UNKNOWN, "1050 objects would stay"},
      {"delete", NOTE, "cairn gc"},
      {"delete-missing", UNKNOWN, "may not be deleted"},
      {"role-gc", NOTE, "one can't delete"},
      {"clean-up", NOTE, "could not be deleted"}}},
    {"no lists",
     STORE_ODD_DENIES_LISTS,
     CAIRN_SAFETY_NONE,
     0,
     {{"list-after-write", BAD, "403"},
      {"list-paging", UNKNOWN, "could not be listed"},
      {"key-characters", UNKNOWN, "could not be listed"},
      {"role-coordinator", NOTE, "one can't list"},
      {"role-gc", NOTE, "one can't list"},
      {"role-restore", NOTE, "one can't list"}}},
    {"absent looks denied",
     STORE_ODD_HIDES_ABSENCE,
     CAIRN_SAFETY_FENCED,
     0,
     {{"not-found", BAD, "'access' instead of 'not-found'"},
      {"delete", BAD, "403"},
      {"role-gc", NOTE, "delete"}}},
    {"deletes nothing",
     STORE_ODD_DELETES_NOTHING,
     CAIRN_SAFETY_FENCED,
     SIZE_MAX,
     {{"delete", BAD, "still there"}, {"role-gc", NOTE, "delete"}}},
    {"misses deletes",
     STORE_ODD_MISSES_DELETES,
     CAIRN_SAFETY_FENCED,
     0,
     {{"delete-missing", BAD, "404"}}},
    {"lists one page",
     STORE_ODD_LISTS_ONE_PAGE,
     CAIRN_SAFETY_NONE,
     SIZE_MAX,
     {{"list-paging", BAD, "50 are missing"}}},
    {"lists twice",
     STORE_ODD_LISTS_TWICE,
     CAIRN_SAFETY_NONE,
     0,
     {{"list-after-write", OK, ""},
      {"list-paging", BAD, "2 come more than once"},
      {"key-characters", NOTE, "'a b'"}}},
    {"keeps old bytes",
     STORE_ODD_KEEPS_OLD,
     CAIRN_SAFETY_SINGLE,
     0,
     {{"overwrite", NOTE, "old bytes"},
      {"create-only", BAD, "was accepted"},
      {"create-only-race", UNKNOWN, ""}}},
    {"short ranges",
     STORE_ODD_SHORT_RANGES,
     CAIRN_SAFETY_FENCED,
     0,
     {{"range-beyond-end", BAD, "succeeds"}}},
    {"clock behind", STORE_ODD_CLOCK_BEHIND, CAIRN_SAFETY_FENCED, 0, {{"clock", NOTE, "s behind"}}},
    {"no blanks",
     STORE_ODD_REFUSES_BLANKS,
     CAIRN_SAFETY_FENCED,
     0,
     {{"key-characters", NOTE, "(no job needs them): 'a b'"}}},
    {"loses objects",
     STORE_ODD_LOSES_OBJECTS,
     CAIRN_SAFETY_NONE,
     0,
     {{"read-after-write", BAD, "no object"},
      {"range", BAD, "no object"},
      {"range-beyond-end", BAD, "'not-found'"},
      {"empty-object", BAD, "no object"},
      {"overwrite", BAD, "no object"},
      {"clock", BAD, "no object"},
      {"list-after-write", BAD, "listed 0 times"},
      {"list-paging", BAD, "1050 are missing"},
      {"key-characters", NOTE, "'a b'"},
      {"create-only", BAD, "was accepted"},
      {"create-only-race", UNKNOWN, ""},
      {"role-coordinator", NOTE, "read"},
      {"role-gc", NOTE, "read"},
      {"role-restore", NOTE, "read"}}},
    {"examines itself", STORE_ODD_EXAMINES, CAIRN_SAFETY_FENCED, 0, {{"odd", OK, "/driver"}}},
    {"can't examine itself",
     STORE_ODD_FAILS_TO_EXAMINE,
     CAIRN_SAFETY_FENCED,
     0,
     {{"driver", BAD, "403"}}},
};

static bool is_expected(const examine_case *c, const seen_finding *finding)
{
    cairn_verdict verdict = CAIRN_VERDICT_OK;
    const char *text = "";

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(c->expected) && c->expected[i].name != NULL; i++) {
        if (strcmp(c->expected[i].name, finding->name) == 0) {
            verdict = c->expected[i].verdict;
            text = c->expected[i].text;
        }
    }
    return finding->verdict == verdict && strstr(finding->detail, text) != NULL;
}

static void run_case(const examine_case *c)
{
    fixture f = {0};

    set_up(&f, c->quirks);
    examine(f.odd, NULL, &f.seen);

    ASSERT_OK(f.seen.code, &f.seen.err);
    for (size_t i = 0; i < f.seen.count; i++) {
        const seen_finding *finding = &f.seen.findings[i];
        if (!is_expected(c, finding)) {
            fail_msg("case '%s': %s is %d: %s", c->name, finding->name, (int)finding->verdict,
                     finding->detail);
        }
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(c->expected) && c->expected[i].name != NULL; i++) {
        if (find(&f.seen, c->expected[i].name) == NULL) {
            fail_msg("case '%s': no finding %s", c->name, c->expected[i].name);
        }
    }
    if (f.seen.safety != c->safety || (c->left != SIZE_MAX && objects_left(&f) != c->left)) {
        fail_msg("case '%s': safety %d, %zu objects are left", c->name, (int)f.seen.safety,
                 objects_left(&f));
    }
    tear_down(&f);
}

static void each_kind_of_store_is_seen_as_what_it_is(void **state)
{
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        run_case(&cases[i]);
    }
}

static void single_failures_are_no_findings(void **state)
{
    fixture f = {0};
    (void)state;
    set_up(&f, 0);
    for (uint64_t nth = 3; nth <= 45; nth += 3) {
        store_fault_add(f.fault, &(store_fault_rule){.ops = STORE_FAULT_ALL, .nth = nth});
    }

    examine(store_fault_store(f.fault), NULL, &f.seen);

    ASSERT_OK(f.seen.code, &f.seen.err);
    assert_int_equal(f.seen.safety, CAIRN_SAFETY_FENCED);
    for (size_t i = 0; i < f.seen.count; i++) {
        assert_int_equal(f.seen.findings[i].verdict, CAIRN_VERDICT_OK);
    }
    assert_int_equal(store_fault_hits(f.fault), 15);
    tear_down(&f);
}

static void a_question_without_an_answer_is_unknown(void **state)
{
    static const struct {
        store_fault_op op;
        const char *name;
    } rows[] = {{STORE_FAULT_GET_RANGE, "range-beyond-end"},
                {STORE_FAULT_GET, "not-found"},
                {STORE_FAULT_STAT, "not-found"}};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        fixture f = {0};
        set_up(&f, 0);
        const bool is_range = rows[i].op == STORE_FAULT_GET_RANGE;
        store_fault_add(f.fault, &(store_fault_rule){.ops = rows[i].op,
                                                     .key = is_range ? NULL : "*/missing",
                                                     .nth = is_range ? 2 : 1,
                                                     .always = true});

        examine(store_fault_store(f.fault), NULL, &f.seen);

        ASSERT_OK(f.seen.code, &f.seen.err);
        const seen_finding *finding = find(&f.seen, rows[i].name);
        assert_non_null(finding);
        assert_int_equal(finding->verdict, CAIRN_VERDICT_UNKNOWN);
        assert_int_equal(f.seen.safety, CAIRN_SAFETY_FENCED);
        tear_down(&f);
    }
}

static void a_store_that_is_away_is_an_error_and_no_finding(void **state)
{
    fixture f = {0};
    (void)state;
    set_up(&f, 0);
    store_fault_add(f.fault, &(store_fault_rule){.always = true});

    examine(store_fault_store(f.fault), NULL, &f.seen);

    ASSERT_CODE(f.seen.code, CAIRN_E_UNAVAILABLE, &f.seen.err);
    ASSERT_MESSAGE_HAS(&f.seen.err, "examine odd:");
    assert_int_equal(f.seen.count, 0);
    assert_int_equal(f.seen.safety, 77);
    assert_int_equal(store_fault_calls(f.fault, STORE_FAULT_ALL), CAIRN_RETRY_ATTEMPTS_MAX);
    tear_down(&f);
}

static void trigger(void *context, const char *key)
{
    (void)key;
    cairn_cancel_trigger(context);
}

/* Wherever it ends: nothing stays. */
static void a_cancel_ends_it_and_leaves_nothing(void **state)
{
    static const uint64_t turns[] = {1, 2, 3, 50, 1000, 1060, 1080, 1100, 1114};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(turns); i++) {
        fixture f = {0};
        cairn_cancel *cancel = NULL;
        set_up(&f, 0);
        ASSERT_OK(cairn_cancel_new(&cancel, NULL), NULL);
        const cairn_call call = {0, cancel};
        store_fault_add(f.fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                     .nth = turns[i],
                                                     .action = STORE_FAULT_HOOK,
                                                     .hook = trigger,
                                                     .context = cancel});
        examine(store_fault_store(f.fault), &call, &f.seen);
        ASSERT_CODE(f.seen.code, CAIRN_E_CANCELLED, &f.seen.err);
        assert_int_equal(f.seen.safety, 77);
        assert_int_equal(objects_left(&f), 0);
        cairn_cancel_free(cancel);
        tear_down(&f);
    }
}

static void what_is_missing_is_refused(void **state)
{
    fixture f = {0};
    cairn_safety safety = CAIRN_SAFETY_NONE;
    (void)state;
    set_up(&f, 0);

    ASSERT_CODE(cairn_store_examine(NULL, NULL, keep_finding, &f.seen, &safety, NULL),
                CAIRN_E_INVALID, NULL);
    ASSERT_CODE(cairn_store_examine(f.memory, NULL, NULL, NULL, &safety, NULL), CAIRN_E_INVALID,
                NULL);
    ASSERT_CODE(cairn_store_examine(f.memory, NULL, keep_finding, &f.seen, NULL, NULL),
                CAIRN_E_INVALID, NULL);

    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_without_fault_has_only_good_findings),
        cmocka_unit_test(a_directory_has_only_good_findings),
        cmocka_unit_test(each_kind_of_store_is_seen_as_what_it_is),
        cmocka_unit_test(single_failures_are_no_findings),
        cmocka_unit_test(a_question_without_an_answer_is_unknown),
        cmocka_unit_test(a_store_that_is_away_is_an_error_and_no_finding),
        cmocka_unit_test(a_cancel_ends_it_and_leaves_nothing),
        cmocka_unit_test(what_is_missing_is_refused),
    };
    return cmocka_run_group_tests_name("store_examine", tests, NULL, NULL);
}
