/*
 * Every bound of the library by name, with the relations between them checked at compile time.
 * Units stand last in the names.
 */
#ifndef CAIRN_BASE_BOUNDS_H
#define CAIRN_BASE_BOUNDS_H

#include <cairn/base.h>

/* Keys and values of state. A key is hashed, encoded and compared often: 64 KiB is generous. */
#define CAIRN_KEY_BYTES_MAX       ((size_t)64 << 10)
#define CAIRN_NAMESPACE_BYTES_MAX ((size_t)64 << 10)
#define CAIRN_VALUE_BYTES_MAX     ((size_t)1 << 30)
#define CAIRN_LIST_BYTES_MAX      CAIRN_VALUE_BYTES_MAX /* elements with their lengths */
#define CAIRN_MAP_KEY_BYTES_MAX   ((size_t)64 << 10)
#define CAIRN_MERGE_SOURCES_MAX                                      \
    1000 /* namespaces of one call; each is compared with all others \
          */
#define CAIRN_NAME_BYTES_MAX        255
#define CAIRN_TIMERS_NAME_BYTES_MAX 200 /* a suffix follows */
#define CAIRN_TIMER_HEAD_MAX        128 /* timers of a key group in memory; Flink's cache size */
#define CAIRN_TIMER_HEAD_UNORDERED_MAX                        \
    4096 /* where all of a group are read to find the nearest \
          */
#define CAIRN_STATES_MAX           256
#define CAIRN_MIGRATIONS_MAX       100 /* of one state; each is compared with all others */
#define CAIRN_HASHMAP_MEMORY_BYTES ((uint64_t)1 << 30) /* of a hash map, if none is named */
#define CAIRN_PACK_BYTES           ((uint64_t)4 << 20) /* of the small files that share an object */
#define CAIRN_PARALLELISM_MAX      32768               /* Flink's upper bound of max parallelism */

/* Operator state of a subtask, in memory: lengths and elements of all states together. */
#define CAIRN_OPERATOR_BYTES_MAX    ((size_t)64 << 20)
#define CAIRN_OPERATOR_ELEMENTS_MAX ((uint64_t)1000000)
#define CAIRN_OPERATOR_HEAD_BYTES   1024 /* of one state in the file, above what its names take */
#define CAIRN_OPERATOR_FILE_BYTES_MAX \
    (CAIRN_OPERATOR_BYTES_MAX + CAIRN_STATES_MAX * (size_t)CAIRN_OPERATOR_HEAD_BYTES)
#define CAIRN_OPERATOR_DEAD_BYTES \
    ((size_t)64 << 10) /* of a broadcast map, before it is rewritten */

/* Times to live. */
#define CAIRN_TTL_SWEEP_ENTRIES    5    /* cleaned with each access, where no compaction does it */
#define CAIRN_FILTER_CLOCK_ENTRIES 1000 /* that one look at the clock is for */
#define CAIRN_ROCKS_FILTER_AGE_S   (30 * 24 * 60 * 60) /* files that are compacted for it alone */
#define CAIRN_HEAP_SWEEP_SLOTS     64 /* looked at for an entry: most groups may be empty */

#define CAIRN_STATE_SCRATCH_BYTES_MAX ((size_t)1 << 20) /* that a state keeps for its next call */

/* Objects and documents. */
#define CAIRN_OBJECT_KEY_BYTES_MAX   1024 /* S3's bound */
#define CAIRN_MANIFEST_BYTES_MAX     CAIRN_BUF_DEFAULT_LIMIT
#define CAIRN_PART_BYTES_MAX         ((size_t)32 << 20)
#define CAIRN_RECORD_BYTES_MAX       ((size_t)64 << 10) /* claim.json, start.json */
#define CAIRN_CERTIFICATE_BYTES_MAX  ((size_t)256 << 20)
#define CAIRN_MANIFEST_FILES_MAX     1000000
#define CAIRN_MANIFEST_OPERATORS_MAX 256
#define CAIRN_JSON_DEPTH_MAX         32
#define CAIRN_JSON_STRING_BYTES_MAX                           \
    ((size_t)4 << 10) /* unless the schema names a larger one \
                       */
#define CAIRN_JSON_NODES_MAX           ((size_t)16 << 20)
#define CAIRN_JSON_NUMBER_BYTES_MAX    60 /* cJSON cuts a number at 63 */
#define CAIRN_YAML_DEPTH_MAX           16
#define CAIRN_OPERATOR_STATE_BYTES_MAX ((size_t)1 << 20)
#define CAIRN_CONFIG_BYTES_MAX         ((size_t)1 << 20)
#define CAIRN_SOURCES_MAX              1024 /* inputs of a subtask */
#define CAIRN_SOURCE_NAME_BYTES_MAX    1024
#define CAIRN_VICTIMS_MAX              1000000 /* of one certificate */

