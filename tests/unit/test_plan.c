/* What a checkpoint uploads and what it re-references, and that a plan without memory is none. */
#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "plan.h"
#include "state_heap.h"

#include <stdio.h>

#define FILES 9

typedef struct planned {
    const char *title;
    const char *name;
    bool in_base;
    fs_stat stored; /* of that name in the base */
    fs_stat local;
    bool fresh;
    const char *key;
} planned;

/* Sorted by name. Device, inode, size and time tell files apart. */
static const planned cases[FILES] = {
    {"a new table", "000007.sst", false, {0}, {10, 1, 7, 70, false}, true, "shared/op/3-aa-5"},
    {"the same table",
     "000008.sst",
     true,
     {11, 1, 8, 80, false},
     {11, 1, 8, 80, false},
     false,
     "shared/op/2-bb-1"},
    {"a table of the same name that is another file",
     "000009.sst",
     true,
     {12, 1, 9, 90, false},
     {12, 1, 90, 90, false},
     true,
     "shared/op/3-aa-6"},
    {"a table that was written again",
     "000010.sst",
     true,
     {13, 1, 10, 90, false},
     {13, 1, 10, 91, false},
     true,
     "shared/op/3-aa-7"},
    {"what is no table, unchanged",
     "CURRENT",
     true,
     {14, 1, 14, 90, false},
     {14, 1, 14, 90, false},
     true,
     "chk-9/op/0/3-aa-CURRENT"},
    {"what is no table, new",
     "MANIFEST-000004",
     false,
     {0},
     {15, 1, 15, 90, false},
     true,
     "chk-9/op/0/3-aa-MANIFEST-000004"},
    {"a group file with another number of changes",
     "kg-3-18.heap",
     false,
     {0},
     {16, 1, 16, 90, false},
     true,
     "shared/op/3-aa-8"},
    {"a group file of the same name, though it is another local file",
     "kg-4-7.heap",
     true,
     {17, 1, 17, 90, false},
     {17, 1, 18, 91, false},
     false,
     "shared/op/2-bb-1"},
    {"a name that is none of a group file",
     "kg-4-7.heap2",
     true,
     {18, 1, 19, 90, false},
     {18, 1, 19, 90, false},
     true,
     "chk-9/op/0/3-aa-kg-4-7.heap2"},
};

static engine_file make_file(const char *name, const fs_stat *stat, const char *key)
{
    engine_file file = {.stat = *stat, .info = {.name = mem_strdup(name), .size = stat->size}};

    if (key != NULL) {
        file.info.key = mem_strdup(key);
        file.info.uploaded_by = 4;
        file.info.first_key_group = 3;
        file.info.last_key_group = 5;
    }
    return file;
}

static engine_files make_local(void)
{
    engine_files files = {.items = mem_calloc(FILES, sizeof(engine_file)), .count = FILES};

    for (size_t i = 0; i < FILES; i++) {
        files.items[i] = make_file(cases[i].name, &cases[i].local, NULL);
    }
    return files;
}

static engine_files make_base(void)
{
    engine_files files = {.items = mem_calloc(FILES, sizeof(engine_file))};

    for (size_t i = 0; i < FILES; i++) {
        if (cases[i].in_base) {
            files.items[files.count++] =
                make_file(cases[i].name, &cases[i].stored, "shared/op/2-bb-1");
        }
    }
    return files;
}

static cairn_code plan(const engine_files *base, engine_files *local, cairn_error *err)
{
    const layout_writer writer = {"op", 0, 3, "aa"};
    uint64_t next_sequence = 5;
    const plan_context context = {9, &writer, base, {0, 127}, &next_sequence};

    return plan_files(&context, local, err);
}

static void each_file_is_uploaded_unless_it_is_a_table_that_the_base_has(void **state)
{
    CAIRN_AUTO(engine_files) base = make_base();
    CAIRN_AUTO(engine_files) local = make_local();
    cairn_error err = {0};
    (void)state;

    ASSERT_OK(plan(&base, &local, &err), &err);

    for (size_t i = 0; i < FILES; i++) {
        const engine_file *file = &local.items[i];
        print_message("%s\n", cases[i].title);
        assert_int_equal(file->fresh, cases[i].fresh);
        assert_string_equal(file->info.name, cases[i].name);
        assert_string_equal(file->info.key, cases[i].key);
        assert_int_equal(file->info.size, cases[i].local.size);
        assert_int_equal(file->info.uploaded_by, cases[i].fresh ? 9 : 4);
        assert_int_equal(file->info.first_key_group, cases[i].fresh ? 0 : 3);
        assert_int_equal(file->info.last_key_group, cases[i].fresh ? 127 : 5);
    }
}

/* One file "kg-4-7.heap" that the engine did not write again. */
static engine_files make_absent(void)
{
    engine_files files = {.items = mem_calloc(1, sizeof(engine_file)), .count = 1};

    files.items[0] = make_file("kg-4-7.heap", &(fs_stat){0}, NULL);
    files.items[0].absent = true;
    return files;
}

static void a_group_file_that_is_not_on_the_disk_is_taken_from_the_base(void **state)
{
    CAIRN_AUTO(engine_files) base = make_base();
    CAIRN_AUTO(engine_files) local = make_absent();
    cairn_error err = {0};
    (void)state;

    ASSERT_OK(plan(&base, &local, &err), &err);

    assert_false(local.items[0].fresh);
    assert_string_equal(local.items[0].info.key, "shared/op/2-bb-1");
    assert_int_equal(local.items[0].info.size, 17);
}

