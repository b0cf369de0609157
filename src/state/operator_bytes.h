/*
 * Bytes that only grow at their end, shared without a copy between the owner and snapshots.
 *
 * A share is as long as the owner's bytes were when it was made; the owner alone appends, behind
 * all shares, so nobody writes what another reads. Shares may be read and released by any thread.
 */
#ifndef CAIRN_STATE_OPERATOR_BYTES_H
#define CAIRN_STATE_OPERATOR_BYTES_H

#include <cairn/base.h>

#include "check.h"

typedef struct operator_block operator_block;

/* Zero-initialise it. */
typedef struct operator_bytes {
    operator_block *block;
    size_t len;
} operator_bytes;

/* Makes room for `extra` more: the append that follows cannot fail. What was shared stays. */
cairn_code operator_bytes_reserve(operator_bytes *bytes, size_t extra, cairn_error *err);
void operator_bytes_append(operator_bytes *bytes, cairn_slice more);

operator_bytes operator_bytes_share(const operator_bytes *bytes);
cairn_slice operator_bytes_slice(const operator_bytes *bytes);

/* Leaves it empty. */
void operator_bytes_release(operator_bytes *bytes);
CAIRN_DEFINE_AUTO(operator_bytes, operator_bytes_release)

#endif