#define CAIRN_OUTPUTS_MAX           10000 /* output files of one checkpoint */
#define CAIRN_OUTPUT_NAME_BYTES_MAX 128

/* Reading and writing. */
#define CAIRN_IO_CHUNK_BYTES ((size_t)1 << 20)
#define CAIRN_CHECK_BYTES    ((size_t)8 << 20) /* of one request, when a stored file is checked */
#define CAIRN_STREAM_BUFFER_BYTES                                             \
    ((size_t)256 << 10)           /* of a local file of state (byte_stream.h) \
                                   */
#define CAIRN_LIST_PAGE_MAX  1000 /* S3's bound */
#define CAIRN_LIST_PAGES_MAX 10000
#define CAIRN_DIR_WINDOW_KEYS                                           \
    ((size_t)64 * CAIRN_LIST_PAGE_MAX) /* that a walk of a tree fetches \
                                        */
#define CAIRN_DIR_WINDOWS_MAX  4       /* of listings under way that a directory store keeps */
#define CAIRN_DELETE_BATCH_MAX 1000    /* keys of one request; S3's bound */
#define CAIRN_DIR_ENTRIES_MAX  1000000
#define CAIRN_EINTR_RETRIES    1000
#define CAIRN_DIR_DEPTH_MAX    64 /* folders below each other in a tree to remove */
#define CAIRN_DIR_RACES_MAX                                          \
    100 /* times that a put makes its folder or temporary name again \
         */

/* Trying again. */
#define CAIRN_STORE_TIMEOUT_MS     600000 /* of a store call that names no deadline */
#define CAIRN_RETRY_ATTEMPTS_MAX   10
#define CAIRN_RETRY_BASE_MS        100
#define CAIRN_RETRY_THROTTLED_MS   1000 /* the base, if the peer said that it has too much to do */
#define CAIRN_RETRY_CAP_MS         20000
#define CAIRN_RETRY_ELAPSED_MS_MAX 120000
#define CAIRN_RETRY_RESERVE        64    /* repeats that a store may make while nothing succeeds */
#define CAIRN_RETRY_SHARE          2     /* repeats that each success adds to the reserve */
#define CAIRN_RETRY_AFTER_MS_MAX   60000 /* a peer that asks for more is not obeyed */

/* Work in flight. */
#define CAIRN_POOL_THREADS_MAX 65 /* 64 that transfer, and one */
#define CAIRN_POOL_QUEUE_MAX   4096
#define CAIRN_CANCEL_POLL_MS   20 /* how late a sleeping call may see its cancel */

/* HTTP. */
#define CAIRN_HTTP_HEADER_BYTES_MAX ((size_t)64 << 10) /* of one reply */
#define CAIRN_HTTP_ERROR_BYTES_MAX  ((size_t)1 << 20)  /* body of a reply that is no success */
#define CAIRN_HTTP_URL_BYTES_MAX    ((size_t)16 << 10)
#define CAIRN_HTTP_CONNECT_MS       5000
#define CAIRN_HTTP_LOW_SPEED_BYTES  1024 /* a second */
#define CAIRN_HTTP_LOW_SPEED_S      30   /* a DataNode looks 22 s for a lost block before it cuts */
#define CAIRN_HTTP_CREW_MAX         64   /* exchanges of one crew in flight */
#define CAIRN_HTTP_LANES_IDLE_MAX   64   /* multi handles that a client keeps */
#define CAIRN_HTTP_IDLE_S           50   /* a connection that was idle for longer is not used */
#define CAIRN_HTTP_LIFETIME_S       120  /* then name and certificate are looked at anew */
#define CAIRN_HTTP_BUFFER_BYTES     (512L << 10)
#define CAIRN_HTTP_HOST_BYTES_MAX   253                 /* of a name (RFC 1035) */
#define CAIRN_HTTP_DNS_S            10                  /* an address is looked up anew after it */
#define CAIRN_HTTP_DROPPED_BYTES    ((uint64_t)8 << 20) /* of a refusal's body, before it is cut */
#define CAIRN_HTTP_DISTRUST_MS      3000 /* after a wait in vain, nothing that is open is used */
#define CAIRN_HTTP_TICK_MS          1000 /* longest sleep of a thread that drives exchanges */

