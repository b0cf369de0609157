/*
 * Counts words (DESIGN section 11). Each word is read and updated in state by itself; what is put
 * out waits in a bounded table until the barrier, so that a word gives one line per checkpoint.
 */
#include <cairn/worker.h>

#include "bounds.h"
#include "buf.h"
#include "builtin_jobs.h"
#include "errors.h"
#include "word_table.h"

#include <inttypes.h>

typedef struct wordcount {
    cairn_value_state *counts;
    word_table *changed;
    cairn_buf word;
    cairn_buf line;
} wordcount;

static void wordcount_close(void *self)
{
    wordcount *job = self;

    if (job == NULL) {
        return;
    }
    word_table_free(job->changed);
    cairn_buf_release(&job->word);
    cairn_buf_release(&job->line);
    mem_free(job);
}
CAIRN_DEFINE_AUTO_PTR(void, wordcount_close)

static cairn_code wordcount_open(cairn_job_context *context, void **self, cairn_error *err)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    wordcount *job = mem_calloc(1, sizeof(*job));
    CAIRN_AUTO_PTR(wordcount_close) void *owned = job;

    if (job == NULL) {
        return error_no_memory(err, "the job wordcount");
    }
    cairn_buf_init(&job->word, CAIRN_RECORD_LINE_BYTES_MAX);
    descriptor.name = "counts";
    descriptor.key_serializer = "string";
    descriptor.value_serializer = "u64";
    CAIRN_TRY(word_table_new(&job->changed, err));
    CAIRN_TRY(cairn_value_state_open(cairn_job_backend(context), &descriptor, &job->counts, err));
    *self = CAIRN_TAKE(owned);
    return CAIRN_OK;
}

/* Plain ASCII: <ctype.h> asks the locale. */
static bool is_word_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

bool wordcount_next(cairn_slice record, size_t *at, cairn_slice *out)
{
    const uint8_t *bytes = record.data;
    size_t begin = *at;

    while (begin < record.len && !is_word_byte(bytes[begin])) {
        begin++;
    }
    size_t end = begin;
    while (end < record.len && is_word_byte(bytes[end])) {
        end++;
    }
    *at = end;
    if (begin == end) {
        return false;
    }
    *out = (cairn_slice){bytes + begin, end - begin};
    return true;
}

static cairn_code lower(cairn_slice word, cairn_buf *out, cairn_error *err)
{
    buf_clear(out);
    CAIRN_TRY(buf_append(out, word.data, word.len, err));
    for (size_t i = 0; i < out->len; i++) {
        if (out->data[i] >= 'A' && out->data[i] <= 'Z') {
            out->data[i] = (uint8_t)(out->data[i] + ('a' - 'A'));
        }
    }
    return CAIRN_OK;
}

static cairn_code wordcount_split(void *self, cairn_job_context *context, cairn_slice record,
                                  cairn_error *err)
{
    wordcount *job = self;
    cairn_slice word;

    for (size_t at = 0; wordcount_next(record, &at, &word);) {
        CAIRN_TRY(lower(word, &job->word, err));
        CAIRN_TRY(cairn_job_keyed(context, cairn_buf_slice(&job->word), cairn_slice_of(NULL), err));
    }
    return CAIRN_OK;
}

static cairn_code emit_changed(void *self, cairn_job_context *context, cairn_error *err)
{
    wordcount *job = self;

    for (size_t i = 0; i < word_table_size(job->changed); i++) {
        const word_table_entry entry = word_table_at(job->changed, i);

        buf_clear(&job->line);
        CAIRN_TRY(buf_append(&job->line, entry.word.data, entry.word.len, err));
        CAIRN_TRY(buf_printf(&job->line, err, "\t%" PRIu64, entry.count));
        CAIRN_TRY(cairn_job_emit(context, cairn_buf_slice(&job->line), err));
    }
    word_table_clear(job->changed);
    return CAIRN_OK;
}

static cairn_code wordcount_process(void *self, cairn_job_context *context, cairn_slice key,
                                    cairn_slice value, cairn_error *err)
{
    wordcount *job = self;
    uint64_t count = 0;
    bool found = false;

    (void)value;
    CAIRN_TRY(cairn_value_get_u64(job->counts, &count, &found, err));
    count++;
    CAIRN_TRY(cairn_value_update_u64(job->counts, count, err));
    if (!word_table_set(job->changed, key, count)) {
        CAIRN_TRY(emit_changed(self, context, err));
        CAIRN_ASSERT(word_table_set(job->changed, key, count));
    }
    return CAIRN_OK;
}

const cairn_job job_wordcount = {
    .version = CAIRN_JOB_VERSION,
    .name = "wordcount",
    .open = wordcount_open,
    .split = wordcount_split,
    .process = wordcount_process,
    .before_checkpoint = emit_changed,
    .close = wordcount_close,
};
