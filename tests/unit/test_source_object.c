/* The source over an object in a store; what it shares with files is in test_source.c. */
#include "test.h"

#include "bounds.h"
#include "buf.h"
#include "source.h"
#include "store_fault.h"
#include "store_mem.h"
#include "stores.h"

#include <stdio.h>
#include <string.h>

#define KEY        "in/lines.txt"
#define LINE_BYTES 12 /* "line 123456\n" */
/* A little more than two chunks, which end within a line. */
#define LINES (2 * (int)(CAIRN_SOURCE_CHUNK_BYTES / LINE_BYTES) + 1000)

typedef struct object_world {
    cairn_store *memory;
    store_fault *fault;
    cairn_store *store;
} object_world;

static int setup(void **state)
{
    object_world *world = mem_calloc(1, sizeof(*world));

    *state = world;
    if (store_mem_new(&world->memory, NULL) != CAIRN_OK ||
        store_fault_new(world->memory, &world->fault, NULL) != CAIRN_OK) {
        return 1;
    }
    world->store = store_fault_store(world->fault);
    return 0;
}

static int teardown(void **state)
{
    object_world *world = *state;

    store_fault_free(world->fault);
    cairn_store_free(world->memory);
    mem_free(world);
    return 0;
}

static void put_text(cairn_store *store, cairn_slice text)
{
    ASSERT_OK(cairn_store_put(store, NULL, KEY, text, CAIRN_PUT_REPLACE, NULL), NULL);
}

static void make_lines(cairn_buf *out, int lines)
{
    out->limit = (size_t)32 << 20;
    for (int i = 0; i < lines; i++) {
        ASSERT_OK(buf_printf(out, NULL, "line %06d\n", i), NULL);
    }
}

static source *open_object(cairn_store *store)
{
    const cairn_call call = {0};
    source *in = NULL;
    cairn_error err = {0};

    ASSERT_OK(source_open_object(store, KEY, &call, &in, &err), &err);
    return in;
}

/* Reads records [first, end), each of which must be its own line. */
static void assert_lines(source *in, int first, int end)
{
    for (int i = first; i < end; i++) {
        source_event event = CAIRN_SOURCE_IDLE;
        cairn_slice record = {0};
        cairn_error err = {0};
        char expected[32];

        (void)snprintf(expected, sizeof(expected), "line %06d", i);
        ASSERT_OK(source_next(in, &record, &event, &err), &err);
        assert_int_equal(event, CAIRN_SOURCE_RECORD);
        assert_true(cairn_slice_equal(record, cairn_slice_of(expected)));
    }
}

static void assert_end(source *in)
{
    source_event event = CAIRN_SOURCE_IDLE;
    cairn_slice record = {0};

    ASSERT_OK(source_next(in, &record, &event, NULL), NULL);
    assert_int_equal(event, CAIRN_SOURCE_END);
}

static void an_object_of_several_chunks_is_read_line_by_line_in_few_requests(void **state)
{
    const object_world *world = *state;
    CAIRN_AUTO(cairn_buf) text = {0};

    make_lines(&text, LINES);
    put_text(world->memory, cairn_buf_slice(&text));
    source *in CAIRN_AUTO_PTR(source_free) = open_object(world->store);

    assert_lines(in, 0, LINES);
    assert_end(in);
    assert_int_equal(source_total_bytes(in), text.len);
    assert_int_equal(source_at(in).offset, text.len);
    assert_int_equal(source_at(in).records, LINES);
    assert_non_null(strstr(source_name(in), KEY));
    assert_int_equal(store_fault_calls(world->fault, STORE_FAULT_GET_RANGE), 3);
}

static void an_empty_object_has_no_record_and_an_absent_one_is_not_found(void **state)
{
    const object_world *world = *state;
    const cairn_call call = {0};
    source *absent = NULL;
    cairn_error err = {0};

    ASSERT_CODE(source_open_object(world->store, KEY, &call, &absent, &err), CAIRN_E_NOT_FOUND,
                &err);
    ASSERT_MESSAGE_HAS(&err, KEY);
    assert_null(absent);
    put_text(world->memory, cairn_slice_of(""));
    source *in CAIRN_AUTO_PTR(source_free) = open_object(world->store);
    assert_end(in);
}

