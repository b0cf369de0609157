#include "raw_db.h"

#include "clock.h"
#include "paired.h"

#define SETTLE_POLL_MS   100
#define SETTLE_POLLS_MAX 6000
#define CALM_POLLS       3

static void must(char *message)
{
    if (message != NULL) {
        bench_quit(message);
    }
}

void raw_open(raw_db *raw, const char *path, const rocks_options *options)
{
    cairn_error err = {0};
    char *message = NULL;

    *raw = (raw_db){.db = NULL};
    bench_must(rocks_settings_init(&raw->settings, options, &err), &err);
    raw->db = rocksdb_open(raw->settings.options, path, &message);
    must(message);
}

static void unpin(raw_db *raw)
{
    if (raw->pinned != NULL) {
        rocksdb_pinnableslice_destroy(raw->pinned);
        raw->pinned = NULL;
    }
}

void raw_close(raw_db *raw)
{
    unpin(raw);
    rocksdb_close(raw->db);
    rocks_settings_release(&raw->settings);
}

void raw_put(raw_db *raw, cairn_slice key, cairn_slice value)
{
    char *message = NULL;

    rocksdb_put(raw->db, raw->settings.write, key.data, key.len, value.data, value.len, &message);
    must(message);
}

void raw_merge(raw_db *raw, cairn_slice key, cairn_slice bytes)
{
    char *message = NULL;

    rocksdb_merge(raw->db, raw->settings.write, key.data, key.len, bytes.data, bytes.len, &message);
    must(message);
}

void raw_delete(raw_db *raw, cairn_slice key)
{
    char *message = NULL;

    rocksdb_delete(raw->db, raw->settings.write, key.data, key.len, &message);
    must(message);
}

bool raw_get(raw_db *raw, cairn_slice key, cairn_slice *value)
{
    char *message = NULL;

    unpin(raw);
    raw->pinned = rocksdb_get_pinned(raw->db, raw->settings.read, key.data, key.len, &message);
    must(message);
    if (raw->pinned == NULL) {
        return false;
    }
    value->data = rocksdb_pinnableslice_value(raw->pinned, &value->len);
    return true;
}

static bool is_busy(rocksdb_t *db)
{
    static const char *const properties[] = {
        "rocksdb.compaction-pending", "rocksdb.num-running-compactions",
        "rocksdb.num-running-flushes", "rocksdb.mem-table-flush-pending"};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(properties); i++) {
        uint64_t value = 0;

        if (rocksdb_property_int(db, properties[i], &value) == 0 && value != 0) {
            return true;
        }
    }
    return false;
}

void raw_settle(const raw_db *raw, state_engine *ours)
{
    for (int calm = 0, polls = 0; calm < CALM_POLLS && polls < SETTLE_POLLS_MAX; polls++) {
        const uint64_t bytes = ours->ops->state_bytes(ours);

        clock_sleep_ms(SETTLE_POLL_MS);
        calm = is_busy(raw->db) || ours->ops->state_bytes(ours) != bytes ? 0 : calm + 1;
    }
}
