/* What becomes of a restored state whose serializer is another than before: on every engine, for
 * every kind. */
#include "test.h"

#include "bounds.h"
#include "errors.h"
#include "form_world.h"

static void rewrite_each_kind(form_world *w)
{
    for (unsigned kind = 0; kind < FORM_KINDS; kind++) {
        form_fill(w, (cairn_state_kind)kind);
    }
    form_restart(w);
    for (unsigned i = 0; i < FORM_KINDS; i++) {
        const cairn_state_kind kind = (cairn_state_kind)i;
        cairn_state_descriptor descriptor = form_describe(kind, 2);
        form_brackets context = {.calls_left = UINT32_MAX};
        const cairn_migration migration = form_from("text", 1, &context);

        descriptor.migrations = &migration;
        descriptor.migration_count = 1;
        const state_world_handle handle = form_open(w, kind, &descriptor);
        form_expect(w, kind, &handle, "[", "]");
    }
    form_restart(w);
    for (unsigned i = 0; i < FORM_KINDS; i++) {
        const cairn_state_kind kind = (cairn_state_kind)i;
        const cairn_state_descriptor descriptor = form_describe(kind, 2);

        const state_world_handle handle = form_open(w, kind, &descriptor);
        form_expect(w, kind, &handle, "[", "]");
    }
}
FORM_ON_EACH_ENGINE(a_migration_rewrites_values_elements_entries_and_accumulators,
                    rewrite_each_kind)

static void refuse_each_kind(form_world *w)
{
    for (unsigned i = 0; i < FORM_KINDS; i++) {
        form_fill(w, (cairn_state_kind)i);
    }
    form_restart(w);
    for (unsigned i = 0; i < FORM_KINDS; i++) {
        const cairn_state_kind kind = (cairn_state_kind)i;
        cairn_state_descriptor descriptor = form_describe(kind, 3);
        form_brackets context = {.calls_left = UINT32_MAX};
        const cairn_migration migration = form_from("text", 2, &context);
        state_world_handle handle = {NULL};
        cairn_error err = {0};

        descriptor.migrations = &migration;
        descriptor.migration_count = 1;
        ASSERT_CODE(form_try_open(w, kind, &descriptor, &handle, &err), CAIRN_E_INCOMPATIBLE, &err);
        ASSERT_MESSAGE_HAS(&err, "its value serializer is text version 1, not text version 3, and "
                                 "no migration");
        assert_null(handle.value);
        assert_int_equal(context.calls, 0);
        descriptor = form_describe(kind, 1);
        handle = form_open(w, kind, &descriptor);
        form_expect(w, kind, &handle, "", "");
    }
}
FORM_ON_EACH_ENGINE(without_a_migration_from_exactly_what_is_stored_it_is_refused, refuse_each_kind)

static void pick_one_of_three(form_world *w)
{
    form_brackets contexts[] = {{UINT32_MAX, 0}, {UINT32_MAX, 0}, {UINT32_MAX, 0}};
    const cairn_migration migrations[] = {form_from("other", 1, &contexts[0]),
                                          form_from("text", 1, &contexts[1]),
                                          form_from("text", 2, &contexts[2])};
    cairn_state_descriptor descriptor = form_describe(CAIRN_STATE_VALUE, 3);

    form_fill(w, CAIRN_STATE_VALUE);
    form_restart(w);
    descriptor.migrations = migrations;
    descriptor.migration_count = CAIRN_ARRAY_LEN(migrations);
    const state_world_handle handle = form_open(w, CAIRN_STATE_VALUE, &descriptor);

    form_expect(w, CAIRN_STATE_VALUE, &handle, "[", "]");
    assert_int_equal(contexts[0].calls, 0);
    assert_int_equal(contexts[1].calls, FORM_PAIRS);
    assert_int_equal(contexts[2].calls, 0);
}
FORM_ON_EACH_ENGINE(of_several_migrations_that_from_the_stored_serializer_runs, pick_one_of_three)

