/*
 * Logging to the caller's sink (include/cairn/log.h). The library logs what it does not return;
 * it never logs an error that it returns. Messages are one line without secrets.
 */
#ifndef CAIRN_BASE_LOGGING_H
#define CAIRN_BASE_LOGGING_H

#include <cairn/log.h>

/* `log` may be NULL or its sink may be NULL: nothing happens then. Cut at CAIRN_LOG_LINE_BYTES. */
void log_write(const cairn_log *log, cairn_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
