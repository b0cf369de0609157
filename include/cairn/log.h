/* Where the library's log lines go: a sink of the caller's. No sink, no lines. */
#ifndef CAIRN_LOG_H
#define CAIRN_LOG_H

#include <cairn/base.h>

CAIRN_BEGIN_DECLS

typedef enum cairn_log_level {
    CAIRN_LOG_ERROR = 0,
    CAIRN_LOG_WARN = 1,
    CAIRN_LOG_INFO = 2,
    CAIRN_LOG_DEBUG = 3
} cairn_log_level;

/*
 * `write` gets one line without a newline, valid for the call. It may be called from any thread,
 * also from cairn's own, and must not call back into cairn. Lines above `max_level` are not made.
 */
typedef struct cairn_log {
    void (*write)(void *context, cairn_log_level level, const char *line);
    void *context;
    cairn_log_level max_level;
} cairn_log;

/* Logs nothing. */
#define CAIRN_LOG_INIT              \
    {                               \
        NULL, NULL, CAIRN_LOG_ERROR \
    }

CAIRN_END_DECLS

#endif
