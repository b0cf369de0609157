/* The table of options behind include/cairn/config.h. Constant; safe from any thread. */
#ifndef CAIRN_BACKEND_CONFIG_OPTIONS_H
#define CAIRN_BACKEND_CONFIG_OPTIONS_H

#include <cairn/config.h>

#include "check.h"

#define CONFIG_OPTIONS_COUNT 59

typedef enum config_kind {
    CAIRN_CONFIG_DURATION,
    CAIRN_CONFIG_MEMORY,
    CAIRN_CONFIG_INTEGER,
    CAIRN_CONFIG_STRING, /* not empty */
    CAIRN_CONFIG_NAME,   /* a string that may be part of a path or object key */
    CAIRN_CONFIG_ENUM,   /* the words after "enum " in info.type; "N" stands for a number above 0 */
    CAIRN_CONFIG_BOOLEAN, /* true or false */
    CAIRN_CONFIG_SECRET   /* a text that no message, help or getter shows */
} config_kind;

typedef struct config_option {
    cairn_option_info info;
    config_kind kind;
    uint64_t min; /* of numbers: milliseconds, bytes or a count */
    uint64_t max;
} config_option;

extern const config_option config_options[CONFIG_OPTIONS_COUNT];

/* Index of a key, also by another spelling of Flink's or Hadoop's; CONFIG_OPTIONS_COUNT if there is
 * no such option. */
size_t config_option_find(const char *key);

/* CAIRN_E_INVALID with the old spelling's replacement, or else the nearest known key. */
cairn_code config_option_unknown(const char *key, const char *where, cairn_error *err);

/* Form and range; the message says what would be right, and shows the value unless it is secret. */
cairn_code config_option_check(const config_option *option, const char *value, const char *where,
                               cairn_error *err);

/* The number of a checked value: milliseconds, bytes or a count. */
uint64_t config_option_number(const config_option *option, const char *value);

#endif