static void open_unchanged(form_world *w)
{
    form_brackets context = {.calls_left = UINT32_MAX};
    const cairn_migration migration = form_from("text", 1, &context);
    cairn_state_descriptor descriptor = form_describe(CAIRN_STATE_LIST, 1);

    form_fill(w, CAIRN_STATE_LIST);
    form_restart(w);
    descriptor.migrations = &migration;
    descriptor.migration_count = 1;
    const state_world_handle handle = form_open(w, CAIRN_STATE_LIST, &descriptor);

    form_expect(w, CAIRN_STATE_LIST, &handle, "", "");
    assert_int_equal(context.calls, 0);
}
FORM_ON_EACH_ENGINE(a_serializer_that_is_the_same_is_not_migrated, open_unchanged)

static void restore_twice(form_world *w)
{
    form_brackets context = {.calls_left = UINT32_MAX};
    const cairn_migration migration = form_from("text", 1, &context);
    cairn_state_descriptor descriptor = form_describe(CAIRN_STATE_MAP, 2);

    form_fill(w, CAIRN_STATE_MAP);
    form_restart(w);
    form_restart(w);
    descriptor.migrations = &migration;
    descriptor.migration_count = 1;
    const state_world_handle handle = form_open(w, CAIRN_STATE_MAP, &descriptor);

    form_expect(w, CAIRN_STATE_MAP, &handle, "[", "]");
}
FORM_ON_EACH_ENGINE(a_state_that_nobody_opened_meanwhile_is_migrated_later, restore_twice)

static void change_what_never_migrates(form_world *w)
{
    form_brackets context = {.calls_left = UINT32_MAX};
    const cairn_migration migrations[] = {form_from("bytes", 1, &context),
                                          form_from("text", 1, &context)};
    cairn_state_descriptor descriptor = form_describe(CAIRN_STATE_VALUE, 1);
    state_world_handle handle = {NULL};
    cairn_error err = {0};

    form_fill(w, CAIRN_STATE_VALUE);
    form_restart(w);
    descriptor.migrations = migrations;
    descriptor.migration_count = CAIRN_ARRAY_LEN(migrations);
    descriptor.key_serializer = "string";
    ASSERT_CODE(form_try_open(w, CAIRN_STATE_VALUE, &descriptor, &handle, &err),
                CAIRN_E_INCOMPATIBLE, &err);
    ASSERT_MESSAGE_HAS(&err, "key serializer is bytes version 1, not string version 1; keys are "
                             "never migrated");
    descriptor.key_serializer = "bytes";
    descriptor.value_serializer_version = 2;
    ASSERT_CODE(form_try_open(w, CAIRN_STATE_LIST, &descriptor, &handle, &err),
                CAIRN_E_INCOMPATIBLE, &err);
    ASSERT_MESSAGE_HAS(&err, "its kind is value, not list");
    assert_int_equal(context.calls, 0);
}
FORM_ON_EACH_ENGINE(keys_and_kinds_never_migrate, change_what_never_migrates)

static void reopen_with_another(form_world *w)
{
    form_brackets context = {.calls_left = UINT32_MAX};
    const cairn_migration migration = form_from("text", 1, &context);
    cairn_state_descriptor descriptor = form_describe(CAIRN_STATE_VALUE, 1);
    state_world_handle handle = {NULL};
    cairn_error err = {0};

    form_fill(w, CAIRN_STATE_VALUE);
    form_restart(w);
    const state_world_handle first = form_open(w, CAIRN_STATE_VALUE, &descriptor);
    descriptor.value_serializer_version = 2;
    descriptor.migrations = &migration;
    descriptor.migration_count = 1;

    ASSERT_CODE(form_try_open(w, CAIRN_STATE_VALUE, &descriptor, &handle, &err),
                CAIRN_E_INCOMPATIBLE, &err);
    ASSERT_MESSAGE_HAS(&err, "it is open with value serializer text version 1");
    form_expect(w, CAIRN_STATE_VALUE, &first, "", "");
}
FORM_ON_EACH_ENGINE(a_state_is_not_rewritten_under_those_who_have_opened_it, reopen_with_another)

