#include "builtin_jobs.h"

#include <cairn/worker.h>

#include "check.h"

#include <string.h>

static const cairn_job *const builtin_jobs[] = {&job_wordcount, &job_line_length};

const cairn_job *cairn_builtin_job(const char *name)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(builtin_jobs); i++) {
        if (name != NULL && strcmp(builtin_jobs[i]->name, name) == 0) {
            return builtin_jobs[i];
        }
    }
    return NULL;
}
