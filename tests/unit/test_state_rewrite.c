/* What a rewriting makes of the bytes in an engine's table: stamps, elements, what has expired. */
#include "test.h"

#include "alloc_sweep.h"
#include "errors.h"
#include "state_key.h"
#include "state_rewrite.h"
#include "state_stamp.h"
#include "state_world.h"

#define PARALLELISM 128
#define TTL_MS      50

#define AT_50  "\0\0\0\0\0\0\0\x32"
#define AT_51  "\0\0\0\0\0\0\0\x33"
#define AT_100 "\0\0\0\0\0\0\0\x64"
#define BYTES(text)              \
    {                            \
        (text), sizeof(text) - 1 \
    }
#define NOTHING \
    {           \
        NULL, 0 \
    }

static char serializer_id[] = "text";
static char state_name[] = "t";

static cairn_state_info info_of(cairn_state_kind kind, uint32_t version, uint64_t ttl_ms)
{
    return (cairn_state_info){.name = state_name,
                              .kind = kind,
                              .key_serializer = {serializer_id, 1},
                              .value_serializer = {serializer_id, version},
                              .ttl_ms = ttl_ms};
}

static cairn_code put_in_brackets(void *context, cairn_slice old_bytes, cairn_buf *out,
                                  cairn_error *err)
{
    (void)context;
    CAIRN_TRY(cairn_buf_assign(out, cairn_slice_of("["), err));
    CAIRN_TRY(buf_append(out, old_bytes.data, old_bytes.len, err));
    return buf_append_byte(out, ']', err);
}

static const cairn_migration brackets = {serializer_id, 1, put_in_brackets, NULL};

/* --- a table ---------------------------------------------------------------------------------- */

typedef struct fixture {
    tmpdir *dir;
    state_engine *engine;
    state_table *table;
    cairn_buf key;
    state_place place;
} fixture;

static void open_table(fixture *f, const state_engine_kind *kind, cairn_state_kind of)
{
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    *f = (fixture){.dir = tmpdir_new()};
    assert_non_null(f->dir);
    ASSERT_OK(kind->open(tmpdir_join(f->dir, "db", path), &f->engine, &err), &err);
    ASSERT_OK(f->engine->ops->create_table(f->engine, state_name, of, &f->table, &err), &err);
}

static void close_table(fixture *f)
{
    cairn_buf_release(&f->key);
    state_engine_close(f->engine);
    tmpdir_free(f->dir);
}

/* The place of `key`, with user key "u" in a map. */
static const state_place *place_of(fixture *f, cairn_state_kind kind, const char *key)
{
    const cairn_slice bytes = cairn_slice_of(key);
    const uint32_t key_group = cairn_key_group_of(bytes, PARALLELISM);

    ASSERT_OK(state_key_begin(&f->key, key_group, PARALLELISM, bytes, NULL), NULL);
    ASSERT_OK(state_key_append_namespace(&f->key, (cairn_slice){NULL, 0}, NULL), NULL);
    const size_t prefix_bytes = f->key.len;
    ASSERT_OK(buf_append(&f->key, "u", kind == CAIRN_STATE_MAP ? 1 : 0, NULL), NULL);
    f->place = (state_place){cairn_buf_slice(&f->key), key_group, prefix_bytes};
    return &f->place;
}

static void put(fixture *f, cairn_state_kind kind, const char *key, cairn_slice bytes)
{
    ASSERT_OK(f->table->ops->put(f->table, place_of(f, kind, key), bytes, NULL), NULL);
}

/* NULL: there is nothing. */
static void expect(fixture *f, cairn_state_kind kind, const char *key, cairn_slice wanted)
{
    cairn_slice found = {NULL, 0};
    bool is_there = false;

    ASSERT_OK(f->table->ops->get(f->table, place_of(f, kind, key), &found, &is_there, NULL), NULL);
    assert_int_equal(is_there, wanted.data != NULL);
    assert_true(cairn_slice_equal(found, wanted));
}

/* --- forms ------------------------------------------------------------------------------------ */

typedef struct form_case {
    const char *name;
    cairn_state_kind kind;
    uint64_t from_ttl_ms;
    uint64_t to_ttl_ms;
    bool migrates;
    cairn_slice stored;
    cairn_slice wanted; /* NULL: removed */
} form_case;

