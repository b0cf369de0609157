/*
 * Each job stands in two lists at once: the pool's, from which its threads take the oldest job of
 * all groups, and its group's, from which a thread that waits for the group takes. One lock guards
 * everything; no job runs with it held.
 *
 * The pool outlives its handle until the last group is freed, so that the order in which a caller
 * frees pool and groups does not matter.
 */
#include "workpool.h"

#include "bounds.h"
#include "errors.h"

#include <pthread.h>
#include <signal.h>

typedef struct job job;

typedef struct job_link {
    job *previous;
    job *next;
} job_link;

typedef enum list_kind {
    CAIRN_LIST_POOL = 0,
    CAIRN_LIST_GROUP = 1
} list_kind;

struct job {
    job_link links[2]; /* by list_kind */
    workpool_fn fn;
    void *argument;
    workgroup *group;
};

typedef struct job_list {
    job *first;
    job *last;
} job_list;

struct workpool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* a job was queued, or the pool stops */
    unsigned threads_count;
    pthread_t threads[CAIRN_POOL_THREADS_MAX];
    struct {
        job_list queue;
        size_t queued;
        size_t references; /* the handle and each group */
        bool stopping;
    } synced;
};

struct workgroup {
    workpool *pool;
    pthread_cond_t changed; /* a job was queued or the last one ended */
    struct {
        job_list queue;
        size_t pending; /* queued or running */
        cairn_code code;
        cairn_error error;
    } synced;
};

static void lock(workpool *pool)
{
    CAIRN_ASSERT(pthread_mutex_lock(&pool->lock) == 0);
}

static void unlock(workpool *pool)
{
    CAIRN_ASSERT(pthread_mutex_unlock(&pool->lock) == 0);
}

static void list_append(job_list *list, list_kind kind, job *added)
{
    added->links[kind] = (job_link){.previous = list->last};
    if (list->last == NULL) {
        list->first = added;
    } else {
        list->last->links[kind].next = added;
    }
    list->last = added;
}

static void list_remove(job_list *list, list_kind kind, const job *removed)
{
    const job_link link = removed->links[kind];

    if (link.previous == NULL) {
        list->first = link.next;
    } else {
        link.previous->links[kind].next = link.next;
    }
    if (link.next == NULL) {
        list->last = link.previous;
    } else {
        link.next->links[kind].previous = link.previous;
    }
}

static void enqueue_locked(workpool *pool, job *added)
{
    list_append(&pool->synced.queue, CAIRN_LIST_POOL, added);
    list_append(&added->group->synced.queue, CAIRN_LIST_GROUP, added);
    pool->synced.queued++;
    (void)pthread_cond_signal(&pool->work);
    (void)pthread_cond_broadcast(&added->group->changed);
}

static void dequeue_locked(workpool *pool, const job *removed)
{
    list_remove(&pool->synced.queue, CAIRN_LIST_POOL, removed);
    list_remove(&removed->group->synced.queue, CAIRN_LIST_GROUP, removed);
    pool->synced.queued--;
}

/* The first error wins; what follows from it would only hide the cause. */
static void finish_locked(workgroup *group, cairn_code code, const cairn_error *error)
{
    if (code != CAIRN_OK && group->synced.code == CAIRN_OK) {
        group->synced.code = code;
        group->synced.error = *error;
        group->synced.error.code = code;
    }
    group->synced.pending--;
    if (group->synced.pending == 0) {
        (void)pthread_cond_broadcast(&group->changed);
    }
}

/* Runs a job that counts as pending and is in no list; skips it if its group has failed. */
static void run_locked(workpool *pool, workgroup *group, workpool_fn fn, void *argument)
{
    cairn_error error = {0};
    cairn_code code = CAIRN_OK;

    if (group->synced.code == CAIRN_OK) {
        unlock(pool);
        code = fn(argument, &error);
        lock(pool);
    }
    finish_locked(group, code, &error);
}

static void run_queued_locked(workpool *pool, job *next)
{
    const job taken = *next;

    dequeue_locked(pool, next);
    mem_free(next);
    run_locked(pool, taken.group, taken.fn, taken.argument);
}

static void *thread_main(void *argument)
{
    workpool *pool = argument;

    lock(pool);
    while (!pool->synced.stopping) {
        if (pool->synced.queue.first != NULL) {
            run_queued_locked(pool, pool->synced.queue.first);
        } else {
            CAIRN_ASSERT(pthread_cond_wait(&pool->work, &pool->lock) == 0);
        }
    }
    unlock(pool);
    return NULL;
}

/* Signals are for the program's own threads; those of a fault stay, since they hit who caused them.
 */
static void fill_mask(sigset_t *mask)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

    (void)sigfillset(mask);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(faults); i++) {
        (void)sigdelset(mask, faults[i]);
    }
}

/* A new thread inherits the mask, so that no signal can reach it before it could set its own. */
static int start_thread(workpool *pool)
{
    pthread_t *slot = &pool->threads[pool->threads_count];
    sigset_t blocked;
    sigset_t before;

    fill_mask(&blocked);
    CAIRN_ASSERT(pthread_sigmask(SIG_SETMASK, &blocked, &before) == 0);
    const int result = pthread_create(slot, NULL, thread_main, pool);
    CAIRN_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return result;
}

