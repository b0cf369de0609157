/*
 * How many requests of a store may be in flight: additive increase, multiplicative decrease. A
 * server that says that it has too much to do halves the number, once for all requests that were in
 * flight together; as many successes as the number adds one again. Thread-safe.
 *
 * Life cycle: s3_throttle_init once; enter or try before each request, leave after it with the same
 * pass; s3_throttle_release at the end, when nobody is inside.
 */
#ifndef CAIRN_S3_THROTTLE_H
#define CAIRN_S3_THROTTLE_H

#include <cairn/store.h>

#include "check.h"

#include <pthread.h>

typedef struct s3_throttle {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        unsigned limit;
        unsigned inside;
        unsigned successes; /* since the limit changed */
        uint64_t cuts;
    } synced;
} s3_throttle;

/* Of one request that is in flight. Zero-initialise. */
typedef struct s3_pass {
    bool inside;
    uint64_t cuts; /* that had been made when it entered */
} s3_pass;

typedef enum s3_load {
    CAIRN_S3_LOAD_FINE = 0,
    CAIRN_S3_LOAD_TOO_MUCH = 1, /* the server said so */
    CAIRN_S3_LOAD_UNKNOWN = 2   /* it failed for another reason, or was dropped */
} s3_load;

void s3_throttle_init(s3_throttle *throttle);
void s3_throttle_release(s3_throttle *throttle);

/* Waits until a request may begin; CAIRN_E_TIMEOUT and CAIRN_E_CANCELLED as the call says. */
cairn_code s3_throttle_enter(s3_throttle *throttle, const cairn_call *call, s3_pass *pass,
                             cairn_error *err);
/* The same without waiting: false if there is no room now. */
bool s3_throttle_try(s3_throttle *throttle, s3_pass *pass);
/* A pass that is not inside is fine. */
void s3_throttle_leave(s3_throttle *throttle, s3_pass *pass, s3_load load);

/* How many may be in flight now; for tests. */
unsigned s3_throttle_limit(s3_throttle *throttle);

#endif
