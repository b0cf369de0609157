/* Which store a URI names. This build has directories: `file:///path`, `file:/path`, plain paths.
 */
#ifndef CAIRN_CLI_STORE_PICK_H
#define CAIRN_CLI_STORE_PICK_H

#include <cairn/store.h>

#include "check.h"

CAIRN_DEFINE_AUTO_PTR(cairn_store, cairn_store_free)

/* `create`: make what is missing; commands that only read give false. */
cairn_code store_pick(const char *uri, bool create, cairn_store **out, cairn_error *err);

/*
 * The path that a file URI or plain path names, borrowed from `uri`, taken as it is (%20 is three
 * characters). CAIRN_E_INVALID for any other scheme; `what` says what the URI is for.
 */
cairn_code store_pick_path(const char *uri, const char *what, const char **out, cairn_error *err);

#endif
