/* The stores of S3 and HDFS, from a URI whose form store_uri_kind has checked. */
#ifndef CAIRN_CLI_STORE_PICK_REMOTE_H
#define CAIRN_CLI_STORE_PICK_REMOTE_H

#include <cairn/config.h>
#include <cairn/log.h>
#include <cairn/store.h>

#include "check.h"

cairn_code store_pick_s3(const cairn_config *config, const cairn_log *log, const char *uri,
                         cairn_store **out, cairn_error *err);

/* `create`: as of store_pick. */
cairn_code store_pick_hdfs(const cairn_config *config, const cairn_log *log, const char *uri,
                           bool create, cairn_store **out, cairn_error *err);

#endif
