/* Repeats a system call that a signal interrupted, at most CAIRN_EINTR_RETRIES times. */
#ifndef CAIRN_BASE_FS_RETRY_H
#define CAIRN_BASE_FS_RETRY_H

#include "bounds.h"

#include <errno.h>

/* The value of `call`, which returns a negative number and sets errno when it fails. */
#define FS_RETRY(call)                                                                           \
    __extension__({                                                                              \
        __auto_type fs_result_ = (call);                                                         \
        for (int fs_tries_ = 0;                                                                  \
             fs_result_ < 0 && errno == EINTR && fs_tries_ < CAIRN_EINTR_RETRIES; fs_tries_++) { \
            fs_result_ = (call);                                                                 \
        }                                                                                        \
        fs_result_;                                                                              \
    })

#endif
