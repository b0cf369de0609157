#include "test.h"

#include "bounds.h"
#include "buf.h"
#include "source.h"
#include "tmpdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_NAME "input.txt"

static int setup(void **state)
{
    *state = tmpdir_new();
    return *state == NULL;
}

static int teardown(void **state)
{
    tmpdir_free(*state);
    return 0;
}

static void write_input(const tmpdir *dir, const char *bytes, size_t len, char *path)
{
    FILE *file = fopen(tmpdir_join(dir, PATH_NAME, path), "wbe");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* The next record, or NULL at the end; a stream that idles is asked again. */
static const char *next_record(source *in, char *text, size_t bytes)
{
    source_event event = CAIRN_SOURCE_IDLE;
    cairn_slice record = {0};
    cairn_error err = {0};

    while (event == CAIRN_SOURCE_IDLE) {
        ASSERT_OK(source_next(in, &record, &event, &err), &err);
    }
    if (event == CAIRN_SOURCE_END) {
        return NULL;
    }
    assert_true(record.len < bytes);
    memcpy(text, record.data, record.len);
    text[record.len] = '\0';
    return text;
}

/* Records in [...] one after another. */
static void read_all(source *in, char *out, size_t bytes)
{
    char record[128];

    out[0] = '\0';
    while (next_record(in, record, sizeof(record)) != NULL) {
        const size_t used = strlen(out);
        assert_true((size_t)snprintf(out + used, bytes - used, "[%s]", record) < bytes - used);
    }
}

static void lines_become_records(void **state)
{
    static const struct {
        const char *text;
        const char *records;
        uint64_t count;
    } cases[] = {
        {"", "", 0},
        {"one\n", "[one]", 1},
        {"one", "[one]", 1},
        {"\n", "[]", 1},
        {"one\n\ntwo\n", "[one][][two]", 3},
        {"one\r\ntwo", "[one\r][two]", 2},
    };
    char path[TMPDIR_PATH_BYTES];
    char found[256];

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO_PTR(source_free) source *in = NULL;

        write_input(*state, cases[i].text, strlen(cases[i].text), path);
        ASSERT_OK(source_open(path, &in, NULL), NULL);
        read_all(in, found, sizeof(found));

        assert_string_equal(found, cases[i].records);
        assert_int_equal(source_at(in).records, cases[i].count);
        assert_int_equal(source_at(in).offset, strlen(cases[i].text));
        assert_int_equal(source_total_bytes(in), strlen(cases[i].text));
    }
}

static void what_can_not_be_read_is_refused(void **state)
{
    CAIRN_AUTO_PTR(source_free) source *in = NULL;
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    ASSERT_CODE(source_open(tmpdir_join(*state, "nothing", path), &in, &err), CAIRN_E_NOT_FOUND,
                &err);
    ASSERT_MESSAGE_HAS(&err, "nothing");
    ASSERT_CODE(source_open(((const tmpdir *)*state)->path, &in, &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "folder");
    assert_null(in);
}

/* A record of exactly `len` bytes behind a short one. */
static cairn_code read_long_record(const tmpdir *dir, size_t len, cairn_slice *out, source **in,
                                   cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) text = {0};
    char path[TMPDIR_PATH_BYTES];
    source_event event = CAIRN_SOURCE_IDLE;

    assert_int_equal(buf_reserve(&text, len + 3, NULL), CAIRN_OK);
    memset(text.data, 'x', len + 3);
    text.data[1] = '\n';
    text.data[len + 2] = '\n';
    write_input(dir, (const char *)text.data, len + 3, path);
    CAIRN_TRY(source_open(path, in, err));
    CAIRN_TRY(source_next(*in, out, &event, err));
    return source_next(*in, out, &event, err);
}

