/*
 * Standard error: log lines as text ("2026-01-31T23:59:59.123Z INFO  ...") or JSON lines, and on a
 * terminal one status line below them that is rewritten. Any thread may log; the lines don't mix.
 */
#ifndef CAIRN_CLI_LOG_SINK_H
#define CAIRN_CLI_LOG_SINK_H

#include <cairn/log.h>

#include "check.h"

#include <pthread.h>

typedef struct log_sink {
    bool json;     /* const after init */
    bool terminal; /* const after init: standard error is one that knows how to rewrite a line */
    struct {
        pthread_mutex_t lock;
        bool status_shown;
    } synced;
} log_sink;

void log_sink_init(log_sink *sink, bool json);
/* Removes the status line. */
void log_sink_release(log_sink *sink);
CAIRN_DEFINE_AUTO(log_sink, log_sink_release)

/* A cairn_log that writes into `sink`, borrowed. */
cairn_log log_sink_log(log_sink *sink, cairn_log_level max_level);

/* Rewrites the status line; cut at the terminal's width. Nothing happens if there is no terminal.
 */
void log_sink_status(log_sink *sink, const char *text);
/* Removes it, for lines that are not the log's. */
void log_sink_clear(log_sink *sink);

#endif
