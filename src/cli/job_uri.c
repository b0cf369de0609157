#include "job_uri.h"

#include <cairn/savepoint.h>

#include "encode.h"
#include "errors.h"
#include "store_uri.h"

#include <string.h>

static cairn_code refuse(const char *text, const char *why, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    CAIRN_TRY(store_uri_show(text, &shown, err));
    return error_set(err, CAIRN_E_INVALID,
                     "job URI '%s': %s (a job URI is <checkpoints-uri>/<job>, then @ and a "
                     "checkpoint id or a savepoint, if one is meant)",
                     buf_text(&shown), why);
}

static size_t length_without_slashes(const char *text)
{
    size_t length = strlen(text);

    while (length > 1 && text[length - 1] == '/') {
        length--;
    }
    return length;
}

/* "file:///job" keeps its root: the store is "file:///". */
static char *store_part(const char *text, size_t length)
{
    size_t cut = length;

    if (length == 0) {
        return mem_strdup(".");
    }
    while (cut > 1 && text[cut - 1] == '/') {
        cut--;
    }
    return text[cut - 1] == ':' || text[cut - 1] == '/' ? mem_strndup(text, length)
                                                        : mem_strndup(text, cut);
}

/* A number is an id, any other safe name a savepoint. */
static cairn_code parse_which(const char *text, cairn_slice which, job_uri *uri, cairn_error *err)
{
    if (parse_u64(which, &uri->id) && uri->id != 0) {
        return CAIRN_OK;
    }
    uri->id = 0;
    uri->savepoint = mem_strndup(which.data, which.len);
    if (uri->savepoint == NULL) {
        return error_no_memory(err, "job URI");
    }
    return cairn_savepoint_name_is_valid(uri->savepoint)
               ? CAIRN_OK
               : refuse(text, "what follows '@' is no checkpoint id and no name of a savepoint",
                        err);
}

cairn_code job_uri_parse(const char *text, job_uri *out, cairn_error *err)
{
    size_t length = length_without_slashes(text);
    const char *slash = memrchr(text, '/', length);
    const char *name = slash == NULL ? text : slash + 1;
    size_t name_length = length - (size_t)(name - text);
    const char *at = memchr(name, '@', name_length);
    size_t job_length = at == NULL ? name_length : (size_t)(at - name);
    CAIRN_AUTO(job_uri) uri = {0};

    if (name < text + store_uri_authority_end(text)) {
        return refuse(text, "it names a host or bucket and no job", err);
    }
    if (!is_safe_name((cairn_slice){name, job_length})) {
        return refuse(text, "the job's name is missing or not a name", err);
    }
    if (at != NULL) {
        CAIRN_TRY(
            parse_which(text, (cairn_slice){at + 1, name_length - job_length - 1}, &uri, err));
    }
    uri.store = store_part(text, (size_t)(name - text));
    uri.job = mem_strndup(name, job_length);
    if (uri.store == NULL || uri.job == NULL) {
        return error_no_memory(err, "job URI");
    }
    *out = job_uri_take(&uri);
    return CAIRN_OK;
}

job_uri job_uri_take(job_uri *uri)
{
    job_uri taken = *uri;

    *uri = (job_uri){0};
    return taken;
}

void job_uri_release(job_uri *uri)
{
    mem_free(uri->store);
    mem_free(uri->job);
    mem_free(uri->savepoint);
    *uri = (job_uri){0};
}
