#include "log_sink.h"

#include "bounds.h"
#include "clock.h"
#include "json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LOG_SINK_COLUMNS 80 /* of a terminal that does not tell */
#define LOG_SINK_JSON_BYTES \
    ((size_t)8 * CAIRN_LOG_LINE_BYTES) /* every byte escaped, and the members */
#define LOG_SINK_CLEAR_LINE "\r\033[K"

static const char *const level_names[] = {
    [CAIRN_LOG_ERROR] = "error",
    [CAIRN_LOG_WARN] = "warn",
    [CAIRN_LOG_INFO] = "info",
    [CAIRN_LOG_DEBUG] = "debug",
};
static const char *const level_labels[] = {
    [CAIRN_LOG_ERROR] = "ERROR",
    [CAIRN_LOG_WARN] = "WARN ",
    [CAIRN_LOG_INFO] = "INFO ",
    [CAIRN_LOG_DEBUG] = "DEBUG",
};

void log_sink_init(log_sink *sink, bool json)
{
    const char *kind = getenv("TERM"); /* NOLINT(concurrency-mt-unsafe): nobody sets it */

    *sink = (log_sink){.json = json};
    sink->terminal = isatty(STDERR_FILENO) == 1 && kind != NULL && strcmp(kind, "dumb") != 0;
    CAIRN_ASSERT(pthread_mutex_init(&sink->synced.lock, NULL) == 0);
}

static void clear_status_locked(log_sink *sink)
{
    if (sink->synced.status_shown) {
        (void)fputs(LOG_SINK_CLEAR_LINE, stderr);
        sink->synced.status_shown = false;
    }
}

void log_sink_clear(log_sink *sink)
{
    (void)pthread_mutex_lock(&sink->synced.lock);
    clear_status_locked(sink);
    (void)fflush(stderr);
    (void)pthread_mutex_unlock(&sink->synced.lock);
}

void log_sink_release(log_sink *sink)
{
    clear_status_locked(sink);
    (void)fflush(stderr);
    (void)pthread_mutex_destroy(&sink->synced.lock);
}

static void write_text(const char *time, cairn_log_level level, const char *line)
{
    (void)fprintf(stderr, "%s %s %s\n", time, level_labels[level], line);
}

static void write_json(const char *time, cairn_log_level level, const char *line)
{
    CAIRN_AUTO(cairn_buf) text = {0};
    json_text json;

    cairn_buf_init(&text, LOG_SINK_JSON_BYTES);
    json_text_init(&json, &text, false);
    json_text_begin_object(&json);
    json_text_member_string(&json, "time", time);
    json_text_member_string(&json, "level", level_names[level]);
    json_text_name(&json, "message");
    json_text_bytes(&json, cairn_slice_of(line));
    json_text_end_object(&json);
    if (json_text_status(&json, NULL) == CAIRN_OK && buf_text(&text) != NULL) {
        (void)fprintf(stderr, "%s\n", buf_text(&text));
    }
}

static void sink_write(void *context, cairn_log_level level, const char *line)
{
    log_sink *sink = context;
    char time[CLOCK_RFC3339_SIZE];

    CAIRN_ASSERT((size_t)level < CAIRN_ARRAY_LEN(level_names));
    clock_format_rfc3339(clock_wall_ms(), time);
    (void)pthread_mutex_lock(&sink->synced.lock);
    clear_status_locked(sink);
    (sink->json ? write_json : write_text)(time, level, line);
    (void)pthread_mutex_unlock(&sink->synced.lock);
}

cairn_log log_sink_log(log_sink *sink, cairn_log_level max_level)
{
    return (cairn_log){.write = sink_write, .context = sink, .max_level = max_level};
}

static int columns(void)
{
    struct winsize size = {0};
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;

    return known ? size.ws_col : LOG_SINK_COLUMNS;
}

void log_sink_status(log_sink *sink, const char *text)
{
    if (!sink->terminal) {
        return;
    }
    (void)pthread_mutex_lock(&sink->synced.lock);
    (void)fprintf(stderr, LOG_SINK_CLEAR_LINE "%.*s", columns() - 1, text);
    (void)fflush(stderr);
    sink->synced.status_shown = true;
    (void)pthread_mutex_unlock(&sink->synced.lock);
}
