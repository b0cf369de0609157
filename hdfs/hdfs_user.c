#include "hdfs_user.h"

#include "bounds.h"
#include "clock.h"
#include "errors.h"

#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define RECORD_BYTES 16384 /* of one user */

#define ADVICE "set the option, or HADOOP_USER_NAME in the environment"

/* Shared by who asks and who waits; the last of them frees it. */
typedef struct lookup {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    struct {
        bool ended;     /* the database has answered */
        bool abandoned; /* nobody waits any more */
    } synced;
    bool found; /* these are the thread's until it has ended */
    struct passwd user;
    char record[RECORD_BYTES];
} lookup;

static void lookup_free(lookup *l)
{
    (void)pthread_cond_destroy(&l->answered);
    (void)pthread_mutex_destroy(&l->lock);
    mem_free(l);
}

static void *look_up(void *argument)
{
    lookup *l = argument;
    struct passwd *found = NULL;

    l->found = getpwuid_r(geteuid(), &l->user, l->record, sizeof(l->record), &found) == 0 &&
               found != NULL;
    (void)pthread_mutex_lock(&l->lock);
    l->synced.ended = true;
    const bool is_last = l->synced.abandoned;
    (void)pthread_cond_signal(&l->answered);
    (void)pthread_mutex_unlock(&l->lock);
    if (is_last) {
        lookup_free(l);
    }
    return NULL;
}

/* Signals are for the threads of the program. */
static int begin(lookup *l)
{
    pthread_t thread;
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&thread, NULL, look_up, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed != 0 ? failed : pthread_detach(thread);
}

/* True if the answer is there; else the thread is the last. */
static bool wait_for_it(lookup *l)
{
    const struct timespec until = clock_timespec(clock_monotonic_ms() + CAIRN_HDFS_USER_MS);
    int waited = 0;

    (void)pthread_mutex_lock(&l->lock);
    while (!l->synced.ended && waited != ETIMEDOUT) {
        waited = pthread_cond_clockwait(&l->answered, &l->lock, CLOCK_MONOTONIC, &until);
    }
    const bool ended = l->synced.ended;
    l->synced.abandoned = !ended;
    (void)pthread_mutex_unlock(&l->lock);
    return ended;
}

static cairn_code take_name(const lookup *l, char **out, cairn_error *err)
{
    if (!l->found) {
        return error_set(err, CAIRN_E_INVALID, "the process has no user: " ADVICE);
    }
    *out = mem_strdup(l->user.pw_name);
    return *out != NULL ? CAIRN_OK : error_no_memory(err, "a user's name");
}

cairn_code hdfs_process_user(char **out, cairn_error *err)
{
    lookup *l = mem_calloc(1, sizeof(*l));

    if (l == NULL) {
        return error_no_memory(err, "a user's name");
    }
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_cond_init(&l->answered, NULL);
    const int failed = begin(l);
    if (failed == 0 && !wait_for_it(l)) {
        return error_set(err, CAIRN_E_UNAVAILABLE,
                         "the user database does not tell the user of the process: " ADVICE);
    }
    const cairn_code code = failed != 0 ? error_errno(err, failed, "a thread to look up the user")
                                        : take_name(l, out, err);
    lookup_free(l);
    return code;
}