static void migrate_nothing(form_world *w)
{
    form_brackets context = {.calls_left = 0};
    const cairn_migration migration = form_from("text", 1, &context);
    cairn_state_descriptor descriptor = form_describe(CAIRN_STATE_LIST, 1);

    (void)form_open(w, CAIRN_STATE_LIST, &descriptor);
    form_restart(w);
    descriptor.value_serializer_version = 2;
    descriptor.migrations = &migration;
    descriptor.migration_count = 1;
    (void)form_open(w, CAIRN_STATE_LIST, &descriptor);

    size_t count = 0;
    const cairn_state_info *const infos = keyed_state_infos(w->states, &count);
    assert_int_equal(count, 1);
    assert_int_equal(infos[0].value_serializer.version, 2);
}
FORM_ON_EACH_ENGINE(a_state_without_entries_changes_its_serializer_alone, migrate_nothing)

/* --- failures --------------------------------------------------------------------------------- */

static cairn_code open_migrating(form_world *w, cairn_state_kind kind, unsigned calls_left,
                                 state_world_handle *out, cairn_error *err)
{
    form_brackets context = {.calls_left = calls_left};
    const cairn_migration migration = form_from("text", 1, &context);
    cairn_state_descriptor descriptor = form_describe(kind, 2);

    descriptor.migrations = &migration;
    descriptor.migration_count = 1;
    return form_try_open(w, kind, &descriptor, out, err);
}

static void fail_at_the_first(form_world *w)
{
    const cairn_state_descriptor descriptor = form_describe(CAIRN_STATE_LIST, 1);
    state_world_handle handle = {NULL};
    cairn_error err = {0};

    form_fill(w, CAIRN_STATE_LIST);
    form_restart(w);
    ASSERT_CODE(open_migrating(w, CAIRN_STATE_LIST, 2, &handle, &err), CAIRN_E_FAILED, &err);
    ASSERT_MESSAGE_HAS(&err, "open state 'list': rewrite it from text version 1 to text version 2: "
                             "planted");

    ASSERT_OK(keyed_state_check(w->states, &err), &err);
    handle = form_open(w, CAIRN_STATE_LIST, &descriptor);
    form_expect(w, CAIRN_STATE_LIST, &handle, "", "");
}
FORM_ON_EACH_ENGINE(a_migration_that_fails_before_it_wrote_changes_nothing, fail_at_the_first)

static void fail_in_the_middle(form_world *w)
{
    const cairn_state_descriptor other = form_describe(CAIRN_STATE_VALUE, 1);
    const cairn_state_descriptor same = form_describe(CAIRN_STATE_MAP, 1);
    state_world_handle handle = {NULL};
    cairn_error err = {0};

    form_fill(w, CAIRN_STATE_VALUE);
    form_fill(w, CAIRN_STATE_MAP);
    form_restart(w);
    ASSERT_OK(keyed_state_check(w->states, &err), &err);
    ASSERT_CODE(open_migrating(w, CAIRN_STATE_MAP, FORM_PAIRS + 1, &handle, &err), CAIRN_E_FAILED,
                &err);

    ASSERT_CODE(keyed_state_check(w->states, &err), CAIRN_E_STATE, &err);
    ASSERT_MESSAGE_HAS(&err, "state 'map' is half rewritten");
    ASSERT_CODE(form_try_open(w, CAIRN_STATE_MAP, &same, &handle, &err), CAIRN_E_STATE, &err);
    ASSERT_CODE(form_try_open(w, CAIRN_STATE_VALUE, &other, &handle, &err), CAIRN_E_STATE, &err);
    ASSERT_CODE(open_migrating(w, CAIRN_STATE_MAP, UINT32_MAX, &handle, &err), CAIRN_E_STATE, &err);
    assert_null(handle.value);
}
FORM_ON_EACH_ENGINE(a_migration_that_fails_in_the_middle_closes_all_states, fail_in_the_middle)

