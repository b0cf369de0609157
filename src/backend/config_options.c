/* What the values of the table in config_table.c may be, and what is said about those that are not.
 */
#include "config_options.h"

#include "encode.h"
#include "errors.h"

#include <string.h>

#define CONFIG_SHOWN_BYTES_MAX 80
#define CONFIG_ENUM_PREFIX     "enum "

/* Flink's older spellings, as found in users' files. */
static const struct {
    const char *old;
    const char *now;
} renamed[] = {
    {"state.backend.incremental", "execution.checkpointing.incremental"},
    {"state.backend.local-recovery", "execution.state-recovery.from-local"},
    {"state.checkpoints.dir", "execution.checkpointing.dir"},
    {"state.checkpoints.num-retained", "execution.checkpointing.num-retained"},
    {"state.savepoints.dir", "execution.checkpointing.savepoint-dir"},
    {"execution.savepoint.path", "execution.state-recovery.path"},
    {"execution.savepoint-restore-mode", "execution.state-recovery.claim-mode"},
};

/* Spellings that mean the same today, in older Flink, its other S3 file systems and in Hadoop's. */
static const struct {
    const char *other;
    const char *key;
} aliases[] = {
    {"s3.access.key", "s3.access-key"},
    {"s3.endpoint.region", "s3.region"},
    {"s3.path-style-access", "s3.path.style.access"},
    {"s3.secret.key", "s3.secret-key"},
    {"s3.session.token", "s3.session-token"},
    {"state.backend", "state.backend.type"},
};

size_t config_option_find(const char *key)
{
    size_t index = 0;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(aliases); i++) {
        key = strcmp(aliases[i].other, key) == 0 ? aliases[i].key : key;
    }
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
    case CAIRN_CONFIG_BOOLEAN:
    case CAIRN_CONFIG_SECRET:
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
    case CAIRN_CONFIG_SECRET:
        return value[0] != '\0' ? NULL : "a text that is not empty";
    case CAIRN_CONFIG_BOOLEAN:
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ? NULL : "true or false";
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