static void a_record_of_the_largest_size_is_read_and_a_larger_one_named_by_its_offset(void **state)
{
    CAIRN_AUTO_PTR(source_free) source *largest = NULL;
    CAIRN_AUTO_PTR(source_free) source *larger = NULL;
    cairn_slice record = {0};
    cairn_error err = {0};

    ASSERT_OK(read_long_record(*state, CAIRN_RECORD_LINE_BYTES_MAX, &record, &largest, &err), &err);
    assert_int_equal(record.len, CAIRN_RECORD_LINE_BYTES_MAX);

    ASSERT_CODE(read_long_record(*state, CAIRN_RECORD_LINE_BYTES_MAX + 1, &record, &larger, &err),
                CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "offset 2 ");
}

/* Numbered lines: any cut of the buffer falls into some record. */
static void make_numbers(cairn_buf *out, size_t lines)
{
    for (size_t i = 0; i < lines; i++) {
        assert_int_equal(buf_printf(out, NULL, "line number %zu\n", i), CAIRN_OK);
    }
}

static void assert_numbers(source *in, size_t first, size_t end)
{
    char expected[64];
    char record[64];

    for (size_t i = first; i < end; i++) {
        (void)snprintf(expected, sizeof(expected), "line number %zu", i);
        assert_non_null(next_record(in, record, sizeof(record)));
        assert_string_equal(record, expected);
    }
}

static void records_survive_the_borders_of_the_buffer(void **state)
{
    /* More than the first buffer holds; a guard is taken wherever history may be dropped. */
    enum {
        LINES = 400000,
        GUARDED = 50
    };
    CAIRN_AUTO_PTR(source_free) source *in = NULL;
    CAIRN_AUTO(cairn_buf) text = {0};
    char path[TMPDIR_PATH_BYTES];

    make_numbers(&text, LINES);
    assert_true(text.len > 4 * CAIRN_IO_CHUNK_BYTES);
    write_input(*state, (const char *)text.data, text.len, path);
    ASSERT_OK(source_open(path, &in, NULL), NULL);

    for (size_t i = 0; i < LINES; i += GUARDED) {
        CAIRN_AUTO(cairn_buf) guard = {0};

        assert_numbers(in, i, i + GUARDED);
        assert_int_equal(source_guard(in, &guard, NULL), CAIRN_OK);
    }
    assert_null(next_record(in, (char[8]){0}, 8));
    assert_int_equal(source_at(in).offset, text.len);
}

/* Reads `records` records, notes where that is, and reads on a little, as a worker that dies does.
 */
static source_position read_some(const char *path, size_t records, cairn_buf *guard)
{
    CAIRN_AUTO_PTR(source_free) source *in = NULL;
    char record[64];

    assert_int_equal(source_open(path, &in, NULL), CAIRN_OK);
    for (size_t i = 0; i < records; i++) {
        assert_non_null(next_record(in, record, sizeof(record)));
    }
    assert_int_equal(source_guard(in, guard, NULL), CAIRN_OK);
    return source_at(in);
}

static void a_restored_file_goes_on_behind_the_recorded_position(void **state)
{
    enum {
        LINES = 100000
    };
    static const size_t places[] = {0, 1, 2, 200, 300, 500, 77777, LINES};
    CAIRN_AUTO(cairn_buf) text = {0};
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    make_numbers(&text, LINES);
    write_input(*state, (const char *)text.data, text.len, path);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(places); i++) {
        CAIRN_AUTO_PTR(source_free) source *in = NULL;
        CAIRN_AUTO(cairn_buf) guard = {0};
        CAIRN_AUTO(cairn_buf) again = {0};
        const source_position at = read_some(path, places[i], &guard);

        ASSERT_OK(source_open(path, &in, &err), &err);
        ASSERT_OK(source_restore(in, at, cairn_buf_slice(&guard), &err), &err);
        ASSERT_OK(source_guard(in, &again, &err), &err);

        assert_int_equal(source_at(in).offset, at.offset);
        assert_int_equal(source_at(in).records, places[i]);
        assert_true(cairn_slice_equal(cairn_buf_slice(&guard), cairn_buf_slice(&again)));
        assert_numbers(in, places[i], LINES);
        assert_null(next_record(in, (char[8]){0}, 8));
    }
}

