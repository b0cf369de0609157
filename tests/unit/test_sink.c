#include "test.h"

#include <cairn/dir.h>

#include "bounds.h"
#include "buf.h"
#include "fsutil.h"
#include "model.h"
#include "sink.h"
#include "stores.h"
#include "tmpdir.h"

#include <stdio.h>

typedef struct fixture {
    tmpdir *dir;
    char local[TMPDIR_PATH_BYTES];
    char published[TMPDIR_PATH_BYTES];
    cairn_store *store;
    sink *to;
} fixture;

static int setup(void **state)
{
    fixture *test = mem_calloc(1, sizeof(*test));

    test->dir = tmpdir_new();
    tmpdir_join(test->dir, "local", test->local);
    tmpdir_join(test->dir, "published", test->published);
    *state = test;
    return cairn_dir_store_new(test->published, NULL, &test->store, NULL) != CAIRN_OK ||
           sink_new(test->local, test->store, 0, &test->to, NULL) != CAIRN_OK;
}

static int teardown(void **state)
{
    fixture *test = *state;

    sink_free(test->to);
    cairn_store_free(test->store);
    tmpdir_free(test->dir);
    mem_free(test);
    return 0;
}

static void emit(sink *to, const char *line)
{
    cairn_error err = {0};

    ASSERT_OK(sink_emit(to, cairn_slice_of(line), &err), &err);
}

static void stage(sink *to)
{
    cairn_error err = {0};

    ASSERT_OK(sink_stage(to, &err), &err);
}

static bool publish(sink *to, uint64_t id)
{
    cairn_error err = {0};
    bool created = false;

    ASSERT_OK(sink_publish(to, NULL, id, &created, &err), &err);
    return created;
}

static void assert_object(const fixture *test, const char *name, const char *expected)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    cairn_error err = {0};

    ASSERT_OK(cairn_store_get(test->store, NULL, name, CAIRN_IO_CHUNK_BYTES, &bytes, &err), &err);
    assert_string_equal(buf_text(&bytes), expected);
}

static size_t staged_count(const sink *to)
{
    size_t count = 0;

    (void)sink_staged(to, &count);
    return count;
}

static void assert_nothing_published(const fixture *test)
{
    CAIRN_AUTO(cairn_buf) all = {0};

    model_read_output(test->published, &all);
    assert_int_equal(all.len, 0);
}

static void lines_are_published_under_the_name_of_their_checkpoint(void **state)
{
    const fixture *test = *state;

    emit(test->to, "one");
    emit(test->to, "");
    emit(test->to, "two");
    stage(test->to);

    assert_true(publish(test->to, 7));

    assert_object(test, "part-000000000007-00000", "one\n\ntwo\n");
    assert_int_equal(staged_count(test->to), 0);
}

static void lines_behind_the_barrier_wait_for_the_next_checkpoint(void **state)
{
    const fixture *test = *state;

    emit(test->to, "one");
    stage(test->to);
    emit(test->to, "two");
    assert_true(publish(test->to, 1));
    assert_object(test, "part-000000000001-00000", "one\n");

    stage(test->to);
    assert_true(publish(test->to, 2));

    assert_object(test, "part-000000000002-00000", "two\n");
}

static void a_checkpoint_without_lines_publishes_no_object(void **state)
{
    const fixture *test = *state;

    stage(test->to);

    assert_int_equal(staged_count(test->to), 0);
    assert_false(publish(test->to, 1));
    assert_nothing_published(test);
}

static void segments_of_failed_checkpoints_are_carried_over_in_order(void **state)
{
    const fixture *test = *state;
    static const char *const lines[] = {"one", "two", "three", "four", "five", "six"};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(lines); i++) {
        emit(test->to, lines[i]);
        stage(test->to);
        assert_int_equal(staged_count(test->to), i + 1);
    }
    stage(test->to);

    assert_true(publish(test->to, 9));

    assert_object(test, "part-000000000009-00000", "one\ntwo\nthree\nfour\nfive\nsix\n");
}

static void staged_files_hold_the_lines_and_have_safe_names(void **state)
{
    const fixture *test = *state;
    CAIRN_AUTO(cairn_buf) bytes = {0};
    size_t count = 0;

    emit(test->to, "one");
    stage(test->to);
    emit(test->to, "two");
    stage(test->to);
    const cairn_output_file *files = sink_staged(test->to, &count);

    assert_int_equal(count, 2);
    assert_string_equal(files[0].name, "output-00000000");
    assert_string_equal(files[1].name, "output-00000001");
    assert_int_equal(fs_read_file(files[1].path, 100, &bytes, NULL), CAIRN_OK);
    assert_string_equal(buf_text(&bytes), "two\n");
}

static void publishing_the_same_bytes_again_changes_nothing(void **state)
{
    const fixture *test = *state;

    emit(test->to, "one");
    stage(test->to);
    assert_true(publish(test->to, 1));
    emit(test->to, "one");
    stage(test->to);

    assert_false(publish(test->to, 1));

    assert_object(test, "part-000000000001-00000", "one\n");
    assert_int_equal(staged_count(test->to), 0);
}

static void an_object_with_other_bytes_is_never_overwritten(void **state)
{
    static const char *const others[] = {"two", "another length"};
    const fixture *test = *state;
    cairn_error err = {0};
    bool created = false;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(others); i++) {
        char name[64];
        char line[64];

        (void)snprintf(name, sizeof(name), "part-%012zu-00000", i + 1);
        (void)snprintf(line, sizeof(line), "%s\n", others[i]);
        ASSERT_OK(
            cairn_store_put(test->store, NULL, name, cairn_slice_of(line), CAIRN_PUT_CREATE, &err),
            &err);
        emit(test->to, "one");
        stage(test->to);

        ASSERT_CODE(sink_publish(test->to, NULL, i + 1, &created, &err), CAIRN_E_INTEGRITY, &err);

        ASSERT_MESSAGE_HAS(&err, name);
        assert_object(test, name, line);
        assert_true(publish(test->to, 100 + i));
    }
}

