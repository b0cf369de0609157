/* The job that `cairn run JOB` names. */
#ifndef CAIRN_CLI_JOB_LOAD_H
#define CAIRN_CLI_JOB_LOAD_H

#include <cairn/job.h>

#include "check.h"

/*
 * A built-in; or, if `name` has a '/' or ends in ".so", a shared object that exports
 * cairn_job_main. The object stays loaded for the rest of the process, as job->name and code in it
 * are used until then. CAIRN_E_INVALID: no such built-in; CAIRN_E_NOT_FOUND: no such file;
 * CAIRN_E_INCOMPATIBLE: not a job, or one for another version of job.h.
 */
cairn_code job_load(const char *name, const cairn_job **out, cairn_error *err);

#endif