/* XML. */
#define CAIRN_XML_DEPTH_MAX      16
#define CAIRN_XML_TEXT_BYTES_MAX ((size_t)16 << 10)
#define CAIRN_XML_BYTES_MAX      ((size_t)8 << 20)

/* S3. Source: "Amazon S3 multipart upload limits" and "Error responses" of its User Guide. */
#define CAIRN_S3_PARTS_MAX        10000
#define CAIRN_S3_PART_BYTES_MIN   ((uint64_t)5 << 20)
#define CAIRN_S3_PART_BYTES_MAX   ((uint64_t)5 << 30)
#define CAIRN_S3_PUT_BYTES_MAX    ((uint64_t)5 << 30)
#define CAIRN_S3_RANGE_BYTES      ((uint64_t)16 << 20) /* of one GET of a parallel download */
#define CAIRN_S3_PARALLEL_MAX     64
#define CAIRN_S3_COMPLETE_MS      600000              /* a completion answers late */
#define CAIRN_S3_ABORT_MS         10000               /* to abort an upload whose call has ended */
#define CAIRN_S3_ABORT_ROUNDS_MAX 3                   /* parts in flight may land after an abort */
#define CAIRN_S3_IN_FLIGHT_MAX    256                 /* requests of one store at once */
#define CAIRN_S3_EXPECT_BYTES     ((uint64_t)1 << 20) /* a refusal may come before such a body */
#define CAIRN_S3_FIXES_MAX        4                   /* clock, keys, region, hop: each once */
#define CAIRN_S3_PATIENCE_MS      20  /* a crew asks again whether it may send more */
#define CAIRN_S3_SWEEP_ROUNDS_MAX 100 /* readings of the list of open uploads */
#define CAIRN_S3_ETAG_BYTES_MAX   256
#define CAIRN_S3_HASH_BYTES       ((size_t)256 << 10) /* read to be hashed: a core's cache holds it */
#define CAIRN_S3_AHEAD_MAX        8                   /* parts hashed before they can be sent */
#define CAIRN_S3_AHEAD_LOOK_MS    1 /* between two looks whether the next one is */
#define CAIRN_S3_CRC_BYTES_MIN    ((uint64_t)64 << 10) /* a smaller body is cheaply signed */
#define CAIRN_S3_PROOF_BYTES      ((uint64_t)64 << 20) /* a proof costs six requests */
#define CAIRN_S3_PROOFS_MAX       3                    /* that came to nothing, of one store */
#define CAIRN_S3_PROOF_MS         ((uint64_t)5000)     /* before its traces are removed */
#define CAIRN_S3_KEYS_BYTES_MAX   ((size_t)64 << 10)   /* of a reply or file with credentials */
#define CAIRN_S3_REFRESH_AHEAD_MS 300000
#define CAIRN_S3_METADATA_MS      1000
#define CAIRN_S3_ROLE_CHAIN_MAX   8 /* source_profile after source_profile */
#define CAIRN_S3_STS_MS           20000
#define CAIRN_S3_ROLE_MS_MIN      900000 /* no role is given for less (STS, DurationSeconds) */
#define CAIRN_S3_CONTAINER_MS     5000   /* an agent beside us, which may have to ask further */
#define CAIRN_S3_PROCESS_MS       60000  /* a credential_process */
#define CAIRN_S3_PROCESS_WORDS    64
#define CAIRN_S3_PAUSE_MS         10000 /* after a refresh that brought nothing new */
#define CAIRN_S3_FILES_LOOK_MS    1000  /* between two looks whether profile files changed */
#define CAIRN_S3_SKEW_MS_MAX      ((uint64_t)7 * 24 * 3600 * 1000)
#define CAIRN_SIGV4_HEADERS_MAX   32
#define CAIRN_SIGV4_QUERY_MAX     32

/* What a store really does. Where two writers both win 45 % of all races, twenty miss it
 * once in 150,000 times. */
/* Races (store_probe.c). versitygw, which looks and then writes, gave two winners in none of 60
 * races side by side with 64 bytes, in 30 with these, and in each in which one put overtook the
 * other. */
#define CAIRN_PROBE_BODY_BYTES    ((size_t)256 << 10)
#define CAIRN_PROBE_HALT_MS       200
#define CAIRN_PROBE_OVERTAKE_EACH 8  /* in so many races, one */
#define CAIRN_PROBE_ROUNDS        20 /* races of two writers before create-only is believed */
#define CAIRN_PROBE_VOID_MAX      20 /* races without a result, because a writer was not answered */
#define CAIRN_PROBE_LINGER_MS     3600000 /* objects of a probe that are older may be deleted */
#define CAIRN_EXAMINE_KEYS        (CAIRN_LIST_PAGE_MAX + 50) /* more than a page of a listing */
#define CAIRN_EXAMINE_THREADS     16
#define CAIRN_EXAMINE_CLEANUP_MS  60000 /* for deleting them, also after a cancel */
#define CAIRN_EXAMINE_SKEW_MS     60000 /* of clocks, before it is worth a word */

