/* The inside of cairn_cancel and helpers for cairn_call (include/cairn/store.h). */
#ifndef CAIRN_TASK_CANCEL_H
#define CAIRN_TASK_CANCEL_H

#include <cairn/store.h>

#include "check.h"

CAIRN_DEFINE_AUTO_PTR(cairn_cancel, cairn_cancel_free)

/* CAIRN_E_CANCELLED or CAIRN_E_TIMEOUT if the call must end, else OK. `what` goes in the message.
 */
cairn_code call_check(const cairn_call *call, const char *what, cairn_error *err);

/* Milliseconds left, 0 if none, at most `ceiling_ms`. A NULL call or no deadline gives the ceiling.
 */
uint64_t call_remaining_ms(const cairn_call *call, uint64_t ceiling_ms);

/* Sleeps up to `ms`, ends early on cancel or deadline; then as call_check. */
cairn_code call_sleep(const cairn_call *call, uint64_t ms, const char *what, cairn_error *err);

#endif
