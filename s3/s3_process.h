/*
 * credential_process: a program of the user's that prints credentials as JSON (Version 1).
 *
 * It is started without a shell: the line is split as the AWS tools do on POSIX (Python's shlex):
 * blanks part words, '...' is literal, in "..." a backslash guards '"' and '\' only, elsewhere it
 * guards any character. Output is bounded by CAIRN_S3_KEYS_BYTES_MAX, time by CAIRN_S3_PROCESS_MS
 * and the call's deadline; what still runs then is killed with its process group. Its stderr and
 * its output are never shown. Stateless and thread-safe.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Process credential provider".
 */
#ifndef CAIRN_S3_PROCESS_H
#define CAIRN_S3_PROCESS_H

#include "s3_credentials.h"

/* `profile` is where the line stands, for messages. Words of the line are not shown but for the
 * first, as they may hold secrets. */
cairn_code s3_process_keys(const char *line, const char *profile, const cairn_call *call,
                           s3_keys *out, cairn_error *err);

/* The words of a line. Zero-initialise. They may hold secrets: wiped on release. */
typedef struct s3_words {
    char *text;   /* all words, each with a NUL */
    size_t size;  /* of `text` */
    char **items; /* NULL at the end, as execve wants it */
    size_t count;
} s3_words;

void s3_words_release(s3_words *words);
CAIRN_DEFINE_AUTO(s3_words, s3_words_release)

/* CAIRN_E_INVALID: a quote without its end, nothing, or more than CAIRN_S3_PROCESS_WORDS. */
cairn_code s3_words_split(const char *line, s3_words *out, cairn_error *err);

#endif
