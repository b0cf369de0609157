#include "human.h"

#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define HUMAN_KIB       1024
#define HUMAN_SECOND_MS 1000
#define HUMAN_MINUTE_S  60
#define HUMAN_HOUR_S    3600

static void format(char out[HUMAN_SIZE], const char *text, ...)
    __attribute__((format(printf, 2, 3)));

static void format(char out[HUMAN_SIZE], const char *text, ...)
{
    va_list arguments;
    int length = 0;

    va_start(arguments, text);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang-tidy 14 loses va_start */
    length = vsnprintf(out, HUMAN_SIZE, text, arguments);
    va_end(arguments);
    CAIRN_ASSERT(length >= 0 && length < HUMAN_SIZE);
}

const char *human_bytes(uint64_t bytes, char out[HUMAN_SIZE])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double scaled = (double)bytes / HUMAN_KIB;
    size_t unit = 0;

    if (bytes < HUMAN_KIB) {
        format(out, "%" PRIu64 " B", bytes);
        return out;
    }
    while (scaled >= HUMAN_KIB && unit + 1 < CAIRN_ARRAY_LEN(units)) {
        scaled /= HUMAN_KIB;
        unit++;
    }
    format(out, "%.1f %s", scaled, units[unit]);
    return out;
}

const char *human_count(uint64_t count, char out[HUMAN_SIZE])
{
    char digits[HUMAN_SIZE];
    size_t length = 0;
    size_t at = 0;

    format(digits, "%" PRIu64, count);
    while (digits[length] != '\0') {
        length++;
    }
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *human_duration(uint64_t ms, char out[HUMAN_SIZE])
{
    uint64_t seconds = ms / HUMAN_SECOND_MS;

    if (ms < HUMAN_SECOND_MS) {
        format(out, "%" PRIu64 " ms", ms);
    } else if (seconds < HUMAN_MINUTE_S) {
        format(out, "%.1f s", (double)ms / HUMAN_SECOND_MS);
    } else if (seconds < HUMAN_HOUR_S) {
        format(out, "%" PRIu64 " min %" PRIu64 " s", seconds / HUMAN_MINUTE_S,
               seconds % HUMAN_MINUTE_S);
    } else {
        format(out, "%" PRIu64 " h %" PRIu64 " min", seconds / HUMAN_HOUR_S,
               seconds % HUMAN_HOUR_S / HUMAN_MINUTE_S);
    }
    return out;
}
