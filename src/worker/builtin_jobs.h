/* The built-in jobs, and the pure parts of them. */
#ifndef CAIRN_WORKER_BUILTIN_JOBS_H
#define CAIRN_WORKER_BUILTIN_JOBS_H

#include <cairn/job.h>

extern const cairn_job job_wordcount;
extern const cairn_job job_line_length;

/*
 * The next word of `record` at or behind *at: a maximal run of ASCII letters and digits. False if
 * there is none; else *out is the word as it stands there, and *at lies behind it.
 */
bool wordcount_next(cairn_slice record, size_t *at, cairn_slice *out);

/* The key of a line: all before its first tab, comma or blank. */
cairn_slice line_length_key(cairn_slice line);

#endif