/* Restores to `at` in an input whose bytes were changed meanwhile. */
static cairn_code restore_changed(const tmpdir *dir, const cairn_buf *text, source_position at,
                                  const cairn_buf *guard, cairn_error *err)
{
    CAIRN_AUTO_PTR(source_free) source *in = NULL;
    char path[TMPDIR_PATH_BYTES];

    write_input(dir, (const char *)text->data, text->len, path);
    assert_int_equal(source_open(path, &in, NULL), CAIRN_OK);
    return source_restore(in, at, cairn_buf_slice(guard), err);
}

static void another_input_under_the_same_name_is_refused(void **state)
{
    enum {
        LINES = 10000,
        READ = 5000
    };
    CAIRN_AUTO(cairn_buf) text = {0};
    CAIRN_AUTO(cairn_buf) guard = {0};
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    make_numbers(&text, LINES);
    write_input(*state, (const char *)text.data, text.len, path);
    const source_position at = read_some(path, READ, &guard);
    const size_t watched[] = {0, CAIRN_SOURCE_GUARD_BYTES - 1, at.offset - CAIRN_SOURCE_GUARD_BYTES,
                              at.offset - 1};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(watched); i++) {
        text.data[watched[i]] ^= 1;
        ASSERT_CODE(restore_changed(*state, &text, at, &guard, &err), CAIRN_E_INTEGRITY, &err);
        ASSERT_MESSAGE_HAS(&err, "are not those that were read");
        text.data[watched[i]] ^= 1;
    }
    text.data[at.offset] ^= 1; /* not yet read */
    ASSERT_OK(restore_changed(*state, &text, at, &guard, &err), &err);
    text.len = at.offset - 1;
    ASSERT_CODE(restore_changed(*state, &text, at, &guard, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "fewer than the checkpoint's position");
}

static void a_guard_of_another_version_is_refused(void **state)
{
    CAIRN_AUTO_PTR(source_free) source *in = NULL;
    CAIRN_AUTO(cairn_buf) guard = {0};
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    write_input(*state, "a\n", 2, path);
    const source_position at = read_some(path, 1, &guard);
    guard.data[3] = '9';
    ASSERT_OK(source_open(path, &in, &err), &err);

    ASSERT_CODE(source_restore(in, at, cairn_buf_slice(&guard), &err), CAIRN_E_INCOMPATIBLE, &err);
    ASSERT_CODE(source_restore(in, at, cairn_slice_of("cws1"), &err), CAIRN_E_INCOMPATIBLE, &err);
}

static void a_last_line_that_grew_after_it_was_counted_is_refused(void **state)
{
    CAIRN_AUTO_PTR(source_free) source *in = NULL;
    CAIRN_AUTO(cairn_buf) guard = {0};
    char path[TMPDIR_PATH_BYTES];
    source_event event = CAIRN_SOURCE_IDLE;
    cairn_slice record = {0};
    cairn_error err = {0};

    write_input(*state, "a\nb", 3, path);
    const source_position at = read_some(path, 2, &guard);
    write_input(*state, "a\nbc\n", 5, path);
    ASSERT_OK(source_open(path, &in, &err), &err);
    ASSERT_OK(source_restore(in, at, cairn_buf_slice(&guard), &err), &err);

    ASSERT_CODE(source_next(in, &record, &event, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "offset 3");
}

/* Standard input, replaced by one end of a pipe for the time of a test. */
typedef struct piped {
    int saved;
    int writer;
} piped;

static piped pipe_input(void)
{
    int ends[2];
    piped result = {.saved = dup(STDIN_FILENO)};

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(ends[0]), 0);
    result.writer = ends[1];
    return result;
}

static void write_pipe(const piped *to, const char *text)
{
    assert_int_equal(write(to->writer, text, strlen(text)), strlen(text));
}

