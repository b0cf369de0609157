#include "operator_log.h"

#include "errors.h"
#include "state_elements.h"

#include <stdlib.h>
#include <string.h>

#define REMOVED 0
#define PUT     1

cairn_code operator_record_append(cairn_buf *out, const operator_record *record, cairn_error *err)
{
    CAIRN_TRY(buf_append_byte(out, record->removed ? REMOVED : PUT, err));
    CAIRN_TRY(element_append(out, record->key, err));
    return record->removed ? CAIRN_OK : element_append(out, record->value, err);
}

operator_record operator_record_at(cairn_slice log, uint32_t place)
{
    const uint8_t *bytes = log.data;
    operator_record record = {.removed = bytes[place] == REMOVED};
    cairn_slice rest = {bytes + place + 1, log.len - place - 1};

    CAIRN_ASSERT(element_next(&rest, &record.key));
    CAIRN_ASSERT(record.removed || element_next(&rest, &record.value));
    record.bytes = log.len - place - rest.len;
    return record;
}

cairn_slice operator_record_key(cairn_slice log, uint32_t place)
{
    return operator_record_at(log, place).key;
}

size_t operator_record_file_bytes(const operator_record *record)
{
    return element_bytes(record->key) + element_bytes(record->value);
}

/* --- sorted ----------------------------------------------------------------------------------- */

typedef struct entry {
    cairn_slice key;
    uint32_t place;
} entry;

/* By key, and of one key the last record first. */
static int by_key(const void *a, const void *b)
{
    const entry *left = a;
    const entry *right = b;
    const size_t common = left->key.len < right->key.len ? left->key.len : right->key.len;
    const int order = common == 0 ? 0 : memcmp(left->key.data, right->key.data, common);

    if (order != 0) {
        return order;
    }
    return left->key.len != right->key.len
               ? (left->key.len > right->key.len) - (left->key.len < right->key.len)
               : (left->place < right->place) - (left->place > right->place);
}

static size_t count_records(cairn_slice log)
{
    size_t count = 0;

    for (size_t place = 0; place < log.len; count++) {
        place += operator_record_at(log, (uint32_t)place).bytes;
    }
    return count;
}

cairn_code operator_log_write(cairn_slice log, uint64_t entries, cairn_buf *out, cairn_error *err)
{
    const size_t count = count_records(log);
    entry *sorted CAIRN_AUTO_FREE = mem_calloc(count, sizeof(*sorted));
    size_t place = 0;
    uint64_t written = 0;

    if (sorted == NULL) {
        return error_no_memory(err, "operator state");
    }
    for (size_t i = 0; i < count; i++) {
        const operator_record record = operator_record_at(log, (uint32_t)place);

        sorted[i] = (entry){record.key, (uint32_t)place};
        place += record.bytes;
    }
    qsort(sorted, count, sizeof(*sorted), by_key);
    for (size_t i = 0; i < count; i++) {
        const operator_record record = operator_record_at(log, sorted[i].place);

        if (!record.removed && (i == 0 || !cairn_slice_equal(sorted[i - 1].key, record.key))) {
            CAIRN_TRY(element_append(out, record.key, err));
            CAIRN_TRY(element_append(out, record.value, err));
            written++;
        }
    }
    CAIRN_ASSERT(written == entries);
    return CAIRN_OK;
}
