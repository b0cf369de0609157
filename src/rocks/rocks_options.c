#include "rocks_options.h"

#include "bounds.h"
#include "errors.h"

#define BLOOM_BITS_PER_KEY 10.0
#define LEVELS             7
#define JOBS_DEFAULT       2U
#define MIB                ((uint64_t)1 << 20)

#define LEVEL_BASE_BYTES_MIN (64 * MIB)
#define TABLE_BYTES          (64 * MIB)

/* Files in L0 at which they are compacted. */
#define L0_COMPACT 12

/* Numbers of enums that rocksdb/c.h leaves to its callers. */
#define INFO_LOG_WARN 2

/* What the C API has no function for. */
static const char *const more_options =
    "avoid_flush_during_shutdown=true;" /* closing must not write: a checkpoint has what counts */
    "ttl=0;"                            /* age alone rewrites no file: that would be an upload */
    "periodic_compaction_seconds=0;"    /* likewise */
    /* Appends of list state. Built in, so RocksDB's own tools read lists too; the empty delimiter
     * keeps bytes as they are. */
    "merge_operator={id=stringappend;delimiter=};";

static rocksdb_block_based_table_options_t *table_new(rocksdb_cache_t *cache)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();

    rocksdb_block_based_options_set_block_cache(table, cache);
    /* Index and filters live in the cache: inside the budget, however many files there are. */
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    /* A scan of data does not push them out. */
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
    /* In pieces of 4 KiB under a small top that stays. Whole, the filter of a table of small values
     * is 4 MiB, more than a shard of the cache holds: each get read it from the file anew. */
    rocksdb_block_based_options_set_index_type(
        table, rocksdb_block_based_table_index_type_two_level_index_search);
    rocksdb_block_based_options_set_partition_filters(table, 1);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(table, 1);
    /* Every get asks the files of L0: their filters stay. */
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    /* The format that readers of 6.6 and later know; smaller, faster filters. */
    rocksdb_block_based_options_set_format_version(table, 5);
    /* 1 % false positives: a get reads one file. Ribbon is smaller, but slower to build and ask. */
    rocksdb_block_based_options_set_filter_policy(
        table, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS_PER_KEY));
    return table;
}

static void set_memtables(rocksdb_options_t *options, const rocks_budget *budget)
{
    rocksdb_options_set_write_buffer_size(options, (size_t)budget->memtable_bytes);
    rocksdb_options_set_db_write_buffer_size(options, (size_t)budget->memtables_bytes);
    /* Named, because the window of a snapshot computes with it. */
    rocksdb_options_set_arena_block_size(options, (size_t)budget->arena_bytes);
    /* A flush without waiting blocks when one more memtable would slow writes: leave room. */
    rocksdb_options_set_max_write_buffer_number(options, 6);
    /* One owner writes: the insert without atomics, and no spinning for a group of writers. */
    rocksdb_options_set_allow_concurrent_memtable_write(options, 0);
    rocksdb_options_set_enable_write_thread_adaptive_yield(options, 0);
    /* All families are switched by hand at the barrier with no write between, which is exact; tied
     * flushes would only make each full memtable flush all families. */
    rocksdb_options_set_atomic_flush(options, 0);
}

static void set_levels(rocksdb_options_t *options, const rocks_budget *budget)
{
    int compression[LEVELS];

    for (int level = 0; level < LEVELS; level++) {
        /* L0 is short-lived and between barrier and links: no time for it there. */
        compression[level] = level == 0 ? rocksdb_no_compression : rocksdb_lz4_compression;
    }
    rocksdb_options_set_num_levels(options, LEVELS);
    rocksdb_options_set_compression_per_level(options, compression, LEVELS);
    rocksdb_options_set_compaction_style(options, rocksdb_level_compaction);
    /* Level sizes follow the state's: space, so restore, stays near the live bytes. */
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
    /* What a compaction rewrites is uploaded again, so gather more in L0 than the usual 4 files.
     * Measured with 10 M keys, 5 % changed per checkpoint (55 MB): uploads of 355 MB with 4, 233
     * with 8, 140 with 12. The price: each file in L0 adds 0.4 us to a get that took 5.7. */
    rocksdb_options_set_level0_file_num_compaction_trigger(options, L0_COMPACT);
    rocksdb_options_set_level0_slowdown_writes_trigger(options, ROCKS_L0_SLOW);
    rocksdb_options_set_level0_stop_writes_trigger(options, ROCKS_L0_STOP);
    /* As large as a full L0: the cheapest ratio for the merge of the two. */
    rocksdb_options_set_max_bytes_for_level_base(options, budget->memtable_bytes * L0_COMPACT >
                                                                  LEVEL_BASE_BYTES_MIN
                                                              ? budget->memtable_bytes * L0_COMPACT
                                                              : LEVEL_BASE_BYTES_MIN);
    /* The barrier must not wait for compactions; the number of files in L0 is brake enough. */
    rocksdb_options_set_soft_pending_compaction_bytes_limit(options, 0);
    rocksdb_options_set_hard_pending_compaction_bytes_limit(options, 0);
    /* Large enough for few objects, small enough that a part of a level can be rewritten. */
    rocksdb_options_set_target_file_size_base(options, TABLE_BYTES);
}