/* HDFS. */
#define CAIRN_HDFS_NAMENODES_MAX      7
#define CAIRN_HDFS_LOCATION_BYTES_MAX ((size_t)8 << 10)
#define CAIRN_HDFS_PATH_BYTES_MAX     3000 /* encoded: a DataNode's request line ends at 4,096 */
#define CAIRN_HDFS_JSON_BYTES_MAX     ((size_t)8 << 20)
#define CAIRN_HDFS_DEPTH_MAX          64
#define CAIRN_HDFS_RANGE_BYTES        ((uint64_t)32 << 20)
#define CAIRN_HDFS_MESSAGE_BYTES      256                /* of a server's exception, in an error */
#define CAIRN_HDFS_TRIES_MAX          3                  /* of a data step within one call */
#define CAIRN_HDFS_PARALLEL_MAX       4                  /* ranges of one download at once */
#define CAIRN_HDFS_REPLY_BYTES_MAX    ((size_t)64 << 10) /* a reply that is no list and no data */
#define CAIRN_HDFS_DATANODES_MAX      64                 /* entries of a map of DataNodes */
#define CAIRN_HDFS_EXCLUDED_MAX       8                  /* DataNodes that failed of late */
#define CAIRN_HDFS_EXCLUDED_MS        60000              /* how long they are passed over */
#define CAIRN_HDFS_BLOCK_BYTES        ((uint64_t)128 << 20) /* if the server names none */
#define CAIRN_HDFS_TOKEN_BYTES_MAX    ((size_t)64 << 10)    /* of a file with tokens */
#define CAIRN_HDFS_CONFIG_BYTES_MAX   ((size_t)1 << 20)
#define CAIRN_HDFS_SETTINGS_MAX       4096  /* properties of a configuration */
#define CAIRN_HDFS_SUBSTITUTIONS_MAX  20    /* Hadoop's own bound */
#define CAIRN_HDFS_CLEANUP_MS         3000  /* to delete a temporary after a failure */
#define CAIRN_HDFS_RENEW_PAUSE_MS     60000 /* after a token could not be renewed */
#define CAIRN_HDFS_USER_MS            5000  /* for the database of users */

/* Coordination. */
#define CAIRN_CLAIM_ATTEMPTS_MAX 100
#define CAIRN_BURNT_IDS_MAX                                              \
    16 /* ids that older attempts used, which one checkpoint passes over \
        */
#define CAIRN_CLOSE_WAIT_MS          5000 /* for retention to end before it is cancelled */
#define CAIRN_FENCE_INTERVAL_MS      2000
#define CAIRN_FENCE_TIMEOUT_MS       10000
#define CAIRN_TIMELINE_ROUNDS_MAX    8 /* readings of a history that changes while it is read */
#define CAIRN_OBJECTS_LISTED_MAX     ((size_t)20000000)
#define CAIRN_ABORT_TIMEOUT_MS       10000 /* to record an abort and to delete its uploads */
#define CAIRN_RETENTION_TIMEOUT_MS   600000
#define CAIRN_CERTIFICATES_KEPT      16
#define CAIRN_CHECKPOINTS_LISTED_MAX 100000 /* manifests that one certificate may have read */
#define CAIRN_LOG_LINE_BYTES         1024
#define CAIRN_RECORD_LINE_BYTES_MAX  ((size_t)16 << 20) /* one record of a worker's input */

/* A worker. A guard is a digest over so many bytes of each end of what was read. */
#define CAIRN_SOURCE_GUARD_BYTES   ((size_t)4 << 10)
#define CAIRN_SOURCE_WAIT_MS       100 /* a stream without data hides a stop so long */
#define CAIRN_SOURCE_CHUNK_BYTES   ((size_t)4 << 20) /* of an object, read at once */
#define CAIRN_SINK_SEGMENTS_MAX    10000 /* of checkpoints that failed one after another */
#define CAIRN_WORKER_TICK_RECORDS  64    /* records between two looks at the clock */
#define CAIRN_WORKER_TICK_MS       20    /* between two looks at what is in flight */
#define CAIRN_WORKER_CHECK_MS      200   /* between two questions whether it is fenced */
#define CAIRN_WORKER_ADVANCE_MS    100   /* between two calls of a job's advance */
#define CAIRN_WORKER_PROGRESS_MS   1000
#define CAIRN_WORKER_RETRY_MS      1000 /* before a failed last checkpoint is taken again */
#define CAIRN_PUBLISH_ATTEMPTS_MAX 5    /* each of them retried by the store */
#define CAIRN_PUBLISH_PAUSE_MS     1000
#define CAIRN_WORDCOUNT_WORDS_MAX  ((size_t)64 << 10) /* changed words that wait for output */
#define CAIRN_WORDCOUNT_BYTES_MAX  ((size_t)4 << 20)

