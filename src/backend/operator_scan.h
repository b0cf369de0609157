/* The reading half of cairn_history_scan_operator. */
#ifndef CAIRN_BACKEND_OPERATOR_SCAN_H
#define CAIRN_BACKEND_OPERATOR_SCAN_H

#include <cairn/history.h>

#include "transfer.h"

/* `scan->id` is not looked at: `manifest` is the one. */
cairn_code operator_scan_run(const transfer_context *context, const cairn_manifest *manifest,
                             const cairn_operator_scan *scan, cairn_error *err);

#endif