static void a_file_that_is_neither_on_the_disk_nor_in_the_base_is_an_error(void **state)
{
    const engine_files base = {0};
    CAIRN_AUTO(engine_files) local = make_absent();
    cairn_error err = {0};
    (void)state;

    ASSERT_CODE(plan(&base, &local, &err), CAIRN_E_INTERNAL, &err);
    ASSERT_MESSAGE_HAS(&err, "kg-4-7.heap");
}

/* Sizes of new group files, and where each must stand: the number of its object, its offset. */
static void new_group_files_share_objects_up_to_a_bound(void **state)
{
    static const struct {
        uint64_t size;
        const char *key;
        uint64_t offset;
    } files[] = {
        {100, "shared/op/3-aa-5", 0},
        {CAIRN_PACK_BYTES - 100, "shared/op/3-aa-5", 100},
        {1, "shared/op/3-aa-6", 0},
        {CAIRN_PACK_BYTES, "shared/op/3-aa-7", 0},
        {CAIRN_PACK_BYTES + 1, "shared/op/3-aa-8", 0},
        {1, "shared/op/3-aa-9", 0},
        {2, "shared/op/3-aa-9", 1},
        {3, "shared/op/3-aa-9", 3},
    };
    const engine_files base = {0};
    const size_t count = CAIRN_ARRAY_LEN(files);
    CAIRN_AUTO(engine_files)
    local = {.items = mem_calloc(count, sizeof(engine_file)), .count = count};
    cairn_error err = {0};
    char name[STATE_HEAP_NAME_BYTES];
    (void)state;
    for (size_t i = 0; i < count; i++) {
        state_heap_name_file((uint32_t)i, 1, name);
        local.items[i] = make_file(name, &(fs_stat){.size = files[i].size}, NULL);
    }

    ASSERT_OK(plan(&base, &local, &err), &err);

    for (size_t i = 0; i < count; i++) {
        assert_string_equal(local.items[i].info.key, files[i].key);
        assert_int_equal(local.items[i].info.offset, files[i].offset);
        assert_int_equal(local.items[i].info.size, files[i].size);
    }
}

static void key_groups_that_the_engine_told_stay(void **state)
{
    const engine_files base = {0};
    CAIRN_AUTO(engine_files) local = make_absent();
    cairn_error err = {0};
    (void)state;
    local.items[0].absent = false;
    local.items[0].grouped = true;
    local.items[0].info.first_key_group = 4;
    local.items[0].info.last_key_group = 4;

    ASSERT_OK(plan(&base, &local, &err), &err);

    assert_int_equal(local.items[0].info.first_key_group, 4);
    assert_int_equal(local.items[0].info.last_key_group, 4);
}

static void names_of_group_files_are_told_from_others(void **state)
{
    static const struct {
        const char *name;
        bool is_one;
    } names[] = {
        {"kg-0-0.heap", true},
        {"kg-32767-18446744073709551615.heap", true},
        {"kg-32767-18446744073709551616.heap", false},
        {"kg-4294967296-1.heap", false},
        {"kg-03-1.heap", false},
        {"kg-3-01.heap", false},
        {"kg--1.heap", false},
        {"kg-3.heap", false},
        {"kg-3-.heap", false},
        {"kg-3-1.heap.tmp", false},
        {"kg-3-1", false},
        {"xkg-3-1.heap", false},
        {"", false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char again[STATE_HEAP_NAME_BYTES];
        uint32_t key_group = 0;
        uint64_t changes = 0;

        print_message("%s\n", names[i].name);
        assert_int_equal(state_heap_is_group_file(names[i].name, &key_group, &changes),
                         names[i].is_one);
        assert_int_equal(plan_is_frozen(names[i].name), names[i].is_one);
        if (names[i].is_one) {
            state_heap_name_file(key_group, changes, again);
            assert_string_equal(again, names[i].name);
        }
    }
}

/* The files are a test's own, made while nothing fails: only what the plan allocates is tried. */
typedef struct sweep {
    engine_files base;
    engine_files local;
} sweep;

static void forget_plan(engine_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        mem_free(CAIRN_TAKE(files->items[i].info.key));
    }
}

static cairn_code plan_once(void *context, cairn_error *err)
{
    sweep *s = context;
    const cairn_code code = plan(&s->base, &s->local, err);

    forget_plan(&s->local);
    return code;
}

static void a_plan_that_lacks_memory_says_so_at_every_allocation(void **state)
{
    sweep s = {make_base(), make_local()};
    (void)state;

    alloc_sweep(plan_once, &s);

    engine_files_release(&s.base);
    engine_files_release(&s.local);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_is_uploaded_unless_it_is_a_table_that_the_base_has),
        cmocka_unit_test(a_group_file_that_is_not_on_the_disk_is_taken_from_the_base),
        cmocka_unit_test(a_file_that_is_neither_on_the_disk_nor_in_the_base_is_an_error),
        cmocka_unit_test(new_group_files_share_objects_up_to_a_bound),
        cmocka_unit_test(key_groups_that_the_engine_told_stay),
        cmocka_unit_test(names_of_group_files_are_told_from_others),
        cmocka_unit_test(a_plan_that_lacks_memory_says_so_at_every_allocation),
    };

    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
