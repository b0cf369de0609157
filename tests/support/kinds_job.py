"""A job that uses every kind of state, compiled against the public headers."""

import os
import subprocess

# Record "key value": each kind of state takes the value; a record "key @value" goes to namespace "w1".
SOURCE = r"""
#include <cairn/job.h>
#include <string.h>

static cairn_value_state *last;
static cairn_list_state *events, *nothing;
static cairn_map_state *seen;
static cairn_reducing_state *first;

static cairn_code keep(void *context, cairn_slice a, cairn_slice b, cairn_buf *out, cairn_error *err)
{
    (void)context, (void)a, (void)b, (void)out, (void)err;
    return CAIRN_E_FAILED; /* each key has one element: nothing is to be reduced */
}

static cairn_code open_job(cairn_job_context *context, void **self, cairn_error *err)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_backend *backend = cairn_job_backend(context);
    const cairn_reduce_function function = {keep, NULL};
    cairn_code code;

    *self = NULL;
    descriptor.name = "last";
    code = cairn_value_state_open(backend, &descriptor, &last, err);
    descriptor.name = "events";
    code = code != CAIRN_OK ? code : cairn_list_state_open(backend, &descriptor, &events, err);
    descriptor.name = "nothing";
    code = code != CAIRN_OK ? code : cairn_list_state_open(backend, &descriptor, &nothing, err);
    descriptor.name = "seen";
    code = code != CAIRN_OK ? code : cairn_map_state_open(backend, &descriptor, &seen, err);
    descriptor.name = "first";
    return code != CAIRN_OK
               ? code
               : cairn_reducing_state_open(backend, &descriptor, &function, &first, err);
}

/* "key value" */
static cairn_code split(void *self, cairn_job_context *context, cairn_slice record, cairn_error *err)
{
    const char *line = record.data;
    const char *blank = record.len == 0 ? NULL : memchr(line, ' ', record.len);
    const size_t length = blank == NULL ? 0 : (size_t)(blank - line);

    (void)self;
    return blank == NULL ? CAIRN_OK
                         : cairn_job_keyed(context, (cairn_slice){line, length},
                                           (cairn_slice){blank + 1, record.len - length - 1}, err);
}

static cairn_code process(void *self, cairn_job_context *context, cairn_slice key, cairn_slice value,
                          cairn_error *err)
{
    bool found = false;
    cairn_slice old;
    cairn_code code = CAIRN_OK;

    (void)self;
    if (((const char *)value.data)[0] == '@') {
        code = cairn_backend_set_namespace(cairn_job_backend(context), cairn_slice_of("w1"), err);
    }
    code = code != CAIRN_OK ? code : cairn_value_update(last, value, err);
    code = code != CAIRN_OK ? code : cairn_list_add(events, value, err);
    code = code != CAIRN_OK ? code : cairn_map_put(seen, value, key, err);
    code = code != CAIRN_OK ? code : cairn_reducing_get(first, &old, &found, err);
    return code != CAIRN_OK || found ? code : cairn_reducing_add(first, value, err);
}

static const cairn_job job = {CAIRN_JOB_VERSION, "kinds", open_job, split, process, NULL, NULL};

const cairn_job *cairn_job_main(void)
{
    return &job;
}
"""
KINDS_INPUT = b"a one\na two\na @late\nb \x01\n"


def build_kinds_job(folder):
    """The path of the shared object in `folder`."""
    (folder / "kinds.c").write_text(SOURCE)
    include = os.path.join(os.environ["CAIRN_SOURCE_DIR"], "include")
    subprocess.run([os.environ.get("CAIRN_CC", "cc"), "-shared", "-fPIC", "-D_GNU_SOURCE",
                    f"-I{include}", "-o", folder / "kinds.so", folder / "kinds.c"], check=True)
    return folder / "kinds.so"
