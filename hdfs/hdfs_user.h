/* The user of the process, by the user database. */
#ifndef CAIRN_HDFS_USER_H
#define CAIRN_HDFS_USER_H

#include "check.h"

/*
 * The database may be a directory server that does not answer: it is waited for
 * CAIRN_HDFS_USER_MS, then that is CAIRN_E_UNAVAILABLE, and a thread is left behind, which ends
 * with the answer. CAIRN_E_INVALID: it does not know the user. The caller frees *out.
 */
cairn_code hdfs_process_user(char **out, cairn_error *err);

#endif
