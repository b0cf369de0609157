/* Opens the store that a URI names, with the options of the configuration. */
#ifndef CAIRN_CLI_STORE_PICK_H
#define CAIRN_CLI_STORE_PICK_H

#include <cairn/config.h>
#include <cairn/log.h>
#include <cairn/store.h>

#include "options.h"

CAIRN_DEFINE_AUTO_PTR(cairn_store, cairn_store_free)

/*
 * A store of one attempt per call: what is opened on it (a backend, a history, a worker) repeats
 * failed calls by itself, other callers use cairn_store_retrying. `create`: make a folder that is
 * missing; commands that only read give false. `log` may be NULL.
 */
cairn_code store_pick(const cairn_config *config, const cairn_log *log, const char *uri,
                      bool create, cairn_store **out, cairn_error *err);

/* The same with the configuration of a command that has the rows CLI_OPTIONS_CONFIG; nothing is
 * made that is missing. */
cairn_code store_pick_by_args(const cli_args *args, const char *uri, cairn_store **out,
                              cairn_error *err);

/*
 * Removes what dead writers left unfinished below the URI's place for more than `older_than_ms` by
 * the server's clock: multipart uploads of S3, temporary files of HDFS; nothing in a folder.
 * `store` is what store_pick made of this URI.
 */
cairn_code store_pick_sweep(const char *uri, cairn_store *store, const cairn_call *call,
                            uint64_t older_than_ms, uint64_t *out_removed, cairn_error *err);

#endif
