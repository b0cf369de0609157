/*
 * DESIGN: the handler touches atomic flags only. It may run on any thread, also on one of
 * RocksDB's.
 */
#include "signals.h"

#include "check.h"

#include <signal.h>

#define SIGNALS_COUNTED_MAX 2

static cairn_cancel *to_cancel;
static volatile int count;
static volatile int first;
static volatile int graceful;

static void on_signal(int number)
{
    int none = 0;
    int seen = __atomic_load_n(&count, __ATOMIC_SEQ_CST);

    (void)__atomic_compare_exchange_n(&first, &none, number, false, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST);
    if (seen < SIGNALS_COUNTED_MAX) {
        seen++;
        __atomic_store_n(&count, seen, __ATOMIC_SEQ_CST);
    }
    if (!__atomic_load_n(&graceful, __ATOMIC_SEQ_CST) || seen == SIGNALS_COUNTED_MAX) {
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
    __atomic_store_n(&graceful, 1, __ATOMIC_SEQ_CST);
}

const volatile int *signals_flag(void)
{
    return &count;
}

int signals_received(void)
{
    return __atomic_load_n(&first, __ATOMIC_SEQ_CST);
}

const char *signals_name(int number)
{
    return number == SIGINT ? "SIGINT" : "SIGTERM";
}
