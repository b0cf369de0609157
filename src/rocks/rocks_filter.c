#include "rocks_filter.h"

#include "bounds.h"
#include "errors.h"

#include <pthread.h>
#include <stdio.h>

struct rocks_filter_slot {
    pthread_mutex_t lock;
    entry_filter filter; /* locked */
};

static void lock(rocks_filter_slot *slot)
{
    CAIRN_ASSERT(pthread_mutex_lock(&slot->lock) == 0);
}

static void unlock(rocks_filter_slot *slot)
{
    CAIRN_ASSERT(pthread_mutex_unlock(&slot->lock) == 0);
}

void rocks_filter_set(rocks_filter_slot *slot, const entry_filter *filter)
{
    lock(slot);
    slot->filter = *filter;
    unlock(slot);
}

static const char *name_of(void *context)
{
    (void)context;
    return "cairn.entry_filter";
}

/* --- one compaction: on one of RocksDB's threads ---------------------------------------------- */

static void run_free(void *context)
{
    entry_filter_run *const run = context;

    entry_filter_run_release(run);
    mem_free(run);
}

/* RocksDB copies the new value before it calls again. */
/* NOLINTNEXTLINE(readability-function-size): its parameters are RocksDB's */
static unsigned char judge(void *context, int level, const char *key, size_t key_length,
                           const char *existing_value, size_t value_length, char **new_value,
                           size_t *new_value_length, unsigned char *value_changed)
{
    cairn_slice value = {existing_value, value_length};
    entry_filter_run *const run = context;

    (void)level;
    (void)key;
    (void)key_length;
    switch (entry_filter_apply(run, &value)) {
    case CAIRN_ENTRY_KEEP:
        return 0;
    case CAIRN_ENTRY_DROP:
        return 1;
    case CAIRN_ENTRY_REPLACE:
        *new_value = (char *)run->bytes.data;
        *new_value_length = run->bytes.len;
        *value_changed = 1;
        return 0;
    }
    return 0;
}

/* NULL: the compaction has no filter. Short of memory it has none either: it keeps what it could
 * have dropped. */
static rocksdb_compactionfilter_t *begin_compaction(void *context,
                                                    rocksdb_compactionfiltercontext_t *about)
{
    rocks_filter_slot *const slot = context;
    entry_filter_run *run = NULL;
    entry_filter filter;

    (void)about;
    lock(slot);
    filter = slot->filter;
    unlock(slot);
    if (filter.judge == NULL) {
        return NULL;
    }
    run = mem_calloc(1, sizeof(*run));
    if (run == NULL) {
        return NULL;
    }
    run->filter = filter;
    cairn_buf_init(&run->bytes, CAIRN_VALUE_BYTES_MAX);
    return rocksdb_compactionfilter_create(run, run_free, judge, name_of);
}

/* --- families --------------------------------------------------------------------------------- */

static void slot_free(void *context)
{
    rocks_filter_slot *const slot = context;

    (void)pthread_mutex_destroy(&slot->lock);
    mem_free(slot);
}

rocksdb_options_t *rocks_filter_options(rocksdb_options_t *base, rocks_filter_slot **out,
                                        cairn_error *err)
{
    rocks_filter_slot *const slot = mem_calloc(1, sizeof(*slot));
    rocksdb_options_t *options = NULL;

    if (slot == NULL) {
        (void)error_no_memory(err, "filter of a column family");
        return NULL;
    }
    CAIRN_ASSERT(pthread_mutex_init(&slot->lock, NULL) == 0);
    options = rocksdb_options_create_copy(base);
    rocksdb_options_set_compaction_filter_factory(
        options,
        rocksdb_compactionfilterfactory_create(slot, slot_free, begin_compaction, name_of));
    *out = slot;
    return options;
}

void rocks_filter_set_age(rocksdb_t *db, rocksdb_column_family_handle_t *family, bool by_age)
{
    static const char *const keys[] = {"periodic_compaction_seconds"};
    char seconds[32];
    const char *const values[] = {seconds};
    char *message = NULL;

    (void)snprintf(seconds, sizeof(seconds), "%d", by_age ? CAIRN_ROCKS_FILTER_AGE_S : 0);
    rocksdb_set_options_cf(db, family, 1, keys, values, &message);
    rocksdb_free(message);
}
