/*
 * A job for `cairn run`: the three greatest numbers seen so far for each key, kept as list state.
 *
 * Input lines are `key,number` (decimal digits, at most 18); others are passed over. Each time that
 * a key's three change, the line `key TAB first,second,third` is put out.
 *
 *   make -f job.mk top_scores_job.so
 *   cairn run ./top_scores_job.so --input FILE --output DIR --checkpoints file:///...
 */
#include <cairn/job.h>

#include <string.h>

#define SCORES           3
#define KEY_BYTES_MAX    200
#define NUMBER_BYTES_MAX 18
#define LINE_BYTES       (KEY_BYTES_MAX + SCORES * (NUMBER_BYTES_MAX + 1))

/* The whole memory of the job is its state handle: all else is in cairn's state. */
static cairn_list_state *scores;

static cairn_code open_job(cairn_job_context *context, void **self, cairn_error *err)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    descriptor.name = "scores";
    *self = NULL;
    return cairn_list_state_open(cairn_job_backend(context), &descriptor, &scores, err);
}

/* Digits alone, without zeros in front: then the longer number is the greater. */
static bool is_number(cairn_slice text)
{
    const char *digits = text.data;

    for (size_t i = 0; i < text.len; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
    }
    return text.len > 0 && text.len <= NUMBER_BYTES_MAX && (text.len == 1 || digits[0] != '0');
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
    return is_number(number) ? cairn_job_keyed(context, key, number, err) : CAIRN_OK;
}

static bool is_greater(cairn_slice a, cairn_slice b)
{
    return a.len != b.len ? a.len > b.len : memcmp(a.data, b.data, a.len) > 0;
}

/* Reads the key's scores, greatest first, with `number` in its place; gives that place. */
static cairn_code read_with(cairn_slice number, cairn_slice top[SCORES + 1], size_t *count,
                            size_t *place, cairn_error *err)
{
    cairn_list_view view;
    cairn_slice score;
    cairn_code code = cairn_list_get(scores, &view, err);

    *count = 0;
    *place = 0;
    while (code == CAIRN_OK && *count < SCORES && cairn_list_next(&view, &score)) {
        if (!is_greater(number, score)) {
            *place = *count + 1;
        }
        top[(*count)++] = score;
    }
    memmove(top + *place + 1, top + *place, (*count - *place) * sizeof(*top));
    top[*place] = number;
    *count += *count < SCORES ? 1 : 0;
    return code;
}

static size_t append(char *line, size_t len, cairn_slice bytes)
{
    memcpy(line + len, bytes.data, bytes.len);
    return len + bytes.len;
}

static cairn_code process(void *self, cairn_job_context *context, cairn_slice key,
                          cairn_slice value, cairn_error *err)
{
    cairn_slice top[SCORES + 1];
    char line[LINE_BYTES];
    size_t count = 0;
    size_t place = 0;
    cairn_code code = read_with(value, top, &count, &place, err);

    (void)self;
    if (code != CAIRN_OK || place == SCORES) {
        return code;
    }
    size_t len = append(line, 0, key);
    for (size_t i = 0; i < count; i++) {
        len = append(line, len, cairn_slice_of(i == 0 ? "\t" : ","));
        len = append(line, len, top[i]);
    }
    code = cairn_list_update(scores, top, count, err); /* the slices end here */
    return code == CAIRN_OK ? cairn_job_emit(context, (cairn_slice){line, len}, err) : code;
}

const cairn_job *cairn_job_main(void)
{
    static const cairn_job job = {
        .version = CAIRN_JOB_VERSION,
        .name = "top-scores",
        .open = open_job,
        .split = split,
        .process = process,
    };

    return &job;
}
