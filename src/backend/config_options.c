/*
 * DESIGN: one row per option; help, documentation, checks and defaults all read this table.
 * docs/options.md repeats it, and a test compares the two.
 */
#include "config_options.h"

#include "bounds.h"
#include "encode.h"
#include "errors.h"

#include <string.h>

#define CONFIG_SHOWN_BYTES_MAX 80
#define CONFIG_DURATION_MS_MAX ((uint64_t)365 * 24 * 3600 * 1000)
#define CONFIG_MEMORY_MIN      ((uint64_t)8 << 20)
#define CONFIG_MEMORY_MAX      ((uint64_t)1 << 44)
#define CONFIG_ENUM_PREFIX     "enum "

const config_option config_options[CONFIG_OPTIONS_COUNT] = {
    {.info =
         {"cairn.checkpointing.every-records", "integer", NULL,
          "a checkpoint at each multiple of this number of records (from 1); no checkpoints by time "
          "unless execution.checkpointing.interval is set too"},
     .kind = CAIRN_CONFIG_INTEGER,
     .min = 1,
     .max = INT64_MAX},
    {.info = {"cairn.log.format", "enum text|json", "text", "form of log lines on standard error"},
     .kind = CAIRN_CONFIG_ENUM},
    {.info = {"cairn.log.level", "enum error|warn|info|debug", "info",
              "log lines of this level and above"},
     .kind = CAIRN_CONFIG_ENUM},
    {.info = {"cairn.open-timeout", "duration", "1 h",
              "bound of claiming the job, reading and downloading its checkpoint together"},
     .kind = CAIRN_CONFIG_DURATION,
     .min = 1,
     .max = CONFIG_DURATION_MS_MAX},
    {.info = {"cairn.restore", "enum latest|latest-good|none|N", "latest",
              "the checkpoint to start from; N is a checkpoint id, none starts empty"},
     .kind = CAIRN_CONFIG_ENUM},
    {.info = {"cairn.stop-timeout", "duration", "10 s",
              "bound of the last checkpoint of a graceful stop"},
     .kind = CAIRN_CONFIG_DURATION,
     .min = 1,
     .max = CONFIG_DURATION_MS_MAX},
    {.info = {"execution.checkpointing.dir", "string", NULL,
              "where checkpoints are: the job lives in a folder of its name below"},
     .kind = CAIRN_CONFIG_STRING},
    {.info = {"execution.checkpointing.incremental", "enum true", "true",
              "a checkpoint uploads only what the one before it lacks; there is no other way"},
     .kind = CAIRN_CONFIG_ENUM},
    {.info = {"execution.checkpointing.interval", "duration", "10 s",
              "time between the begins of two checkpoints; 0: none by time"},
     .kind = CAIRN_CONFIG_DURATION,
     .min = 0,
     .max = CONFIG_DURATION_MS_MAX},
    {.info = {"execution.checkpointing.min-pause", "duration", "0 ms",
              "least time between the end of a checkpoint and the begin of the next"},
     .kind = CAIRN_CONFIG_DURATION,
     .min = 0,
     .max = CONFIG_DURATION_MS_MAX},
    {.info = {"execution.checkpointing.num-retained", "integer", "1",
              "committed checkpoints that are kept (1 to 1000)"},
     .kind = CAIRN_CONFIG_INTEGER,
     .min = 1,
     .max = 1000},
    {.info = {"execution.checkpointing.timeout", "duration", "10 min",
              "a checkpoint that takes longer is given up"},
     .kind = CAIRN_CONFIG_DURATION,
     .min = 1,
     .max = CONFIG_DURATION_MS_MAX},
    {.info = {"execution.checkpointing.tolerable-failed-checkpoints", "integer", "0",
              "failed checkpoints in a row that the job survives"},
     .kind = CAIRN_CONFIG_INTEGER,
     .min = 0,
     .max = INT32_MAX},
    {.info =
         {"pipeline.max-parallelism", "integer", NULL,
          "number of key groups (1 to 32768), fixed for the life of a job; if it is not set, that of "
          "the restored checkpoint, else 128"},
     .kind = CAIRN_CONFIG_INTEGER,
     .min = 1,
     .max = CAIRN_PARALLELISM_MAX},
    {.info =
         {"pipeline.name", "string", NULL,
          "name of the job, and of its folder below execution.checkpointing.dir; if it is not set, the "
          "job's own"},
     .kind = CAIRN_CONFIG_NAME},
    {.info = {"state.backend.rocksdb.checkpoint.transfer.thread.num", "integer", "4",
              "threads that hash, upload and download (1 to 64)"},
     .kind = CAIRN_CONFIG_INTEGER,
     .min = 1,
     .max = CAIRN_POOL_THREADS_MAX - 1},
    {.info =
         {"state.backend.rocksdb.localdir", "string", NULL,
          "folder of the working state, for this worker alone; if it is not set, a new folder in "
          "$TMPDIR, else /tmp, that is removed at the end"},
     .kind = CAIRN_CONFIG_STRING},
    {.info = {"state.backend.rocksdb.memory.fixed-per-slot", "memory", "256 mb",
              "RocksDB's block cache, indexes, filters and write buffers together (8 mb to 16 tb)"},
     .kind = CAIRN_CONFIG_MEMORY,
     .min = CONFIG_MEMORY_MIN,
     .max = CONFIG_MEMORY_MAX},
    {.info = {"state.backend.rocksdb.thread.num", "integer", "2",
              "flushes and compactions of RocksDB at once (1 to 64)"},
     .kind = CAIRN_CONFIG_INTEGER,
     .min = 1,
     .max = CAIRN_ROCKS_JOBS_MAX},
    {.info = {"state.backend.type", "enum rocksdb", "rocksdb", "engine of the working state"},
     .kind = CAIRN_CONFIG_ENUM},
};

