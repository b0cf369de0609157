/* The length of each line, by way of keyed state (DESIGN section 11). */
#include <cairn/worker.h>

#include "buf.h"
#include "builtin_jobs.h"
#include "errors.h"

typedef struct line_length {
    cairn_value_state *line;
    cairn_buf output;
} line_length;

static void line_length_close(void *self)
{
    line_length *job = self;

    if (job == NULL) {
        return;
    }
    cairn_buf_release(&job->output);
    mem_free(job);
}
CAIRN_DEFINE_AUTO_PTR(void, line_length_close)

static cairn_code line_length_open(cairn_job_context *context, void **self, cairn_error *err)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    line_length *job = mem_calloc(1, sizeof(*job));
    CAIRN_AUTO_PTR(line_length_close) void *owned = job;

    if (job == NULL) {
        return error_no_memory(err, "the job line-length");
    }
    descriptor.name = "line";
    descriptor.key_serializer = "string";
    descriptor.value_serializer = "string";
    CAIRN_TRY(cairn_value_state_open(cairn_job_backend(context), &descriptor, &job->line, err));
    *self = CAIRN_TAKE(owned);
    return CAIRN_OK;
}

cairn_slice line_length_key(cairn_slice line)
{
    const uint8_t *bytes = line.data;
    size_t len = 0;

    while (len < line.len && bytes[len] != '\t' && bytes[len] != ',' && bytes[len] != ' ') {
        len++;
    }
    return (cairn_slice){bytes, len};
}

static cairn_code line_length_split(void *self, cairn_job_context *context, cairn_slice record,
                                    cairn_error *err)
{
    (void)self;
    return cairn_job_keyed(context, line_length_key(record), record, err);
}

static cairn_code line_length_process(void *self, cairn_job_context *context, cairn_slice key,
                                      cairn_slice value, cairn_error *err)
{
    line_length *job = self;
    cairn_slice stored = {0};
    bool found = false;

    CAIRN_TRY(cairn_value_update(job->line, value, err));
    CAIRN_TRY(cairn_value_get(job->line, &stored, &found, err));
    if (!found) {
        return error_set(err, CAIRN_E_INTERNAL, "line-length: a value just stored is not there");
    }
    buf_clear(&job->output);
    CAIRN_TRY(buf_append(&job->output, key.data, key.len, err));
    CAIRN_TRY(buf_printf(&job->output, err, "\t%zu", stored.len));
    return cairn_job_emit(context, cairn_buf_slice(&job->output), err);
}

const cairn_job job_line_length = {
    .version = CAIRN_JOB_VERSION,
    .name = "line-length",
    .open = line_length_open,
    .split = line_length_split,
    .process = line_length_process,
    .before_checkpoint = NULL,
    .close = line_length_close,
};