static void what_could_not_be_published_can_be_published_later(void **state)
{
    const fixture *test = *state;
    cairn_cancel *cancel = NULL;
    cairn_error err = {0};
    bool created = false;

    assert_int_equal(cairn_cancel_new(&cancel, NULL), CAIRN_OK);
    cairn_cancel_trigger(cancel);
    const cairn_call call = {.cancel = cancel};
    emit(test->to, "one");
    stage(test->to);
    emit(test->to, "two");
    stage(test->to);

    ASSERT_CODE(sink_publish(test->to, &call, 1, &created, &err), CAIRN_E_CANCELLED, &err);
    assert_nothing_published(test);
    assert_int_equal(staged_count(test->to), 2);
    assert_true(publish(test->to, 1));

    assert_object(test, "part-000000000001-00000", "one\ntwo\n");
    cairn_cancel_free(cancel);
}

/* What cairn_backend_fetch_output does. */
static void fetch(sink *to, const char *text)
{
    const char *path = NULL;
    cairn_error err = {0};

    ASSERT_OK(sink_reserve(to, &path, &err), &err);
    assert_false(fs_exists(path));
    ASSERT_OK(fs_write_file(path, cairn_slice_of(text), &err), &err);
}

static void a_restored_checkpoint_publishes_its_outputs_before_new_lines(void **state)
{
    const fixture *test = *state;

    fetch(test->to, "one\n");
    fetch(test->to, "two\nthree\n");
    assert_true(publish(test->to, 4));
    emit(test->to, "four");
    stage(test->to);
    assert_true(publish(test->to, 6));

    assert_object(test, "part-000000000004-00000", "one\ntwo\nthree\n");
    assert_object(test, "part-000000000006-00000", "four\n");
}

static void a_line_with_a_newline_in_it_is_refused(void **state)
{
    const fixture *test = *state;
    cairn_error err = {0};

    ASSERT_CODE(sink_emit(test->to, cairn_slice_of("a\nb"), &err), CAIRN_E_INVALID, &err);

    stage(test->to);
    assert_int_equal(staged_count(test->to), 0);
}

static void lines_longer_than_the_buffer_stay_in_order(void **state)
{
    const fixture *test = *state;
    CAIRN_AUTO(cairn_buf) line = {0};
    CAIRN_AUTO(cairn_buf) all = {0};
    const size_t len = CAIRN_IO_CHUNK_BYTES + 5;

    assert_int_equal(buf_reserve(&line, len, NULL), CAIRN_OK);
    memset(line.data, 'x', len);
    line.len = len;
    emit(test->to, "before");
    assert_int_equal(sink_emit(test->to, cairn_buf_slice(&line), NULL), CAIRN_OK);
    emit(test->to, "behind");
    stage(test->to);
    assert_true(publish(test->to, 1));

    model_read_output(test->published, &all);
    assert_int_equal(all.len, 7 + len + 1 + 7);
    assert_memory_equal(all.data, "before\nxxx", 10);
    assert_memory_equal(all.data + all.len - 10, "xx\nbehind\n", 10);
}

static void the_spool_folder_begins_empty_and_is_removed_at_the_end(void **state)
{
    fixture *test = *state;
    char spool[TMPDIR_PATH_BYTES];
    sink *next = NULL;

    tmpdir_join(test->dir, "local/output", spool);
    emit(test->to, "lost with the process");
    stage(test->to);

    assert_int_equal(sink_new(test->local, test->store, 0, &next, NULL), CAIRN_OK);
    stage(next);
    assert_int_equal(staged_count(next), 0);
    emit(next, "under the same local name");
    stage(next);
    assert_true(fs_exists(spool));
    sink_free(next);
    assert_false(fs_exists(spool));
}

static void a_bound_ends_the_row_of_failed_checkpoints(void **state)
{
    const fixture *test = *state;
    cairn_error err = {0};

    for (size_t i = 0; i < CAIRN_SINK_SEGMENTS_MAX; i++) {
        const char *path = NULL;
        ASSERT_OK(sink_reserve(test->to, &path, &err), &err);
    }
    emit(test->to, "one too many");

    ASSERT_CODE(sink_stage(test->to, &err), CAIRN_E_LIMIT, &err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_published_under_the_name_of_their_checkpoint),
        TEST(lines_behind_the_barrier_wait_for_the_next_checkpoint),
        TEST(a_checkpoint_without_lines_publishes_no_object),
        TEST(segments_of_failed_checkpoints_are_carried_over_in_order),
        TEST(staged_files_hold_the_lines_and_have_safe_names),
        TEST(publishing_the_same_bytes_again_changes_nothing),
        TEST(an_object_with_other_bytes_is_never_overwritten),
        TEST(what_could_not_be_published_can_be_published_later),
        TEST(a_restored_checkpoint_publishes_its_outputs_before_new_lines),
        TEST(a_line_with_a_newline_in_it_is_refused),
        TEST(lines_longer_than_the_buffer_stay_in_order),
        TEST(the_spool_folder_begins_empty_and_is_removed_at_the_end),
        TEST(a_bound_ends_the_row_of_failed_checkpoints),
    };

    return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
