#include "rocks.h"

#include "errors.h"
#include "fsutil.h"
#include "rocks_internal.h"

#include <string.h>

#ifndef CAIRN_ROCKSDB_VERSION
#    error "define CAIRN_ROCKSDB_VERSION: the C API of RocksDB does not tell its version"
#endif

#define DEFAULT_FAMILY "default"

/* Names as RocksDB gives them. */
typedef struct family_names {
    char **items;
    size_t count;
} family_names;

static void family_names_release(family_names *names)
{
    if (names->items != NULL) {
        rocksdb_list_column_families_destroy(names->items, names->count);
    }
}
CAIRN_DEFINE_AUTO(family_names, family_names_release)

const char *rocks_version(void)
{
    return CAIRN_ROCKSDB_VERSION;
}

uint64_t rocks_property(const rocks_db *db, const rocks_family *family, const char *name)
{
    uint64_t value = 0;

    (void)rocksdb_property_int_cf(db->handle, family->handle, name, &value);
    return value;
}

uint64_t rocks_property_sum(const rocks_db *db, const char *name)
{
    const size_t count = atomic_load_explicit(&db->family_count, memory_order_acquire);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += rocks_property(db, db->families[i], name);
    }
    return sum;
}

uint64_t rocks_state_bytes(rocks_db *db)
{
    return rocks_property_sum(db, "rocksdb.live-sst-files-size") +
           rocks_property_sum(db, "rocksdb.cur-size-all-mem-tables");
}

uint64_t rocks_memory_bytes(rocks_db *db)
{
    return rocksdb_cache_get_usage(db->settings.cache) +
           rocks_property_sum(db, "rocksdb.size-all-mem-tables");
}

static void family_free(rocks_family *family)
{
    if (family == NULL) {
        return;
    }
    rocks_pin_release(family);
    if (family->handle != NULL) {
        rocksdb_column_family_handle_destroy(family->handle);
    }
    mem_free(family->name);
    mem_free(family);
}
CAIRN_DEFINE_AUTO_PTR(rocks_family, family_free)

/* NULL: no memory. */
static rocks_family *family_new(const char *name)
{
    CAIRN_AUTO_PTR(family_free) rocks_family *family = mem_calloc(1, sizeof(*family));

    if (family == NULL) {
        return NULL;
    }
    family->name = mem_strdup(name);
    return family->name == NULL ? NULL : CAIRN_TAKE(family);
}

/* Takes the family. */
static void family_append(rocks_db *db, rocks_family *family)
{
    const size_t count = atomic_load(&db->family_count);

    CAIRN_ASSERT(count < CAIRN_ROCKS_FAMILIES_MAX);
    db->families[count] = family;
    atomic_store_explicit(&db->family_count, count + 1, memory_order_release);
}

rocks_family *rocks_family_find(rocks_db *db, const char *name)
{
    for (size_t i = 0; i < atomic_load(&db->family_count); i++) {
        if (strcmp(db->families[i]->name, name) == 0) {
            return db->families[i];
        }
    }
    return NULL;
}

static cairn_code check_new_family(rocks_db *db, const char *name, cairn_error *err)
{
    if (rocks_family_find(db, name) != NULL) {
        return error_set(err, CAIRN_E_EXISTS, "create column family %s in %s: it exists", name,
                         db->path);
    }
    if (atomic_load(&db->family_count) == CAIRN_ROCKS_FAMILIES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "create column family %s in %s: %d exist", name,
                         db->path, CAIRN_ROCKS_FAMILIES_MAX);
    }
    /* A family made inside the window would stand in the snapshot. */
    return rocks_window_wait(db, err);
}

cairn_code rocks_family_create(rocks_db *db, const char *name, rocks_family **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(family_free) rocks_family *family = NULL;
    char *message = NULL;

    CAIRN_TRY(check_new_family(db, name, err));
    family = family_new(name);
    if (family == NULL) {
        return error_no_memory(err, "column family");
    }
    CAIRN_AUTO_PTR(rocksdb_options_destroy)
    rocksdb_options_t *options = rocks_filter_options(db->settings.options, &family->filter, err);
    if (options == NULL) {
        return CAIRN_E_NO_MEMORY;
    }
    family->handle = rocksdb_create_column_family(db->handle, options, name, &message);
    if (message != NULL) {
        family->handle = NULL; /* RocksDB gives one that is unusable */
        return rocks_check(message, "create a column family in", db->path, err);
    }
    *out = family;
    family_append(db, CAIRN_TAKE(family));
    return CAIRN_OK;
}

void rocks_family_set_filter(rocks_db *db, rocks_family *family, const entry_filter *filter)
{
    const bool by_age = filter->judge != NULL;

    rocks_filter_set(family->filter, filter);
    /* Setting an option writes a file. In a window it waits for the next open: it is about weeks.
     */
    if (by_age != family->compacts_by_age && !db->read_only && !rocks_window_is_open(&db->window)) {
        rocks_filter_set_age(db->handle, family->handle, by_age);
        family->compacts_by_age = by_age;
    }
}

static bool ends_with(const char *name, const char *end)
{
    const size_t name_len = strlen(name);
    const size_t end_len = strlen(end);

    return name_len >= end_len && strcmp(name + name_len - end_len, end) == 0;
}

