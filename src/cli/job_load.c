#include "job_load.h"

#include <cairn/worker.h>

#include "encode.h"
#include "errors.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/stat.h>

#define JOB_SUFFIX          ".so"
#define JOB_MAIN            "cairn_job_main"
#define JOB_SHOWN_BYTES_MAX 200

static const char *const builtins[] = {"wordcount", "line-length"};

static bool is_object(const char *name)
{
    size_t length = strlen(name);
    size_t suffix = strlen(JOB_SUFFIX);

    return strchr(name, '/') != NULL ||
           (length > suffix && strcmp(name + length - suffix, JOB_SUFFIX) == 0);
}

static cairn_code unknown_builtin(const char *name, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};
    bool first = edit_distance(name, builtins[0]) <= edit_distance(name, builtins[1]);

    CAIRN_TRY(encode_printable(cairn_slice_of(name), JOB_SHOWN_BYTES_MAX, &shown, err));
    return error_set(
        err, CAIRN_E_INVALID,
        "run: unknown job '%s'; the nearest built-in is '%s' (a job of your own is the "
        "path of a shared object)",
        buf_text(&shown), builtins[first ? 0 : 1]);
}

/* Without a '/' the loader would look in the system's library folders. */
static cairn_code open_object(const char *name, void **out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) path = {0};
    CAIRN_AUTO(cairn_buf) why = {0};
    struct stat info;
    void *object = NULL;

    if (stat(name, &info) != 0) {
        return error_set(err, CAIRN_E_NOT_FOUND, "run: no such job object: %s", name);
    }
    CAIRN_TRY(buf_printf(&path, err, "%s%s", strchr(name, '/') == NULL ? "./" : "", name));
    if (buf_text(&path) == NULL) {
        return error_no_memory(err, "job");
    }
    object = dlopen(buf_text(&path), RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        const char *problem = dlerror(); /* NOLINT(concurrency-mt-unsafe): the only thread yet */

        CAIRN_TRY(encode_printable(cairn_slice_of(problem), CAIRN_ERROR_MESSAGE_BYTES, &why, err));
        return error_set(err, CAIRN_E_INCOMPATIBLE, "run: load job %s: %s", name, buf_text(&why));
    }
    *out = object;
    return CAIRN_OK;
}

static cairn_code check_job(const char *name, const cairn_job *job, cairn_error *err)
{
    if (job == NULL) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "run: job %s: " JOB_MAIN " gave none", name);
    }
    if (job->version != CAIRN_JOB_VERSION) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "run: job %s is made for version %u of job.h, this is version %d: build "
                         "it again",
                         name, job->version, CAIRN_JOB_VERSION);
    }
    if (job->open == NULL || job->split == NULL || job->process == NULL || job->name == NULL ||
        !is_safe_name(cairn_slice_of(job->name))) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "run: job %s lacks a name, open, split or process", name);
    }
    return CAIRN_OK;
}

static cairn_code load_object(const char *name, const cairn_job **out, cairn_error *err)
{
    void *object = NULL;
    void *symbol = NULL;
    const cairn_job *job = NULL;
    cairn_job_main_fn entry = NULL;

    CAIRN_TRY(open_object(name, &object, err));
    symbol = dlsym(object, JOB_MAIN);
    if (symbol == NULL) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "run: %s does not export " JOB_MAIN, name);
    }
    /* ISO C has no cast from an object to a function pointer. */
    memcpy(&entry, &symbol, sizeof(entry));
    job = entry();
    CAIRN_TRY(check_job(name, job, err));
    *out = job;
    return CAIRN_OK;
}

cairn_code job_load(const char *name, const cairn_job **out, cairn_error *err)
{
    const cairn_job *job = NULL;

    if (is_object(name)) {
        return load_object(name, out, err);
    }
    job = cairn_builtin_job(name);
    if (job == NULL) {
        return unknown_builtin(name, err);
    }
    *out = job;
    return CAIRN_OK;
}