static cairn_code convert_never(void *context, cairn_slice old_bytes, cairn_buf *out,
                                cairn_error *err)
{
    (void)context;
    (void)old_bytes;
    (void)out;
    return error_set(err, CAIRN_E_INTERNAL, "called");
}

static void open_with_bad_migrations(form_world *w)
{
    static const cairn_migration without_from[] = {{NULL, 1, convert_never, NULL}};
    static const cairn_migration bad_from[] = {{"a/b", 1, convert_never, NULL}};
    static const cairn_migration without_convert[] = {{"text", 1, NULL, NULL}};
    static const cairn_migration twice[] = {{"text", 7, convert_never, NULL},
                                            {"text", 6, convert_never, NULL},
                                            {"text", 7, convert_never, NULL}};
    static const struct {
        const cairn_migration *migrations;
        size_t count;
        const char *message;
    } cases[] = {
        {without_from, 1, "serializer that a migration begins at"},
        {bad_from, 1, "serializer that a migration begins at"},
        {without_convert, 1, "the migration from text has no convert"},
        {twice, 3, "two migrations from text version 7"},
        {NULL, 1, "none is named"},
        {twice, CAIRN_MIGRATIONS_MAX + 1, "too many"},
    };
    size_t count = 0;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cairn_state_descriptor descriptor = form_describe(CAIRN_STATE_VALUE, 1);
        state_world_handle handle = {NULL};
        cairn_error err = {0};

        descriptor.migrations = cases[i].migrations;
        descriptor.migration_count = cases[i].count;
        ASSERT_CODE(form_try_open(w, CAIRN_STATE_VALUE, &descriptor, &handle, &err),
                    CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
    }
    (void)keyed_state_infos(w->states, &count);
    assert_int_equal(count, 0);
}
FORM_ON_EACH_ENGINE(migrations_that_make_no_sense_are_invalid, open_with_bad_migrations)

static void open_with_unknown_ttl(form_world *w)
{
    cairn_state_descriptor cases[] = {form_describe(CAIRN_STATE_VALUE, 1),
                                      form_describe(CAIRN_STATE_VALUE, 1)};
    state_world_handle handle = {NULL};

    cases[0].ttl.update = (cairn_ttl_update)7;
    cases[1].ttl.visibility = (cairn_ttl_visibility)7;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        ASSERT_CODE(form_try_open(w, CAIRN_STATE_VALUE, &cases[i], &handle, NULL), CAIRN_E_INVALID,
                    NULL);
    }
}
FORM_ON_EACH_ENGINE(an_unknown_form_of_time_to_live_is_invalid, open_with_unknown_ttl)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_migration_rewrites_values_elements_entries_and_accumulators),
        cmocka_unit_test(without_a_migration_from_exactly_what_is_stored_it_is_refused),
        cmocka_unit_test(of_several_migrations_that_from_the_stored_serializer_runs),
        cmocka_unit_test(a_serializer_that_is_the_same_is_not_migrated),
        cmocka_unit_test(a_state_that_nobody_opened_meanwhile_is_migrated_later),
        cmocka_unit_test(keys_and_kinds_never_migrate),
        cmocka_unit_test(a_state_is_not_rewritten_under_those_who_have_opened_it),
        cmocka_unit_test(a_state_without_entries_changes_its_serializer_alone),
        cmocka_unit_test(a_migration_that_fails_before_it_wrote_changes_nothing),
        cmocka_unit_test(a_migration_that_fails_in_the_middle_closes_all_states),
        cmocka_unit_test(migrations_that_make_no_sense_are_invalid),
        cmocka_unit_test(an_unknown_form_of_time_to_live_is_invalid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