static void unpipe_input(piped *from)
{
    if (from->writer >= 0) {
        assert_int_equal(close(from->writer), 0);
    }
    assert_int_equal(dup2(from->saved, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(from->saved), 0);
}

static void close_pipe(piped *to)
{
    assert_int_equal(close(to->writer), 0);
    to->writer = -1;
}

static void standard_input_without_data_is_idle_and_does_not_hang(void **state)
{
    CAIRN_AUTO_PTR(source_free) source *in = NULL;
    source_event event = CAIRN_SOURCE_END;
    cairn_slice record = {0};
    char text[16];

    (void)state;
    piped input = pipe_input();
    assert_int_equal(source_open("-", &in, NULL), CAIRN_OK);

    assert_int_equal(source_next(in, &record, &event, NULL), CAIRN_OK);
    assert_int_equal(event, CAIRN_SOURCE_IDLE);
    write_pipe(&input, "half");
    assert_int_equal(source_next(in, &record, &event, NULL), CAIRN_OK);
    assert_int_equal(event, CAIRN_SOURCE_IDLE);
    assert_int_equal(source_at(in).offset, 0);
    write_pipe(&input, " done\nlast");
    assert_string_equal(next_record(in, text, sizeof(text)), "half done");
    close_pipe(&input);
    assert_string_equal(next_record(in, text, sizeof(text)), "last");
    assert_null(next_record(in, text, sizeof(text)));
    assert_int_equal(source_total_bytes(in), 0);
    unpipe_input(&input);
}

static void restored_standard_input_drops_what_was_read_before(void **state)
{
    CAIRN_AUTO_PTR(source_free) source *in = NULL;
    CAIRN_AUTO(cairn_buf) guard = {0};
    char path[TMPDIR_PATH_BYTES];
    source_event event = CAIRN_SOURCE_END;
    cairn_slice record = {0};
    char text[16];

    write_input(*state, "one\ntwo\nthree\n", 14, path);
    const source_position at = read_some(path, 2, &guard);
    piped input = pipe_input();
    assert_int_equal(source_open("-", &in, NULL), CAIRN_OK);
    assert_int_equal(source_restore(in, at, cairn_buf_slice(&guard), NULL), CAIRN_OK);
    write_pipe(&input, "one\n");

    assert_int_equal(source_next(in, &record, &event, NULL), CAIRN_OK);
    assert_int_equal(event, CAIRN_SOURCE_IDLE);
    assert_int_equal(source_at(in).offset, at.offset);
    write_pipe(&input, "two\nthree\n");
    close_pipe(&input);
    assert_string_equal(next_record(in, text, sizeof(text)), "three");
    assert_int_equal(source_at(in).records, 3);
    assert_null(next_record(in, text, sizeof(text)));
    unpipe_input(&input);
}

static void restored_standard_input_that_is_another_stream_is_refused(void **state)
{
    static const struct {
        const char *stream;
        const char *message;
    } cases[] = {{"one\nTwo\nthree\n", "are not those"}, {"one\n", "before the checkpoint's"}};
    CAIRN_AUTO(cairn_buf) guard = {0};
    char path[TMPDIR_PATH_BYTES];

    write_input(*state, "one\ntwo\nthree\n", 14, path);
    const source_position at = read_some(path, 2, &guard);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO_PTR(source_free) source *in = NULL;
        source_event event = CAIRN_SOURCE_END;
        cairn_slice record = {0};
        cairn_error err = {0};

        piped input = pipe_input();
        write_pipe(&input, cases[i].stream);
        close_pipe(&input);
        ASSERT_OK(source_open("-", &in, &err), &err);
        ASSERT_OK(source_restore(in, at, cairn_buf_slice(&guard), &err), &err);

        ASSERT_CODE(source_next(in, &record, &event, &err), CAIRN_E_INTEGRITY, &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
        unpipe_input(&input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_become_records, setup, teardown),
        cmocka_unit_test_setup_teardown(what_can_not_be_read_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_record_of_the_largest_size_is_read_and_a_larger_one_named_by_its_offset, setup,
            teardown),
        cmocka_unit_test_setup_teardown(records_survive_the_borders_of_the_buffer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restored_file_goes_on_behind_the_recorded_position, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_input_under_the_same_name_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_guard_of_another_version_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_last_line_that_grew_after_it_was_counted_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(standard_input_without_data_is_idle_and_does_not_hang,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(restored_standard_input_drops_what_was_read_before, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(restored_standard_input_that_is_another_stream_is_refused,
                                        setup, teardown),
    };

    return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