/* RocksDB. */
#define CAIRN_ROCKS_FAMILIES_MAX       (CAIRN_STATES_MAX + 256) /* states, and what cairn adds */
#define CAIRN_ROCKS_MEMORY_BYTES       ((uint64_t)256 << 20) /* of a database, if none is named */
#define CAIRN_ROCKS_MEMORY_BYTES_MIN   ((uint64_t)768 << 10) /* memtables of 64 KiB */
#define CAIRN_ROCKS_MEMTABLE_BYTES_MAX ((uint64_t)128 << 20)
#define CAIRN_ROCKS_JOBS_MAX           64
#define CAIRN_ROCKS_OPEN_FILES_MAX     512
#define CAIRN_ROCKS_HOLD_MS_MAX        60000  /* a write waits for the end of a snapshot's window */
#define CAIRN_ROCKS_FLUSH_MS_MAX       600000 /* a snapshot that names no deadline */

/* The hash-map engine. A segment is copied, grown or split in one step of the owner: its slots, of
 * 8 bytes, bound how long that takes. */
#define CAIRN_HEAP_SLOTS_MIN     16
#define CAIRN_HEAP_SLOTS_MAX     4096
#define CAIRN_HEAP_DEPTH_MAX     24 /* of a directory: 2^24 segments of a key group */
#define CAIRN_HEAP_SNAPSHOTS_MAX 8  /* at once */
#define CAIRN_HEAP_TABLES_MAX    (CAIRN_STATES_MAX + 256)
#define CAIRN_HEAP_RECLAIM_MAX   62 /* blocks freed with one write, of those a snapshot kept */
#define CAIRN_HEAP_SPARE_BYTES   64 /* that a value may leave unused, besides its own length */
#define CAIRN_HEAP_KEY_BYTES_MAX ((size_t)512 << 10) /* a composite key, escaped */
#define CAIRN_HEAP_BUFFER_BYTES  ((size_t)256 << 10) /* of a file that is written or read */

_Static_assert(CAIRN_PART_BYTES_MAX <= CAIRN_MANIFEST_BYTES_MAX, "a part fits in a manifest");
_Static_assert(CAIRN_RETRY_BASE_MS < CAIRN_RETRY_CAP_MS, "back-off grows");
_Static_assert(CAIRN_RETRY_THROTTLED_MS < CAIRN_RETRY_CAP_MS, "back-off grows");
_Static_assert(CAIRN_RETRY_AFTER_MS_MAX < CAIRN_RETRY_ELAPSED_MS_MAX, "who obeys may try again");
_Static_assert(CAIRN_RETRY_ATTEMPTS_MAX <= CAIRN_RETRY_RESERVE, "one call may use all attempts");
_Static_assert(CAIRN_KEY_BYTES_MAX < CAIRN_VALUE_BYTES_MAX, "a key may be a value");
_Static_assert(CAIRN_KEY_BYTES_MAX <= CAIRN_WORDCOUNT_BYTES_MAX, "any word fits in an empty table");
_Static_assert(CAIRN_SOURCE_GUARD_BYTES <= CAIRN_IO_CHUNK_BYTES, "a guard is read at once");
_Static_assert(CAIRN_HEAP_BUFFER_BYTES <= CAIRN_IO_CHUNK_BYTES, "a buffer is written at once");
_Static_assert((CAIRN_HEAP_SLOTS_MIN & (CAIRN_HEAP_SLOTS_MIN - 1)) == 0, "slots are masked");
_Static_assert(CAIRN_HEAP_SLOTS_MAX % CAIRN_HEAP_SLOTS_MIN == 0, "by doubling");
_Static_assert(4 * CAIRN_KEY_BYTES_MAX + CAIRN_KEY_BYTES_MAX + 6 <= CAIRN_HEAP_KEY_BYTES_MAX,
               "key and namespace escaped, a user key, group and terminators fit");

#endif
