/* Listings of a directory store: the order of a walk against a model, and windows of many pages. */
#include "test.h"

#include <cairn/dir.h>

#include "fsutil.h"
#include "store_dir_walk.h"
#include "store_front.h"
#include "tmpdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW ((size_t)3 * CAIRN_LIST_PAGE_MAX)

typedef struct fixture {
    tmpdir *dir;
    cairn_store *store;
    store_dir *self;
    cairn_error err;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    *state = f;
    f->dir = tmpdir_new();
    ASSERT_OK(cairn_dir_store_new(f->dir->path, NULL, &f->store, &f->err), &f->err);
    f->self = f->store->self;
    store_dir_set_window(f->store, WINDOW);
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    cairn_store_free(f->store);
    tmpdir_free(f->dir);
    free(f);
    return 0;
}

/* An object without the fsyncs of a put, and the folders above it. */
static void make_object(const fixture *f, const char *key)
{
    char path[TMPDIR_PATH_BYTES];

    (void)tmpdir_join(f->dir, key, path);
    for (char *slash = path + strlen(f->dir->path) + 1; (slash = strchr(slash, '/')) != NULL;) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash++ = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void make_many(const fixture *f, const char *folder, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char key[64];
        (void)snprintf(key, sizeof(key), "%s%05zu", folder, i);
        make_object(f, key);
    }
}

/* In no order here; `-` and `.` sort before `/`, `0` and letters behind it. */
static const char *const odd_keys[] = {
    "a/b",
    "a.b",
    "a-b/c",
    "a0",
    "ab",
    "a/b.c",
    "a/b0/x",
    "a/-",
    "a/.x/y",
    "~/~",
    " /space",
    "A",
    "a!",
    "a!/x~",
    "b/c/d/e/f/g",
    "b/c/d/e",
    "b/c.d",
    "b/c/d-e",
    "\xc3\xa9/\xc3\xa9",
    "\xc3\xa9.x",
    "z/",
    "%41",
    "..x",
    ".x",
    "...",
    "a/b/c",
    "=+&",
    "a/b\xc3\xa9",
    "zz/zz/zz",
};

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The odd keys that a tree can hold together (no key is the folder of another), sorted. */
static size_t make_model(const char **model)
{
    const size_t all = CAIRN_ARRAY_LEN(odd_keys);
    size_t count = 0;

    for (size_t i = 0; i < all; i++) {
        const size_t len = strlen(odd_keys[i]);
        bool fits = odd_keys[i][len - 1] != '/';
        for (size_t j = 0; j < all; j++) {
            fits = fits && (strncmp(odd_keys[j], odd_keys[i], len) != 0 || odd_keys[j][len] != '/');
        }
        if (fits) {
            model[count++] = odd_keys[i];
        }
    }
    qsort(model, count, sizeof(*model), compare_texts);
    return count;
}

/* What the model says of a walk. */
static size_t expect_of(const char *const *model, size_t count, const dir_walk *walk,
                        const char **out)
{
    size_t found = 0;

    for (size_t i = 0; i < count && found < walk->limit; i++) {
        if (strcmp(model[i], walk->after) > 0 &&
            strncmp(model[i], walk->prefix, strlen(walk->prefix)) == 0) {
            out[found++] = model[i];
        }
    }
    return found;
}

static void check_walk(fixture *f, const char *const *model, size_t count, const dir_walk *walk)
{
    CAIRN_AUTO(dir_keys) keys = {0};
    const char *expected[CAIRN_ARRAY_LEN(odd_keys)] = {0};
    const size_t expected_count = expect_of(model, count, walk, expected);

    ASSERT_OK(dir_walk_keys(f->self, walk, &keys, &f->err), &f->err);

    assert_int_equal(keys.count, expected_count);
    for (size_t i = 0; i < keys.count; i++) {
        assert_string_equal(keys.items[i], expected[i]);
    }
}

static void a_walk_begins_behind_any_key_and_goes_in_the_order_of_bytes(void **state)
{
    fixture *f = *state;
    static const char *const prefixes[] = {"", "a", "a/", "a/b", "a-", "b/c/d", "\xc3", "none/"};
    static const size_t limits[] = {1, 2, 5, 1000};
    const char *model[CAIRN_ARRAY_LEN(odd_keys)];
    const size_t count = make_model(model);
    for (size_t i = 0; i < count; i++) {
        make_object(f, model[i]);
    }

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(prefixes); i++) {
        for (size_t j = 0; j < CAIRN_ARRAY_LEN(limits); j++) {
            check_walk(f, model, count, &(dir_walk){NULL, prefixes[i], "", limits[j]});
            for (size_t k = 0; k < CAIRN_ARRAY_LEN(odd_keys); k++) {
                check_walk(f, model, count, &(dir_walk){NULL, prefixes[i], odd_keys[k], limits[j]});
            }
        }
    }
    assert_true(count > 20);
}

static void a_folder_is_read_again_for_what_lies_behind_its_first_names(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO(dir_keys) keys = {0};
    char path[TMPDIR_PATH_BYTES];
    for (int i = 0; i < 2 * CAIRN_LIST_PAGE_MAX + 500; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "empty-%05d", i);
        assert_int_equal(mkdir(tmpdir_join(f->dir, name, path), 0700), 0);
    }
    make_object(f, "empty-00700/x");
    make_object(f, "empty-01900/x");
    make_object(f, "last");

    ASSERT_OK(dir_walk_keys(f->self, &(dir_walk){NULL, "", "", 5}, &keys, &f->err), &f->err);

    assert_int_equal(keys.count, 3);
    assert_string_equal(keys.items[0], "empty-00700/x");
    assert_string_equal(keys.items[1], "empty-01900/x");
    assert_string_equal(keys.items[2], "last");
}

