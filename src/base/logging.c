#include "logging.h"

#include "bounds.h"

#include <stdarg.h>
#include <stdio.h>

#define ESCAPE_BYTES 4 /* \xNN */

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

/* A line break or a terminal's escape in a peer's text must not look like a line of ours. */
static void escape_controls(const char *text, char out[CAIRN_LOG_LINE_BYTES])
{
    size_t used = 0;

    for (; *text != '\0'; text++) {
        const unsigned char byte = (unsigned char)*text;
        const size_t needed = is_control(byte) ? ESCAPE_BYTES : 1;

        if (used + needed >= CAIRN_LOG_LINE_BYTES) {
            break;
        }
        if (needed == 1) {
            out[used] = *text;
        } else {
            (void)snprintf(out + used, ESCAPE_BYTES + 1, "\\x%02x", byte);
        }
        used += needed;
    }
    out[used] = '\0';
}

void log_write(const cairn_log *log, cairn_log_level level, const char *format, ...)
{
    char raw[CAIRN_LOG_LINE_BYTES];
    char line[CAIRN_LOG_LINE_BYTES];
    va_list args;

    if (log == NULL || log->write == NULL || level > log->max_level) {
        return;
    }
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang-tidy 14 loses va_start */
    (void)vsnprintf(raw, sizeof(raw), format, args);
    va_end(args);
    escape_controls(raw, line);
    log->write(log->context, level, line);
}