static void set_background(rocksdb_options_t *options, unsigned jobs)
{
    const int compactions = (int)jobs;

    rocksdb_options_set_max_background_flushes(options, compactions > 1 ? compactions / 2 : 1);
    rocksdb_options_set_max_background_compactions(options, compactions);
    rocksdb_options_set_max_background_jobs(options, compactions);
    /* The owner never deletes files or frees large things: the background does. */
    rocksdb_options_set_avoid_unnecessary_blocking_io(options, 1);
}

static void set_files(rocksdb_options_t *options)
{
    rocksdb_options_set_create_if_missing(options, 1);
    /* Descriptors are a bounded good; not -1, which also reads every table at open. */
    rocksdb_options_set_max_open_files(options, CAIRN_ROCKS_OPEN_FILES_MAX);
    rocksdb_options_set_skip_stats_update_on_db_open(options, 1); /* open reads no table */
    /* It is copied and uploaded with each checkpoint, so it is rolled while small. */
    rocksdb_options_set_max_manifest_file_size(options, (size_t)MIB);
    rocksdb_options_set_manifest_preallocation_size(options, (size_t)64 << 10);
    /* Local state is a cache; the checkpoint is durable. fdatasync where RocksDB insists. */
    rocksdb_options_set_use_fsync(options, 0);
    /* Writing back early leaves little for the sync at the end, which the links wait for. */
    rocksdb_options_set_bytes_per_sync(options, MIB);
    /* The log is for a person after trouble: small, and quiet in good times. */
    rocksdb_options_set_info_log_level(options, INFO_LOG_WARN);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_max_log_file_size(options, (size_t)MIB);
    rocksdb_options_set_stats_dump_period_sec(options, 0);    /* nobody reads them */
    rocksdb_options_set_stats_persist_period_sec(options, 0); /* nor from a hidden family */
}

static cairn_code options_new(rocks_settings *settings, unsigned jobs, cairn_error *err)
{
    rocksdb_options_t *const base = rocksdb_options_create();
    rocksdb_block_based_table_options_t *const table = table_new(settings->cache);
    char *message = NULL;

    set_memtables(base, &settings->budget);
    set_levels(base, &settings->budget);
    set_background(base, jobs);
    set_files(base);
    rocksdb_options_set_block_based_table_factory(base, table);
    settings->options = rocksdb_options_create();
    rocksdb_get_options_from_string(base, more_options, settings->options, &message);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_destroy(base);
    if (message != NULL) {
        const cairn_code code =
            error_set(err, CAIRN_E_INTERNAL, "set RocksDB's options: %s", message);

        rocksdb_free(message);
        return code;
    }
    return CAIRN_OK;
}

cairn_code rocks_settings_init(rocks_settings *settings, const rocks_options *options,
                               cairn_error *err)
{
    const unsigned jobs = options->background_jobs == 0 ? JOBS_DEFAULT : options->background_jobs;

    if (jobs > CAIRN_ROCKS_JOBS_MAX) {
        return error_set(err, CAIRN_E_INVALID, "%u background jobs, at most %d", jobs,
                         CAIRN_ROCKS_JOBS_MAX);
    }
    settings->budget = rocks_budget_of(options->memory_bytes);
    settings->cache = rocksdb_cache_create_lru((size_t)settings->budget.cache_bytes);
    settings->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(settings->write, 1); /* durability is the checkpoint's */
    settings->read = rocksdb_readoptions_create();
    settings->flush_without_waiting = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(settings->flush_without_waiting, 0);
    return options_new(settings, jobs, err);
}

void rocks_settings_release(rocks_settings *settings)
{
    if (settings->flush_without_waiting != NULL) {
        rocksdb_flushoptions_destroy(settings->flush_without_waiting);
        rocksdb_readoptions_destroy(settings->read);
        rocksdb_writeoptions_destroy(settings->write);
    }
    if (settings->options != NULL) {
        rocksdb_options_destroy(settings->options);
    }
    if (settings->cache != NULL) {
        rocksdb_cache_destroy(settings->cache);
    }
    *settings = (rocks_settings){0};
}