/* A listing of a test, page by page. */
typedef struct listing {
    char *token;
    char seen[CAIRN_OBJECT_KEY_BYTES_MAX + 1]; /* the last key */
    size_t count;
    bool unordered;
    bool ended;
} listing;

static cairn_code see(void *context, const char *key, const cairn_object_info *info,
                      cairn_error *err)
{
    listing *l = context;

    (void)info;
    (void)err;
    l->unordered = l->unordered || strcmp(key, l->seen) <= 0;
    (void)snprintf(l->seen, sizeof(l->seen), "%s", key);
    l->count++;
    return CAIRN_OK;
}

static cairn_code next_page(fixture *f, const char *prefix, listing *l)
{
    char *next = NULL;
    const cairn_list_page page = {prefix, l->token, &next};

    CAIRN_TRY(f->store->driver.list_page(f->self, NULL, &page, see, l, &f->err));
    mem_free(l->token);
    l->token = next;
    l->ended = next == NULL;
    return CAIRN_OK;
}

static void to_the_end(fixture *f, const char *prefix, listing *l)
{
    while (!l->ended) {
        ASSERT_OK(next_page(f, prefix, l), &f->err);
    }
    assert_false(l->unordered);
}

static void a_page_opens_no_folder_beyond_its_keys(void **state)
{
    fixture *f = *state;
    listing l = {0};
    char path[TMPDIR_PATH_BYTES];
    make_many(f, "a/", WINDOW + 1);
    make_object(f, "b/x");
    assert_int_equal(symlink("nowhere", tmpdir_join(f->dir, "b/link", path)), 0);

    for (size_t i = 0; i < 3; i++) {
        ASSERT_OK(next_page(f, "", &l), &f->err);
    }

    assert_int_equal(l.count, WINDOW);
    ASSERT_CODE(next_page(f, "", &l), CAIRN_E_ACCESS, &f->err);
    mem_free(l.token);
}

static void pages_of_a_window_are_not_walked_for_again(void **state)
{
    fixture *f = *state;
    listing l = {0};
    make_many(f, "a/", 2 * WINDOW + 10);
    ASSERT_OK(next_page(f, "a/", &l), &f->err);

    make_object(f, "a/02000-new"); /* in the window that the first page has fetched */
    make_object(f, "a/04000-new"); /* in the next one */
    assert_int_equal(unlink(tmpdir_join(f->dir, "a/02500", (char[TMPDIR_PATH_BYTES]){0})), 0);
    to_the_end(f, "a/", &l);

    assert_int_equal(l.count, 2 * WINDOW + 10 - 1 + 1);
}

static void more_listings_than_windows_are_kept_go_on_side_by_side(void **state)
{
    fixture *f = *state;
    enum {
        LISTINGS = CAIRN_DIR_WINDOWS_MAX + 2
    };
    listing all[LISTINGS] = {0};
    const size_t count = WINDOW + 1500;
    make_many(f, "a/", count);

    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < LISTINGS; i++) {
            ASSERT_OK(next_page(f, "", &all[i]), &f->err);
        }
    }

    for (size_t i = 0; i < LISTINGS; i++) {
        to_the_end(f, "", &all[i]);
        assert_int_equal(all[i].count, count);
    }
}

static void a_new_listing_does_not_see_the_window_of_another(void **state)
{
    fixture *f = *state;
    listing old = {0};
    listing young = {0};
    make_many(f, "a/", 2500);
    ASSERT_OK(next_page(f, "", &old), &f->err);
    make_object(f, "a/01500-new");

    to_the_end(f, "", &young);
    to_the_end(f, "", &old);

    assert_int_equal(young.count, 2501);
    assert_int_equal(old.count, 2500);
}

static void a_page_that_is_asked_for_again_is_the_same(void **state)
{
    fixture *f = *state;
    listing l = {0};
    make_many(f, "a/", 2 * WINDOW);
    for (size_t page = 0; page < 2 * WINDOW / CAIRN_LIST_PAGE_MAX; page++) {
        listing again = {.token = l.token == NULL ? NULL : mem_strdup(l.token)};

        ASSERT_OK(next_page(f, "", &l), &f->err);
        ASSERT_OK(next_page(f, "", &again), &f->err);

        assert_string_equal(again.seen, l.seen);
        assert_int_equal(again.count, CAIRN_LIST_PAGE_MAX);
        mem_free(again.token);
    }
    assert_true(l.ended);
}

static void a_page_before_the_window_that_is_kept_is_walked_for(void **state)
{
    fixture *f = *state;
    listing l = {0};
    listing early = {0};
    make_many(f, "a/", 3 * WINDOW);
    ASSERT_OK(next_page(f, "", &l), &f->err);
    early.token = mem_strdup(l.token);
    for (size_t page = 0; page < WINDOW / CAIRN_LIST_PAGE_MAX; page++) {
        ASSERT_OK(next_page(f, "", &l), &f->err);
    }

    to_the_end(f, "", &early);

    assert_int_equal(early.count, 3 * WINDOW - CAIRN_LIST_PAGE_MAX);
    mem_free(l.token);
}

#define CASE(run) cmocka_unit_test_setup_teardown(run, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_walk_begins_behind_any_key_and_goes_in_the_order_of_bytes),
        CASE(a_folder_is_read_again_for_what_lies_behind_its_first_names),
        CASE(a_page_opens_no_folder_beyond_its_keys),
        CASE(pages_of_a_window_are_not_walked_for_again),
        CASE(more_listings_than_windows_are_kept_go_on_side_by_side),
        CASE(a_new_listing_does_not_see_the_window_of_another),
        CASE(a_page_that_is_asked_for_again_is_the_same),
        CASE(a_page_before_the_window_that_is_kept_is_walked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