cairn_code workpool_new(unsigned threads, workpool **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = NULL;

    if (threads < 1 || threads > CAIRN_POOL_THREADS_MAX) {
        return error_set(err, CAIRN_E_INVALID, "work pool: %u threads, not 1 to %d", threads,
                         CAIRN_POOL_THREADS_MAX);
    }
    pool = mem_calloc(1, sizeof(*pool));
    if (pool == NULL) {
        return error_no_memory(err, "new work pool");
    }
    CAIRN_ASSERT(pthread_mutex_init(&pool->lock, NULL) == 0);
    CAIRN_ASSERT(pthread_cond_init(&pool->work, NULL) == 0);
    pool->synced.references = 1;
    for (; pool->threads_count < threads; pool->threads_count++) {
        const int result = start_thread(pool);

        if (result != 0) {
            return error_errno(err, result, "work pool: start thread %u of %u",
                               pool->threads_count + 1, threads);
        }
    }
    *out = CAIRN_TAKE(pool);
    return CAIRN_OK;
}

static void release_locked(workpool *pool)
{
    const bool is_last = --pool->synced.references == 0;

    unlock(pool);
    if (is_last) {
        (void)pthread_cond_destroy(&pool->work);
        (void)pthread_mutex_destroy(&pool->lock);
        mem_free(pool);
    }
}

static void drop_queue_locked(workpool *pool)
{
    cairn_error error = {0};

    while (pool->synced.queue.first != NULL) {
        job *dropped = pool->synced.queue.first;
        workgroup *group = dropped->group;

        dequeue_locked(pool, dropped);
        mem_free(dropped);
        finish_locked(group, error_set(&error, CAIRN_E_CANCELLED, "the work pool was freed"),
                      &error);
    }
}

void workpool_free(workpool *pool)
{
    if (pool == NULL) {
        return;
    }
    lock(pool);
    pool->synced.stopping = true;
    (void)pthread_cond_broadcast(&pool->work);
    drop_queue_locked(pool);
    unlock(pool);
    for (unsigned i = 0; i < pool->threads_count; i++) {
        CAIRN_ASSERT(pthread_join(pool->threads[i], NULL) == 0);
    }
    lock(pool);
    release_locked(pool);
}

cairn_code workgroup_new(workpool *pool, workgroup **out, cairn_error *err)
{
    workgroup *group = mem_calloc(1, sizeof(*group));

    if (group == NULL) {
        return error_no_memory(err, "new work group");
    }
    group->pool = pool;
    CAIRN_ASSERT(pthread_cond_init(&group->changed, NULL) == 0);
    lock(pool);
    pool->synced.references++;
    unlock(pool);
    *out = group;
    return CAIRN_OK;
}

static void wait_locked(workgroup *group)
{
    workpool *pool = group->pool;

    while (group->synced.pending > 0) {
        if (group->synced.queue.first != NULL) {
            run_queued_locked(pool, group->synced.queue.first);
        } else {
            CAIRN_ASSERT(pthread_cond_wait(&group->changed, &pool->lock) == 0);
        }
    }
}

void workgroup_free(workgroup *group)
{
    if (group == NULL) {
        return;
    }
    workpool *pool = group->pool;

    lock(pool);
    wait_locked(group);
    (void)pthread_cond_destroy(&group->changed);
    mem_free(group);
    release_locked(pool);
}

static cairn_code submit_locked(workgroup *group, workpool_fn fn, void *argument, cairn_error *err)
{
    workpool *pool = group->pool;

    if (pool->synced.stopping) {
        return error_set(err, CAIRN_E_STATE, "submit a job: the work pool was freed");
    }
    if (group->synced.code != CAIRN_OK) {
        return CAIRN_OK;
    }
    if (pool->synced.queued >= CAIRN_POOL_QUEUE_MAX) {
        group->synced.pending++;
        run_locked(pool, group, fn, argument);
        return CAIRN_OK;
    }
    job *added = mem_alloc(sizeof(*added));
    if (added == NULL) {
        return error_no_memory(err, "submit a job");
    }
    *added = (job){.fn = fn, .argument = argument, .group = group};
    group->synced.pending++;
    enqueue_locked(pool, added);
    return CAIRN_OK;
}

cairn_code workgroup_submit(workgroup *group, workpool_fn fn, void *argument, cairn_error *err)
{
    lock(group->pool);
    const cairn_code code = submit_locked(group, fn, argument, err);
    unlock(group->pool);
    return code;
}

cairn_code workgroup_wait(workgroup *group, cairn_error *err)
{
    lock(group->pool);
    wait_locked(group);
    const cairn_code code = group->synced.code;
    if (code != CAIRN_OK && err != NULL) {
        *err = group->synced.error;
    }
    unlock(group->pool);
    return code;
}

bool workgroup_idle(workgroup *group)
{
    lock(group->pool);
    const bool idle = group->synced.pending == 0;
    unlock(group->pool);
    return idle;
}