static void a_restored_object_goes_on_behind_the_recorded_position(void **state)
{
    static const int places[] = {0, 1, 300, 400, LINES / 2, LINES - 1, LINES};
    const object_world *world = *state;
    CAIRN_AUTO(cairn_buf) text = {0};

    make_lines(&text, LINES);
    put_text(world->memory, cairn_buf_slice(&text));
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(places); i++) {
        source *before CAIRN_AUTO_PTR(source_free) = open_object(world->store);
        source *in CAIRN_AUTO_PTR(source_free) = open_object(world->store);
        CAIRN_AUTO(cairn_buf) guard = {0};
        cairn_error err = {0};

        assert_lines(before, 0, places[i]);
        ASSERT_OK(source_guard(before, &guard, &err), &err);
        ASSERT_OK(source_restore(in, source_at(before), cairn_buf_slice(&guard), &err), &err);
        assert_int_equal(source_at(in).records, places[i]);
        assert_lines(in, places[i], LINES);
        assert_end(in);
    }
}

static void another_object_under_the_same_key_is_refused_at_the_restore(void **state)
{
    enum {
        READ = 5000
    };
    const object_world *world = *state;
    CAIRN_AUTO(cairn_buf) text = {0};
    CAIRN_AUTO(cairn_buf) guard = {0};
    cairn_error err = {0};

    make_lines(&text, 2 * READ);
    put_text(world->memory, cairn_buf_slice(&text));
    source *before CAIRN_AUTO_PTR(source_free) = open_object(world->store);
    assert_lines(before, 0, READ);
    ASSERT_OK(source_guard(before, &guard, NULL), NULL);
    const source_position at = source_at(before);
    const struct {
        size_t flip; /* of this byte; SIZE_MAX: none */
        size_t len;
        const char *message; /* NULL: it may go on */
    } cases[] = {
        {0, text.len, "are not those that were read"},
        {at.offset - 1, text.len, "are not those that were read"},
        {SIZE_MAX, at.offset - 1, "fewer than the checkpoint's position"},
        {at.offset, text.len, NULL},
        {SIZE_MAX, at.offset, NULL},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) changed = {.limit = text.limit};

        ASSERT_OK(buf_append(&changed, text.data, cases[i].len, NULL), NULL);
        if (cases[i].flip != SIZE_MAX) {
            changed.data[cases[i].flip] ^= 1;
        }
        put_text(world->memory, cairn_buf_slice(&changed));
        source *in CAIRN_AUTO_PTR(source_free) = open_object(world->store);
        if (cases[i].message == NULL) {
            ASSERT_OK(source_restore(in, at, cairn_buf_slice(&guard), &err), &err);
        } else {
            ASSERT_CODE(source_restore(in, at, cairn_buf_slice(&guard), &err), CAIRN_E_INTEGRITY,
                        &err);
            ASSERT_MESSAGE_HAS(&err, cases[i].message);
        }
    }
}

static void an_object_that_changes_while_it_is_read_is_refused(void **state)
{
    const object_world *world = *state;
    CAIRN_AUTO(cairn_buf) text = {0};
    source_event event = CAIRN_SOURCE_RECORD;
    cairn_slice record = {0};
    cairn_error err = {0};
    cairn_code code = CAIRN_OK;

    make_lines(&text, LINES);
    put_text(world->memory, cairn_buf_slice(&text));
    source *in CAIRN_AUTO_PTR(source_free) = open_object(world->store);
    assert_lines(in, 0, 10);
    text.len += LINE_BYTES; /* grown, so that only the look behind a chunk can tell */
    put_text(world->memory, cairn_buf_slice(&text));

    while (code == CAIRN_OK && event == CAIRN_SOURCE_RECORD) {
        code = source_next(in, &record, &event, &err);
    }
    ASSERT_CODE(code, CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "changed while it was read");
    ASSERT_MESSAGE_HAS(&err, KEY);
    assert_true(source_at(in).offset < CAIRN_SOURCE_CHUNK_BYTES);
}

static void a_store_that_fails_is_no_end_of_the_input(void **state)
{
    const object_world *world = *state;
    source_event event = CAIRN_SOURCE_END;
    cairn_slice record = {0};
    cairn_error err = {0};

    put_text(world->memory, cairn_slice_of("line 000000\n"));
    source *in CAIRN_AUTO_PTR(source_free) = open_object(world->store);
    store_fault_add(world->fault,
                    &(store_fault_rule){.ops = STORE_FAULT_GET_RANGE, .code = CAIRN_E_UNAVAILABLE});
    ASSERT_CODE(source_next(in, &record, &event, &err), CAIRN_E_UNAVAILABLE, &err);
    ASSERT_MESSAGE_HAS(&err, "read ");
    assert_lines(in, 0, 1);
    assert_end(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            an_object_of_several_chunks_is_read_line_by_line_in_few_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_empty_object_has_no_record_and_an_absent_one_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restored_object_goes_on_behind_the_recorded_position,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(another_object_under_the_same_key_is_refused_at_the_restore,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_object_that_changes_while_it_is_read_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_store_that_fails_is_no_end_of_the_input, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
