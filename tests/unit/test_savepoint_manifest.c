/* Manifests of savepoints: what is in them, what is refused, and where they are found. */
#include "test.h"

#include "fsutil.h"
#include "manifest_fixture.h"
#include "savepoint_store.h"
#include "store_mem.h"
#include "stores.h"

#include <stdio.h>
#include <stdlib.h>

#define GOLDEN "manifest_v2_savepoint.json"
#define NAME   "before-upgrade"

static void move_file(cairn_file_info *file, size_t number)
{
    char key[128];

    (void)snprintf(key, sizeof key, "savepoints/" NAME "/count/0/3-9f2c4e6a8b0d1357-%zu", number);
    mem_free(file->key);
    file->key = mem_strdup(key);
    file->uploaded_by = FIXTURE_ID;
    file->offset = 0;
}

/* The manifest of all kinds, as a savepoint of it would be. */
static cairn_manifest *fixture_savepoint(void)
{
    cairn_manifest *const manifest = fixture_kinds();
    size_t number = 0;

    manifest->kind = CAIRN_MANIFEST_SAVEPOINT;
    manifest->parent_id = 0;
    manifest->parent_sha256[0] = '\0';
    for (size_t i = 0; i < manifest->operator_count; i++) {
        for (size_t j = 0; j < manifest->operators[i].subtask_count; j++) {
            cairn_subtask_info *const subtask = &manifest->operators[i].subtasks[j];

            for (size_t k = 0; k < subtask->file_count; k++) {
                move_file(&subtask->files[k], number++);
            }
            for (size_t k = 0; k < subtask->output_count; k++) {
                move_file(&subtask->outputs[k], number++);
            }
            if (subtask->operator_states != NULL) {
                move_file(&subtask->operator_states->file, number++);
            }
        }
    }
    return manifest;
}

static void a_savepoint_prints_as_its_golden_file_and_comes_back(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *model = fixture_savepoint();
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *read = NULL;
    CAIRN_AUTO(cairn_buf) printed = {0};
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN);
    cairn_error err = {0};

    ASSERT_OK(manifest_print(model, &printed, NULL, &err), &err);
    if (!cairn_slice_equal(cairn_buf_slice(&printed), cairn_buf_slice(&golden))) {
        fail_msg("it is printed otherwise than " GOLDEN ":\n%s", buf_text(&printed));
    }
    ASSERT_OK(cairn_manifest_read(cairn_buf_slice(&golden), FIXTURE_JOB, 0, &read, &err), &err);
    assert_int_equal(read->kind, CAIRN_MANIFEST_SAVEPOINT);
    assert_int_equal(read->id, FIXTURE_ID);
    assert_int_equal(read->parent_id, 0);
}

/* Also one that holds nothing but values: keys are what a reader of version 1 would misread. */
static void a_savepoint_is_of_the_second_version_whatever_it_holds(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = fixture_savepoint();
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *read = NULL;
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_error err = {0};

    for (size_t i = 0; i < manifest->operator_count; i++) {
        for (size_t j = 0; j < manifest->operators[i].state_count; j++) {
            manifest->operators[i].states[j].kind = CAIRN_STATE_VALUE;
        }
    }
    ASSERT_OK(manifest_print(manifest, &printed, NULL, &err), &err);
    CAIRN_AUTO(cairn_buf)
    edited =
        fixture_edit(cairn_buf_slice(&printed), "\"version\": 2", cairn_slice_of("\"version\": 1"));
    ASSERT_CODE(cairn_manifest_read(cairn_buf_slice(&edited), FIXTURE_JOB, 0, &read, &err),
                CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "version 2");
}

typedef struct edit_case {
    const char *from;
    const char *to;
    const char *message;
} edit_case;

static void what_is_no_savepoint_is_refused(void **state)
{
    static const edit_case cases[] = {
        {"\"savepoint\"", "\"checkpoint\"", "the key is a savepoint's, and this is none"},
        {"savepoints/" NAME "/count/0/3-", "shared/count/3-", "not below the savepoint's own"},
        {"savepoints/" NAME "/count/0/3-", "savepoints/" NAME "/count/0/4-", "a later epoch"},
        {"savepoints/" NAME "/count/0/3-", "savepoints/" NAME "/count/0/2-", "another epoch"},
        {"savepoints/" NAME "/count/0/3-", "savepoints/" NAME "/../0/3-", "safe names"},
        {"\"uploaded_by\": \"42\"", "\"uploaded_by\": \"41\"", "another checkpoint uploaded"},
        {"\"parent\": null",
         "\"parent\": {\"id\": \"41\", \"sha256\": \"00112233445566778899aabbccddeeff"
         "00112233445566778899aabbccddeeff\"}",
         "a savepoint has a parent"},
    };
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN);
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf)
        edited = fixture_edit(cairn_buf_slice(&golden), cases[i].from, cairn_slice_of(cases[i].to));
        CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *read = NULL;
        cairn_error err = {0};

        ASSERT_CODE(cairn_manifest_read(cairn_buf_slice(&edited), FIXTURE_JOB, 0, &read, &err),
                    CAIRN_E_INTEGRITY, &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
    }
}

/* --- in a store ------------------------------------------------------------------------------- */

static cairn_code read_from(cairn_slice document, const char *put_as, const char *name,
                            const char *job, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    const savepoint_place place = {job, name};

    CAIRN_TRY(store_mem_new(&store, err));
    CAIRN_TRY(cairn_store_put(store, NULL, put_as, document, CAIRN_PUT_CREATE, err));
    return savepoint_read(store, NULL, &place, NULL, &manifest, err);
}

static void a_savepoint_is_read_by_its_name(void **state)
{
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN);
    CAIRN_AUTO(cairn_buf) checkpoint = fixture_golden("manifest_v1_full.json");
    const cairn_slice bytes = cairn_buf_slice(&golden);
    cairn_error err = {0};
    (void)state;

    ASSERT_OK(read_from(bytes, "savepoints/" NAME "/manifest.json", NAME, FIXTURE_JOB, &err), &err);
    ASSERT_CODE(read_from(bytes, "savepoints/" NAME "/manifest.json", "b", FIXTURE_JOB, &err),
                CAIRN_E_NOT_FOUND, &err);
    ASSERT_MESSAGE_HAS(&err, "job " FIXTURE_JOB " has no savepoint b");
    ASSERT_CODE(read_from(bytes, "savepoints/" NAME "/manifest.json", NAME, "other", &err),
                CAIRN_E_INCOMPATIBLE, &err);
    /* Copied to another name, it names what is not its own: deleting that would damage it. */
    ASSERT_CODE(read_from(bytes, "savepoints/b/manifest.json", "b", FIXTURE_JOB, &err),
                CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "which is not below savepoints/b/");
    ASSERT_CODE(read_from(cairn_buf_slice(&checkpoint), "savepoints/b/manifest.json", "b",
                          FIXTURE_JOB, &err),
                CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "it is not a savepoint's");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_savepoint_prints_as_its_golden_file_and_comes_back),
        cmocka_unit_test(a_savepoint_is_of_the_second_version_whatever_it_holds),
        cmocka_unit_test(what_is_no_savepoint_is_refused),
        cmocka_unit_test(a_savepoint_is_read_by_its_name),
    };

    return cmocka_run_group_tests_name("savepoint_manifest", tests, NULL, NULL);
}
