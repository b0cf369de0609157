#include "test.h"

#include "threads.h"

#include <pthread.h>

typedef struct runner {
    void (*work)(void *argument);
    void *argument;
    pthread_barrier_t *begin;
} runner;

static void *run(void *context)
{
    const runner *r = context;

    (void)pthread_barrier_wait(r->begin);
    r->work(r->argument);
    return NULL;
}

void threads_run(void (*work)(void *argument), void *arguments, size_t size, size_t count)
{
    pthread_t threads[THREADS_MAX];
    runner runners[THREADS_MAX];
    pthread_barrier_t begin;

    assert_in_range(count, 1, THREADS_MAX);
    assert_int_equal(pthread_barrier_init(&begin, NULL, (unsigned)count), 0);
    for (size_t i = 0; i < count; i++) {
        runners[i] = (runner){work, (char *)arguments + i * size, &begin};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    (void)pthread_barrier_destroy(&begin);
}
