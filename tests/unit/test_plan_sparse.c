/* Objects of group files most of which is dead: src/checkpoint/plan_sparse.c. */
#include "test.h"

#include "alloc_sweep.h"
#include "plan.h"
#include "state_heap.h"

#include <string.h>

#define FILES_MAX 8

/* A group file that a base names: where it stands, and whether it should be stored again. */
typedef struct named_file {
    const char *object;
    uint64_t offset;
    uint64_t size;
    bool sparse;
} named_file;

typedef struct sparse_case {
    const char *name;
    named_file files[FILES_MAX]; /* up to one without an object */
} sparse_case;

static const sparse_case cases[] = {
    {.name = "nothing is stored"},
    {.name = "all is named", .files = {{"a", 0, 10, false}, {"a", 10, 20, false}}},
    {.name = "a hole of half: no", .files = {{"a", 0, 10, false}, {"a", 30, 10, false}}},
    {.name = "a hole of more than half", .files = {{"a", 0, 10, true}, {"a", 31, 10, true}}},
    {.name = "dead bytes in front", .files = {{"a", 11, 10, true}}},
    {.name = "as many dead bytes in front", .files = {{"a", 10, 10, false}}},
    {.name = "each object for itself, whatever the order of names",
     .files = {{"b", 90, 10, true}, {"a", 0, 10, false}, {"b", 80, 10, true}, {"a", 10, 1, false}}},
};

static engine_files make_base(const named_file *files)
{
    engine_files base = {.items = mem_calloc(FILES_MAX, sizeof(engine_file))};

    for (size_t i = 0; i < FILES_MAX && files[i].object != NULL; i++) {
        char name[STATE_HEAP_NAME_BYTES];
        engine_file *file = &base.items[base.count++];

        state_heap_name_file((uint32_t)i, 7, name);
        *file = (engine_file){.stat = {.size = files[i].size}};
        file->info = (cairn_file_info){.name = mem_strdup(name),
                                       .key = mem_strdup(files[i].object),
                                       .offset = files[i].offset,
                                       .size = files[i].size};
    }
    return base;
}

/* The files that `base` names, as a snapshot that wrote all of them has them on the disk. */
static engine_files make_local(const engine_files *base)
{
    engine_files local = {.items = mem_calloc(FILES_MAX, sizeof(engine_file)),
                          .count = base->count};

    for (size_t i = 0; i < base->count; i++) {
        local.items[i].info.name = mem_strdup(base->items[i].info.name);
        local.items[i].stat.size = base->items[i].stat.size;
    }
    return local;
}

static cairn_code plan(const engine_files *base, engine_files *local, cairn_error *err)
{
    const layout_writer writer = {"op", 0, 3, "aa"};
    uint64_t next_sequence = 5;
    const plan_context context = {9, &writer, base, {0, 127}, &next_sequence};

    return plan_files(&context, local, err);
}

static void files_of_an_object_that_is_mostly_dead_are_stored_again(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CAIRN_AUTO(engine_files) base = make_base(cases[i].files);
        CAIRN_AUTO(engine_files) local = make_local(&base);
        cairn_error err = {0};

        print_message("%s\n", cases[i].name);
        ASSERT_OK(plan_mark_sparse(&base, &err), &err);
        ASSERT_OK(plan(&base, &local, &err), &err);

        for (size_t j = 0; j < base.count; j++) {
            const bool sparse = cases[i].files[j].sparse;

            assert_int_equal(plan_stands(&base, base.items[j].info.name), !sparse);
            assert_int_equal(local.items[j].fresh, sparse);
            assert_string_equal(local.items[j].info.key,
                                sparse ? "shared/op/3-aa-5" : cases[i].files[j].object);
        }
    }
}

/* The last file of an object is gone, and with it what told how long the object is. */
static void the_size_of_an_object_is_remembered_from_checkpoint_to_checkpoint(void **state)
{
    const named_file files[FILES_MAX] = {{"a", 0, 10, false}, {"a", 10, 11, false}};
    CAIRN_AUTO(engine_files) base = make_base(files);
    CAIRN_AUTO(engine_files) local = make_local(&base);
    cairn_error err = {0};
    (void)state;
    ASSERT_OK(plan_mark_sparse(&base, &err), &err);
    ASSERT_OK(plan(&base, &local, &err), &err);
    mem_free(local.items[1].info.name);
    mem_free(local.items[1].info.key);
    local.count = 1;

    ASSERT_OK(plan_mark_sparse(&local, &err), &err);

    assert_int_equal(local.items[0].object_bytes, 21);
    assert_true(local.items[0].sparse);
}

static void files_of_rocksdb_do_not_stand_by_their_names(void **state)
{
    CAIRN_AUTO(engine_files) base = {.items = mem_calloc(1, sizeof(engine_file)), .count = 1};
    cairn_error err = {0};
    (void)state;
    base.items[0].info = (cairn_file_info){
        .name = mem_strdup("000012.sst"), .key = mem_strdup("a"), .offset = 90, .size = 1};

    ASSERT_OK(plan_mark_sparse(&base, &err), &err);

    assert_false(base.items[0].sparse);
    assert_false(plan_stands(&base, "000012.sst"));
    assert_false(plan_stands(&base, "kg-1-1.heap"));
}

static cairn_code mark_once(void *context, cairn_error *err)
{
    return plan_mark_sparse(context, err);
}

static void marking_that_lacks_memory_says_so(void **state)
{
    CAIRN_AUTO(engine_files) base = make_base(cases[6].files);
    (void)state;

    alloc_sweep(mark_once, &base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_an_object_that_is_mostly_dead_are_stored_again),
        cmocka_unit_test(the_size_of_an_object_is_remembered_from_checkpoint_to_checkpoint),
        cmocka_unit_test(files_of_rocksdb_do_not_stand_by_their_names),
        cmocka_unit_test(marking_that_lacks_memory_says_so),
    };

    return cmocka_run_group_tests_name("mostly dead objects", tests, NULL, NULL);
}
