/*
 * A job for `cairn run`: the greatest number seen so far for each key.
 *
 * Input lines are `key,number`; others are passed over. Each time that a key's maximum rises, the
 * line `key TAB maximum` is put out.
 *
 *   make -f job.mk running_max_job.so
 *   cairn run ./running_max_job.so --input FILE --output DIR --checkpoints file:///...
 */
#include <cairn/job.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_BYTES_MAX    200
#define NUMBER_BYTES_MAX 18 /* any number of so many digits fits in 63 bits */
#define LINE_BYTES       (KEY_BYTES_MAX + 32)

/* The whole memory of the job is its state handle: all else is in cairn's state. */
static cairn_value_state *maxima;

static cairn_code open_job(cairn_job_context *context, void **self, cairn_error *err)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    descriptor.name = "maxima";
    descriptor.value_serializer = "i64";
    *self = NULL;
    return cairn_value_state_open(cairn_job_backend(context), &descriptor, &maxima, err);
}

static cairn_code split(void *self, cairn_job_context *context, cairn_slice record,
                        cairn_error *err)
{
    const char *line = record.data;
    const char *comma = record.len == 0 ? NULL : memchr(line, ',', record.len);

    (void)self;
    if (comma == NULL || comma == line || comma - line > KEY_BYTES_MAX) {
        return CAIRN_OK;
    }
    const cairn_slice key = {line, (size_t)(comma - line)};
    const cairn_slice number = {comma + 1, record.len - key.len - 1};
    return cairn_job_keyed(context, key, number, err);
}

/* An optional sign and decimal digits. */
static bool parse_number(cairn_slice text, int64_t *out)
{
    const char *bytes = text.data;
    const bool negative = text.len > 0 && bytes[0] == '-';
    const size_t first = negative ? 1 : 0;
    int64_t value = 0;

    if (text.len == first || text.len - first > NUMBER_BYTES_MAX) {
        return false;
    }
    for (size_t i = first; i < text.len; i++) {
        if (bytes[i] < '0' || bytes[i] > '9') {
            return false;
        }
        value = value * 10 + (bytes[i] - '0');
    }
    *out = negative ? -value : value;
    return true;
}

static cairn_code process(void *self, cairn_job_context *context, cairn_slice key,
                          cairn_slice value, cairn_error *err)
{
    char line[LINE_BYTES];
    int64_t number = 0;
    int64_t maximum = 0;
    bool found = false;

    (void)self;
    if (!parse_number(value, &number)) {
        return CAIRN_OK;
    }
    cairn_code code = cairn_value_get_i64(maxima, &maximum, &found, err);
    if (code != CAIRN_OK || (found && number <= maximum)) {
        return code;
    }
    code = cairn_value_update_i64(maxima, number, err);
    if (code != CAIRN_OK) {
        return code;
    }
    memcpy(line, key.data, key.len);
    (void)snprintf(line + key.len, sizeof(line) - key.len, "\t%" PRId64, number);
    const cairn_slice text = {line, key.len + strlen(line + key.len)};
    return cairn_job_emit(context, text, err);
}

const cairn_job *cairn_job_main(void)
{
    static const cairn_job job = {
        .version = CAIRN_JOB_VERSION,
        .name = "running-max",
        .open = open_job,
        .split = split,
        .process = process,
    };

    return &job;
}
