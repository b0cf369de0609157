/*
 * DESIGN: the handler touches sig_atomic_t-sized flags and the cancel's atomic flag only.
 */
#include "signals.h"

#include "check.h"

#include <signal.h>

#define SIGNALS_COUNTED_MAX 2

static cairn_cancel *to_cancel;
static volatile int count;
static volatile sig_atomic_t first;
static volatile sig_atomic_t graceful;

static void on_signal(int number)
{
    if (first == 0) {
        first = number;
    }
    if (count < SIGNALS_COUNTED_MAX) {
        count = count + 1;
    }
    if (!graceful || count == SIGNALS_COUNTED_MAX) {
        cairn_cancel_trigger(to_cancel);
    }
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    /* No SA_RESTART: a worker that waits for input must look at the flag. */
    CAIRN_ASSERT(sigemptyset(&action.sa_mask) == 0);
    CAIRN_ASSERT(sigaction(number, &action, NULL) == 0);
}

void signals_install(cairn_cancel *cancel)
{
    to_cancel = cancel;
    handle(SIGPIPE, SIG_IGN);
    handle(SIGINT, on_signal);
    handle(SIGTERM, on_signal);
}

void signals_be_graceful(void)
{
    graceful = 1;
}

const volatile int *signals_flag(void)
{
    return &count;
}

int signals_received(void)
{
    return (int)first;
}

const char *signals_name(int number)
{
    return number == SIGINT ? "SIGINT" : "SIGTERM";
}