/* Flink's older spellings, as found in users' files. */
static const struct {
    const char *old;
    const char *now;
} renamed[] = {
    {"state.backend", "state.backend.type"},
    {"state.backend.incremental", "execution.checkpointing.incremental"},
    {"state.backend.local-recovery", "execution.state-recovery.from-local"},
    {"state.checkpoints.dir", "execution.checkpointing.dir"},
    {"state.checkpoints.num-retained", "execution.checkpointing.num-retained"},
    {"state.savepoints.dir", "execution.checkpointing.savepoint-dir"},
    {"execution.savepoint.path", "execution.state-recovery.path"},
    {"execution.savepoint-restore-mode", "execution.state-recovery.claim-mode"},
};

size_t config_option_find(const char *key)
{
    size_t index = 0;

    while (index < CONFIG_OPTIONS_COUNT && strcmp(config_options[index].info.key, key) != 0) {
        index++;
    }
    return index;
}

static const char *nearest_key(const char *key)
{
    const char *best = config_options[0].info.key;
    unsigned best_distance = ~0u;

    for (size_t i = 0; i < CONFIG_OPTIONS_COUNT; i++) {
        unsigned distance = edit_distance(key, config_options[i].info.key);

        if (distance < best_distance) {
            best_distance = distance;
            best = config_options[i].info.key;
        }
    }
    return best;
}

static cairn_code renamed_key(size_t index, const char *where, cairn_error *err)
{
    const char *now = renamed[index].now;
    bool known = config_option_find(now) < CONFIG_OPTIONS_COUNT;

    return error_set(err, CAIRN_E_INVALID, "%s: '%s' is now spelled '%s'%s", where,
                     renamed[index].old, now, known ? "" : ", which this version does not have");
}

cairn_code config_option_unknown(const char *key, const char *where, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(renamed); i++) {
        if (strcmp(renamed[i].old, key) == 0) {
            return renamed_key(i, where, err);
        }
    }
    CAIRN_TRY(encode_printable(cairn_slice_of(key), CONFIG_SHOWN_BYTES_MAX, &shown, err));
    return error_set(err, CAIRN_E_INVALID, "%s: unknown option '%s'; the nearest known one is '%s'",
                     where, buf_text(&shown), nearest_key(key));
}

static bool read_number(const config_option *option, const char *value, uint64_t *out)
{
    switch (option->kind) {
    case CAIRN_CONFIG_DURATION:
        return parse_duration_ms(value, out);
    case CAIRN_CONFIG_MEMORY:
        return parse_memory_bytes(value, out);
    case CAIRN_CONFIG_INTEGER:
    case CAIRN_CONFIG_ENUM:
        return parse_u64(cairn_slice_of(value), out);
    case CAIRN_CONFIG_STRING:
    case CAIRN_CONFIG_NAME:
        break;
    }
    return false;
}

static bool is_enum_word(const config_option *option, const char *value)
{
    const char *word = option->info.type + strlen(CONFIG_ENUM_PREFIX);
    size_t length = strlen(value);

    while (*word != '\0') {
        size_t word_length = strcspn(word, "|");
        uint64_t number = 0;

        if (word_length == 1 && *word == 'N') {
            if (read_number(option, value, &number) && number > 0) {
                return true;
            }
        } else if (word_length == length && memcmp(word, value, length) == 0) {
            return true;
        }
        word += word_length + (word[word_length] == '|');
    }
    return false;
}

static bool in_range(const config_option *option, const char *value)
{
    uint64_t number = 0;

    return read_number(option, value, &number) && number >= option->min && number <= option->max;
}

/* NULL if the value fits, else what would. */
static const char *misfit(const config_option *option, const char *value)
{
    switch (option->kind) {
    case CAIRN_CONFIG_DURATION:
        return in_range(option, value) ? NULL : "a duration such as 500ms, 10s or 2min";
    case CAIRN_CONFIG_MEMORY:
        return in_range(option, value) ? NULL : "a size such as 512mb or 2gb";
    case CAIRN_CONFIG_INTEGER:
        return in_range(option, value) ? NULL : "an integer";
    case CAIRN_CONFIG_STRING:
        return value[0] != '\0' ? NULL : "a text that is not empty";
    case CAIRN_CONFIG_NAME:
        return is_safe_name(cairn_slice_of(value))
                   ? NULL
                   : "a name of 1 to 255 letters, digits, '.', '_' and '-'";
    case CAIRN_CONFIG_ENUM:
        return is_enum_word(option, value) ? NULL : option->info.type + strlen(CONFIG_ENUM_PREFIX);
    }
    return "nothing";
}

cairn_code config_option_check(const config_option *option, const char *value, const char *where,
                               cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};
    const char *wanted = misfit(option, value);

    if (wanted == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(encode_printable(cairn_slice_of(value), CONFIG_SHOWN_BYTES_MAX, &shown, err));
    return error_set(err, CAIRN_E_INVALID, "%s: %s is '%s', should be %s: %s", where,
                     option->info.key, buf_text(&shown), wanted, option->info.help);
}

uint64_t config_option_number(const config_option *option, const char *value)
{
    uint64_t number = 0;

    CAIRN_ASSERT(read_number(option, value, &number));
    return number;
}
