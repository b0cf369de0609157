/* The canonical form holds no entry that its reader refuses. */
#include "test.h"

#include "bounds.h"
#include "state_canonical.h"
#include "tmpdir.h"

#include <stdlib.h>

/* An engine with one table of one row, whose sizes are what a test says. */
typedef struct row_engine {
    state_engine engine;
    state_table table;
    size_t key_bytes;
    size_t value_bytes;
} row_engine;

static row_engine row;
static uint8_t row_key[CAIRN_HEAP_KEY_BYTES_MAX + 1]; /* of key group 0 */

typedef struct row_cursor {
    state_cursor cursor;
    bool given;
} row_cursor;

static bool next(state_cursor *self, cairn_slice *key, cairn_slice *value)
{
    row_cursor *const cursor = (row_cursor *)self;
    const bool first = !cursor->given;

    cursor->given = true;
    *key = (cairn_slice){row_key, row.key_bytes};
    *value = (cairn_slice){"v", row.value_bytes};
    return first;
}

static cairn_code status(const state_cursor *self, cairn_error *err)
{
    (void)self;
    (void)err;
    return CAIRN_OK;
}

static void free_cursor(state_cursor *self)
{
    free(self);
}

static const state_cursor_ops cursor_ops = {next, status, free_cursor};

static cairn_code scan(state_table *self, state_cursor **out, cairn_error *err)
{
    row_cursor *const cursor = calloc(1, sizeof *cursor);

    (void)self;
    (void)err;
    assert_non_null(cursor);
    cursor->cursor.ops = &cursor_ops;
    *out = &cursor->cursor;
    return CAIRN_OK;
}

static state_table *find_table(state_engine *self, const char *name)
{
    (void)self;
    (void)name;
    return &row.table;
}

static const state_table_ops table_ops = {.scan = scan};
static const state_engine_ops engine_ops = {.name = "row", .find_table = find_table};

static cairn_code write_row(size_t key_bytes, size_t value_bytes, cairn_error *err)
{
    char name[] = "grown";
    cairn_state_info info = {.name = name, .kind = CAIRN_STATE_LIST};
    const canonical_states states = {&info, 1, 1, {0, 0}};
    tmpdir *const dir = tmpdir_new();
    char path[TMPDIR_PATH_BYTES];
    uint64_t entries = 0;

    row = (row_engine){{&engine_ops}, {&table_ops}, key_bytes, value_bytes};
    const cairn_code code = state_canonical_write(&row.engine, &states, 0,
                                                  tmpdir_join(dir, "group", path), &entries, err);
    assert_int_equal(entries, code == CAIRN_OK ? 1 : 0);
    tmpdir_free(dir);
    return code;
}

static void an_entry_that_no_reader_takes_is_not_written(void **state)
{
    cairn_error err = {0};

    (void)state;
    ASSERT_OK(write_row(CAIRN_HEAP_KEY_BYTES_MAX, 1, &err), &err);
    ASSERT_CODE(write_row(CAIRN_HEAP_KEY_BYTES_MAX + 1, 1, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "state grown: a key of 524289 bytes");
    ASSERT_CODE(write_row(2, CAIRN_VALUE_BYTES_MAX + 1, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "state grown: a value of 1073741825 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_that_no_reader_takes_is_not_written),
    };

    return cmocka_run_group_tests_name("state_canonical_bounds", tests, NULL, NULL);
}
