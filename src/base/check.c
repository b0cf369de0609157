#include "check.h"

#include <stdio.h>
#include <unistd.h>

#define EXIT_SOFTWARE 70

_Noreturn void check_failed(const char *file, int line, const char *condition)
{
    (void)dprintf(STDERR_FILENO, "cairn: bug: %s:%d: %s\n", file, line, condition);
    /* No exit handlers: the process is not in a state that they expect, and any thread may be here.
     */
    _exit(EXIT_SOFTWARE);
}
