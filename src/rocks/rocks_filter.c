#include "rocks_filter.h"

#include "bounds.h"
#include "errors.h"

#include <pthread.h>
#include <stdio.h>

struct rocks_filter_slot {
    pthread_mutex_t lock;
    /* locked */
    entry_filter filter;
    uint64_t latest_ms; /* that a compaction judges by */
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

static void set_latest(rocks_filter_slot *slot, uint64_t latest_ms)
{
    lock(slot);
    slot->latest_ms = latest_ms;
    unlock(slot);
}

/* Nothing expires while the clock is asked: a compaction that asked before asked for an earlier
 * time, one that asks later is held by the answer. */
void rocks_filter_hold(rocks_filter_slot *slot)
{
    entry_filter filter;

    lock(slot);
    filter = slot->filter;
    slot->latest_ms = 0;
    unlock(slot);
    if (filter.judge != NULL) {
        set_latest(slot, entry_clock_now(&filter.clock));
    }
}

void rocks_filter_release(rocks_filter_slot *slot)
{
    set_latest(slot, UINT64_MAX);
}

static const char *name_of(void *context)
{
    (void)context;
    return "cairn.entry_filter";
}

/* --- one compaction: on one of RocksDB's threads ---------------------------------------------- */

typedef struct compaction {
    rocks_filter_slot *slot;
    entry_filter_run run;
    unsigned left; /* entries before the clock is asked again */
} compaction;

static void compaction_free(void *context)
{
    compaction *const self = context;

    entry_filter_run_release(&self->run);
    mem_free(self);
}

/* First the clock, then the bound: see rocks_filter_hold. */
static void look_at_clock(compaction *self)
{
    uint64_t now_ms;

    if (self->left-- > 0) {
        return;
    }
    now_ms = entry_clock_now(&self->run.filter.clock);
    lock(self->slot);
    self->run.now_ms = now_ms < self->slot->latest_ms ? now_ms : self->slot->latest_ms;
    unlock(self->slot);
    self->left = CAIRN_FILTER_CLOCK_ENTRIES - 1;
}

/* RocksDB copies the new value before it calls again. */
/* NOLINTNEXTLINE(readability-function-size): its parameters are RocksDB's */
static unsigned char judge(void *context, int level, const char *key, size_t key_length,
                           const char *existing_value, size_t value_length, char **new_value,
                           size_t *new_value_length, unsigned char *value_changed)
{
    cairn_slice value = {existing_value, value_length};
    compaction *const self = context;

    (void)level;
    (void)key;
    (void)key_length;
    look_at_clock(self);
    switch (entry_filter_apply(&self->run, &value)) {
    case CAIRN_ENTRY_KEEP:
        return 0;
    case CAIRN_ENTRY_DROP:
        return 1;
    case CAIRN_ENTRY_REPLACE:
        *new_value = (char *)self->run.bytes.data;
        *new_value_length = self->run.bytes.len;
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
    compaction *self = NULL;
    entry_filter filter;

    (void)about;
    lock(slot);
    filter = slot->filter;
    unlock(slot);
    if (filter.judge == NULL) {
        return NULL;
    }
    self = mem_calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    self->slot = slot;
    self->run.filter = filter;
    self->run.fixed = true;
    cairn_buf_init(&self->run.bytes, CAIRN_VALUE_BYTES_MAX);
    return rocksdb_compactionfilter_create(self, compaction_free, judge, name_of);
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
    slot->latest_ms = UINT64_MAX;
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
