#include "cli_out.h"

#include "errors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int failure; /* errno of the first write that failed */

void cli_out_init(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* The wrong way round on purpose: reading or writing it fails with EBADF. */
        int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", mode) != fd) {
            _Exit(EXIT_FAILURE);
        }
    }
}

static void note_failure(bool failed)
{
    if (failed && failure == 0) {
        failure = errno != 0 ? errno : EIO;
    }
}

void cli_out_bytes(cairn_slice bytes)
{
    errno = 0;
    note_failure(bytes.len > 0 && fwrite(bytes.data, 1, bytes.len, stdout) != bytes.len);
}

void cli_out_printf(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    errno = 0;
    note_failure(vprintf(format, arguments) < 0);
    va_end(arguments);
}

bool cli_out_failed(void)
{
    return failure != 0;
}

cairn_code cli_out_finish(cairn_error *err)
{
    errno = 0;
    note_failure(fflush(stdout) != 0);
    if (failure == 0) {
        return CAIRN_OK;
    }
    if (failure == EPIPE) {
        return error_set(err, CAIRN_E_FAILED, "write standard output: nobody reads it any more");
    }
    return error_errno(err, failure, "write standard output");
}