static const form_case form_cases[] = {
    {"a value gets a stamp", CAIRN_STATE_VALUE, 0, TTL_MS, false, BYTES("abc"),
     BYTES(AT_100 "abc")},
    {"an empty value gets a stamp", CAIRN_STATE_VALUE, 0, TTL_MS, false, BYTES(""), BYTES(AT_100)},
    {"a value loses its stamp", CAIRN_STATE_VALUE, TTL_MS, 0, false, BYTES(AT_100 "abc"),
     BYTES("abc")},
    {"a value that is about to expire is kept", CAIRN_STATE_VALUE, TTL_MS, 0, false,
     BYTES(AT_51 "abc"), BYTES("abc")},
    {"a value that has expired is removed with its stamp", CAIRN_STATE_VALUE, TTL_MS, 0, false,
     BYTES(AT_50 "abc"), NOTHING},
    {"a value is converted behind its stamp, expired or not", CAIRN_STATE_VALUE, TTL_MS, 1, true,
     BYTES(AT_50 "abc"), BYTES(AT_50 "[abc]")},
    {"a value is converted and gets a stamp", CAIRN_STATE_VALUE, 0, TTL_MS, true, BYTES("abc"),
     BYTES(AT_100 "[abc]")},
    {"a value is converted and loses its stamp", CAIRN_STATE_VALUE, TTL_MS, 0, true,
     BYTES(AT_100 "abc"), BYTES("[abc]")},
    {"an entry of a map gets a stamp", CAIRN_STATE_MAP, 0, TTL_MS, false, BYTES("abc"),
     BYTES(AT_100 "abc")},
    {"an entry of a map loses its stamp", CAIRN_STATE_MAP, TTL_MS, 0, false, BYTES(AT_100 "abc"),
     BYTES("abc")},
    {"an entry of a map that has expired is removed", CAIRN_STATE_MAP, TTL_MS, 0, false,
     BYTES(AT_50 "abc"), NOTHING},
    {"a reduced value gets a stamp", CAIRN_STATE_REDUCING, 0, TTL_MS, false, BYTES("abc"),
     BYTES(AT_100 "abc")},
    {"an accumulator loses its stamp", CAIRN_STATE_AGGREGATING, TTL_MS, 0, false,
     BYTES(AT_100 "abc"), BYTES("abc")},
    {"each element gets a stamp", CAIRN_STATE_LIST, 0, TTL_MS, false, BYTES("\3abc\0"),
     BYTES("\x0b" AT_100 "abc"
           "\x08" AT_100)},
    {"each element is converted", CAIRN_STATE_LIST, 0, 0, true, BYTES("\3abc\0\1x"),
     BYTES("\5[abc]\2[]\3[x]")},
    {"each element loses its stamp, and those that have expired go", CAIRN_STATE_LIST, TTL_MS, 0,
     false,
     BYTES("\x09" AT_50 "a"
           "\x09" AT_51 "b"
           "\x08" AT_50 "\x09" AT_100 "c"),
     BYTES("\1b\1c")},
    {"a list of which all has expired is removed", CAIRN_STATE_LIST, TTL_MS, 0, false,
     BYTES("\x09" AT_50 "a"
           "\x08" AT_50),
     NOTHING},
    {"each element is converted behind its stamp", CAIRN_STATE_LIST, TTL_MS, TTL_MS, true,
     BYTES("\x09" AT_50 "a"
           "\x08" AT_100),
     BYTES("\x0b" AT_50 "[a]"
           "\x0a" AT_100 "[]")},
};

static void run_form(const state_engine_kind *engine, const form_case *row)
{
    const cairn_state_info from = info_of(row->kind, 1, row->from_ttl_ms);
    const cairn_state_info to = info_of(row->kind, row->migrates ? 2 : 1, row->to_ttl_ms);
    const state_rewrite rewrite = {&from, &to, row->migrates ? &brackets : NULL, PARALLELISM, 100};
    fixture f;
    bool begun = false;
    cairn_error err = {0};

    open_table(&f, engine, row->kind);
    put(&f, row->kind, "a", row->stored);
    put(&f, row->kind, "b", row->stored);
    assert_true(state_rewrite_is_needed(&rewrite));
    ASSERT_OK(state_rewrite_run(f.table, &rewrite, &begun, &err), &err);
    assert_true(begun);
    expect(&f, row->kind, "a", row->wanted);
    expect(&f, row->kind, "b", row->wanted);
    close_table(&f);
}

static void each_form_becomes_each_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        for (size_t j = 0; j < CAIRN_ARRAY_LEN(form_cases); j++) {
            print_message("%s: %s\n", state_engine_kinds[i].name, form_cases[j].name);
            run_form(&state_engine_kinds[i], &form_cases[j]);
        }
    }
}

static void the_same_form_needs_no_rewriting(void **state)
{
    static const uint64_t ttls[] = {0, TTL_MS, 1};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(ttls); i++) {
        for (size_t j = 0; j < CAIRN_ARRAY_LEN(ttls); j++) {
            const cairn_state_info from = info_of(CAIRN_STATE_VALUE, 1, ttls[i]);
            const cairn_state_info to = info_of(CAIRN_STATE_VALUE, 1, ttls[j]);
            const state_rewrite rewrite = {&from, &to, NULL, PARALLELISM, 100};

            assert_int_equal(state_rewrite_is_needed(&rewrite), (ttls[i] == 0) != (ttls[j] == 0));
        }
    }
}