/* RocksDB would make a new database beside what is left of an old one. */
static cairn_code check_no_tables(const char *path, cairn_error *err)
{
    CAIRN_AUTO(fs_names) names = {0};

    CAIRN_TRY(fs_list(path, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        if (ends_with(names.items[i], ".sst")) {
            return error_set(err, CAIRN_E_INTEGRITY,
                             "open database %s: it has table files but no CURRENT", path);
        }
    }
    return CAIRN_OK;
}

static cairn_code prepare_folder(const char *path, bool read_only, bool *out_exists,
                                 cairn_error *err)
{
    CAIRN_AUTO_FREE char *current = NULL;

    CAIRN_TRY(fs_join(path, "CURRENT", &current, err));
    *out_exists = fs_exists(current);
    if (*out_exists) {
        return CAIRN_OK;
    }
    if (fs_exists(path)) {
        CAIRN_TRY(check_no_tables(path, err));
    }
    if (read_only) {
        return error_set(err, CAIRN_E_NOT_FOUND, "open database %s: there is none", path);
    }
    return fs_make_dirs(path, err);
}

static cairn_code list_families(const rocks_db *db, family_names *out, cairn_error *err)
{
    char *message = NULL;

    out->items =
        rocksdb_list_column_families(db->settings.options, db->path, &out->count, &message);
    CAIRN_TRY(rocks_check(message, "open database", db->path, err));
    if (out->count > CAIRN_ROCKS_FAMILIES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "open database %s: %zu column families, at most %d",
                         db->path, out->count, CAIRN_ROCKS_FAMILIES_MAX);
    }
    return CAIRN_OK;
}

/* The lists that RocksDB's open takes; borrows the names of `db`. */
typedef struct open_lists {
    const char *names[CAIRN_ROCKS_FAMILIES_MAX];
    rocksdb_options_t *options[CAIRN_ROCKS_FAMILIES_MAX];
    rocksdb_column_family_handle_t *handles[CAIRN_ROCKS_FAMILIES_MAX];
} open_lists;

static void open_lists_free(open_lists *lists)
{
    for (size_t i = 0; lists != NULL && i < CAIRN_ROCKS_FAMILIES_MAX; i++) {
        if (lists->options[i] != NULL) {
            rocksdb_options_destroy(lists->options[i]);
        }
    }
    mem_free(lists);
}
CAIRN_DEFINE_AUTO_PTR(open_lists, open_lists_free)

static cairn_code open_lists_fill(open_lists *lists, const rocks_db *db, cairn_error *err)
{
    for (size_t i = 0; i < atomic_load(&db->family_count); i++) {
        lists->names[i] = db->families[i]->name;
        lists->options[i] =
            rocks_filter_options(db->settings.options, &db->families[i]->filter, err);
        if (lists->options[i] == NULL) {
            return CAIRN_E_NO_MEMORY;
        }
    }
    return CAIRN_OK;
}

static cairn_code open_families(rocks_db *db, cairn_error *err)
{
    CAIRN_AUTO_PTR(open_lists_free) open_lists *lists = mem_calloc(1, sizeof(*lists));
    const size_t count = atomic_load(&db->family_count);
    char *message = NULL;

    if (lists == NULL) {
        return error_no_memory(err, "column families");
    }
    CAIRN_TRY(open_lists_fill(lists, db, err));
    const rocksdb_options_t *const *const options =
        (const rocksdb_options_t *const *)lists->options;
    if (db->read_only) {
        db->handle = rocksdb_open_for_read_only_column_families(db->settings.options, db->path,
                                                                (int)count, lists->names, options,
                                                                lists->handles, 0, &message);
    } else {
        db->handle = rocksdb_open_column_families(db->settings.options, db->path, (int)count,
                                                  lists->names, options, lists->handles, &message);
    }
    CAIRN_TRY(rocks_check(message, "open database", db->path, err));
    for (size_t i = 0; i < count; i++) {
        db->families[i]->handle = lists->handles[i];
    }
    return CAIRN_OK;
}

static cairn_code add_family(rocks_db *db, const char *name, cairn_error *err)
{
    rocks_family *const family = family_new(name);

    if (family == NULL) {
        return error_no_memory(err, "column family");
    }
    family_append(db, family);
    return CAIRN_OK;
}

static cairn_code open_database(rocks_db *db, cairn_error *err)
{
    CAIRN_AUTO(family_names) names = {0};
    bool exists = false;

    CAIRN_TRY(prepare_folder(db->path, db->read_only, &exists, err));
    if (exists) {
        CAIRN_TRY(list_families(db, &names, err));
    } else {
        CAIRN_TRY(add_family(db, DEFAULT_FAMILY, err));
    }
    for (size_t i = 0; i < names.count; i++) {
        CAIRN_TRY(add_family(db, names.items[i], err));
    }
    return open_families(db, err);
}

cairn_code rocks_open(const char *path, const rocks_options *options, rocks_db **out,
                      cairn_error *err)
{
    rocks_db *const raw = mem_calloc(1, sizeof(*raw));
    CAIRN_AUTO_PTR(rocks_close) rocks_db *db = NULL;
    cairn_code code;

    if (raw == NULL) {
        return error_no_memory(err, "database");
    }
    code = rocks_window_init(&raw->window, err);
    if (code != CAIRN_OK) {
        mem_free(raw);
        return code;
    }
    db = raw;
    db->path = mem_strdup(path);
    if (db->path == NULL) {
        return error_no_memory(err, "database");
    }
    db->read_only = options->read_only;
    CAIRN_TRY(rocks_settings_init(&db->settings, options, err));
    CAIRN_TRY(open_database(db, err));
    *out = CAIRN_TAKE(db);
    return CAIRN_OK;
}

/* Families, then the database (it ends background work), then options and cache. */
void rocks_close(rocks_db *db)
{
    if (db == NULL) {
        return;
    }
    CAIRN_ASSERT(!rocks_window_is_open(&db->window));
    for (size_t i = 0; i < atomic_load(&db->family_count); i++) {
        family_free(db->families[i]);
    }
    if (db->handle != NULL) {
        rocksdb_close(db->handle);
    }
    rocks_settings_release(&db->settings);
    rocks_window_release(&db->window);
    mem_free(db->path);
    mem_free(db);
}
