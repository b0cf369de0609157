#include "bounds.h"
#include "encode.h"
#include "http.h"

#include <string.h>
#include <time.h>

#define DATE_LEN     (sizeof("Fri, 24 May 2013 00:00:00 GMT") - 1)
#define MS_OF_SECOND 1000

/* Unsigned decimal of `len` digits, or -1. */
static int number_at(const char *at, size_t len)
{
    int number = 0;

    for (size_t i = 0; i < len; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return -1;
        }
        number = number * 10 + (at[i] - '0');
    }
    return number;
}

/* 0 to 11, or -1. */
static int month_at(const char *at)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int month = 0; month < 12; month++) {
        if (memcmp(names + (size_t)3 * (size_t)month, at, 3) == 0) {
            return month;
        }
    }
    return -1;
}

/* Blanks, colons and zone where they belong; the name of the day is as good as any. */
static bool has_shape(const char *text)
{
    return memcmp(text + 3, ", ", 2) == 0 && text[7] == ' ' && text[11] == ' ' && text[16] == ' ' &&
           text[19] == ':' && text[22] == ':' && memcmp(text + 25, " GMT", 4) == 0;
}

bool http_parse_date(cairn_slice text, uint64_t *out_ms)
{
    const char *at = text.data;

    if (text.len != DATE_LEN || !has_shape(at)) {
        return false;
    }
    const struct tm said = {.tm_mday = number_at(at + 5, 2),
                            .tm_mon = month_at(at + 8),
                            .tm_year = number_at(at + 12, 4) - 1900,
                            .tm_hour = number_at(at + 17, 2),
                            .tm_min = number_at(at + 20, 2),
                            .tm_sec = number_at(at + 23, 2)};
    struct tm real = said;
    const time_t seconds = timegm(&real);
    const bool is_real = said.tm_mon >= 0 && real.tm_mday == said.tm_mday &&
                         real.tm_hour == said.tm_hour && real.tm_min == said.tm_min &&
                         real.tm_sec == said.tm_sec;
    if (!is_real || seconds < 0) {
        return false;
    }
    *out_ms = (uint64_t)seconds * MS_OF_SECOND;
    return true;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint32_t http_retry_after_ms(const http_reply *reply)
{
    cairn_slice value = {NULL, 0};
    cairn_slice date = {NULL, 0};
    uint64_t until = 0;
    uint64_t now = 0;

    if (!http_header(reply, "retry-after", &value)) {
        return 0;
    }
    if (parse_u64(value, &until)) {
        const uint64_t seconds = smaller(until, CAIRN_RETRY_AFTER_MS_MAX / MS_OF_SECOND);
        return (uint32_t)(seconds * MS_OF_SECOND);
    }
    if (!http_header(reply, "date", &date) || !http_parse_date(date, &now) ||
        !http_parse_date(value, &until) || until < now) {
        return 0;
    }
    return (uint32_t)smaller(until - now, CAIRN_RETRY_AFTER_MS_MAX);
}