static void an_expiry_beyond_the_end_of_time_never_comes(void **state)
{
    (void)state;
    assert_false(stamp_is_expired(UINT64_MAX - 5, 6, UINT64_MAX));
    assert_true(stamp_is_expired(UINT64_MAX - 6, 6, UINT64_MAX));
    assert_false(stamp_is_expired(1, UINT64_MAX, UINT64_MAX));
}

/* --- failures --------------------------------------------------------------------------------- */

static void bytes_of_no_form_are_damage(void **state)
{
    static const struct {
        cairn_state_kind kind;
        cairn_slice stored;
        const char *message;
    } cases[] = {
        {CAIRN_STATE_VALUE, BYTES("1234567"), "of 7 bytes has no time of its last access"},
        {CAIRN_STATE_LIST,
         BYTES("\7"
               "1234567"),
         "of 7 bytes has no time of its last access"},
        {CAIRN_STATE_LIST, BYTES("\x09" AT_100), "no element begins at byte 0 of its 9"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const cairn_state_info from = info_of(cases[i].kind, 1, TTL_MS);
        const cairn_state_info to = info_of(cases[i].kind, 1, 0);
        const state_rewrite rewrite = {&from, &to, NULL, PARALLELISM, 100};
        fixture f;
        bool begun = true;
        cairn_error err = {0};

        open_table(&f, &state_engine_kinds[0], cases[i].kind);
        put(&f, cases[i].kind, "a", cases[i].stored);
        ASSERT_CODE(state_rewrite_run(f.table, &rewrite, &begun, &err), CAIRN_E_INTEGRITY, &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
        assert_false(begun);
        expect(&f, cases[i].kind, "a", cases[i].stored);
        close_table(&f);
    }
}

/* A table that does all but write. */
typedef struct full_table {
    state_table base;
    state_table *inner;
} full_table;

static cairn_code full_put(state_table *self, const state_place *place, cairn_slice value,
                           cairn_error *err)
{
    (void)self;
    (void)place;
    (void)value;
    return error_set(err, CAIRN_E_NO_SPACE, "planted");
}

static cairn_code full_scan(state_table *self, state_cursor **out, cairn_error *err)
{
    state_table *const inner = ((full_table *)self)->inner;

    return inner->ops->scan(inner, out, err);
}

static void a_write_that_fails_may_have_been_done(void **state)
{
    static const state_table_ops ops = {.put = full_put, .scan = full_scan};
    const cairn_state_info from = info_of(CAIRN_STATE_VALUE, 1, 0);
    const cairn_state_info to = info_of(CAIRN_STATE_VALUE, 2, 0);
    const state_rewrite rewrite = {&from, &to, &brackets, PARALLELISM, 100};
    fixture f;
    bool begun = false;
    cairn_error err = {0};
    (void)state;

    open_table(&f, &state_engine_kinds[0], CAIRN_STATE_VALUE);
    put(&f, CAIRN_STATE_VALUE, "a", (cairn_slice)BYTES("abc"));
    full_table table = {{&ops}, f.table};
    ASSERT_CODE(state_rewrite_run(&table.base, &rewrite, &begun, &err), CAIRN_E_NO_SPACE, &err);
    ASSERT_MESSAGE_HAS(&err, "open state 't': rewrite it from text version 1 to text version 2: "
                             "planted");
    assert_true(begun);
    close_table(&f);
}

static cairn_code convert_to_the_same(void *context, cairn_slice old_bytes, cairn_buf *out,
                                      cairn_error *err)
{
    (void)context;
    (void)old_bytes;
    return cairn_buf_assign(out, cairn_slice_of("the same, whatever it was"), err);
}

static cairn_code rewrite_list(void *context, cairn_error *err)
{
    static const cairn_migration migration = {serializer_id, 1, convert_to_the_same, NULL};
    const cairn_state_info from = info_of(CAIRN_STATE_LIST, 1, 0);
    const cairn_state_info to = info_of(CAIRN_STATE_LIST, 2, 0);
    const state_rewrite rewrite = {&from, &to, &migration, PARALLELISM, 100};
    bool begun = false;

    return state_rewrite_run(((fixture *)context)->table, &rewrite, &begun, err);
}

static void a_lack_of_memory_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        fixture f;

        open_table(&f, &state_engine_kinds[i], CAIRN_STATE_LIST);
        put(&f, CAIRN_STATE_LIST, "a", (cairn_slice)BYTES("\3abc\1x"));
        put(&f, CAIRN_STATE_LIST, "b", (cairn_slice)BYTES("\3abc\1x"));
        alloc_sweep(rewrite_list, &f);
        close_table(&f);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_becomes_each_other),
        cmocka_unit_test(the_same_form_needs_no_rewriting),
        cmocka_unit_test(an_expiry_beyond_the_end_of_time_never_comes),
        cmocka_unit_test(bytes_of_no_form_are_damage),
        cmocka_unit_test(a_write_that_fails_may_have_been_done),
        cmocka_unit_test(a_lack_of_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
