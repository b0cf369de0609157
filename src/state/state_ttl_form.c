#include "state_ttl_form.h"

#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "state_elements.h"

cairn_code ttl_split(cairn_slice stamped, uint64_t *out_ms, cairn_slice *out_value,
                     cairn_error *err)
{
    if (!stamp_split(stamped, out_ms, out_value)) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "read a state with a time to live: %zu bytes without the time of their "
                         "last access",
                         stamped.len);
    }
    return CAIRN_OK;
}

cairn_code ttl_append_value(cairn_buf *out, uint64_t ms, cairn_slice value, cairn_error *err)
{
    uint8_t stamp[STATE_STAMP_BYTES];

    stamp_write(ms, stamp);
    CAIRN_TRY(buf_reserve(out, sizeof(stamp) + value.len, err));
    CAIRN_TRY(buf_append(out, stamp, sizeof(stamp), err));
    return buf_append(out, value.data, value.len, err);
}

cairn_code ttl_append_element(cairn_buf *out, uint64_t ms, cairn_slice element, cairn_error *err)
{
    if (element.len > CAIRN_LIST_BYTES_MAX - STATE_STAMP_BYTES) {
        return error_set(err, CAIRN_E_LIMIT,
                         "an element of %zu bytes with the time of its last access is longer than "
                         "the %zu bytes of a list",
                         element.len, CAIRN_LIST_BYTES_MAX);
    }
    CAIRN_TRY(element_append_length(out, STATE_STAMP_BYTES + element.len, err));
    return ttl_append_value(out, ms, element, err);
}

static cairn_code show(const ttl_pass *pass, uint64_t ms, cairn_slice value, cairn_error *err)
{
    if (pass->times != NULL) {
        CAIRN_TRY(buf_append(pass->times, &ms, sizeof(ms), err));
    }
    return pass->shown == NULL ? CAIRN_OK : element_append(pass->shown, value, err);
}

static cairn_code pass_element(ttl_pass *pass, cairn_slice element, cairn_error *err)
{
    cairn_slice value = {NULL, 0};
    uint64_t ms = 0;

    CAIRN_TRY(ttl_split(element, &ms, &value, err));
    const bool expired = stamp_is_expired(ms, pass->ttl_ms, pass->now_ms);
    pass->elements++;
    pass->expired += expired;
    pass->expired_bytes += expired ? element_bytes(element) : 0;
    pass->stale = pass->stale || (!expired && ms != pass->now_ms);
    if (!expired || pass->show_expired) {
        CAIRN_TRY(show(pass, ms, value, err));
    }
    return pass->kept == NULL || expired
               ? CAIRN_OK
               : ttl_append_element(pass->kept, pass->renew ? pass->now_ms : ms, value, err);
}

cairn_code ttl_pass_run(ttl_pass *pass, cairn_slice stored, cairn_error *err)
{
    cairn_slice rest = stored;
    cairn_slice element;

    while (element_next(&rest, &element)) {
        CAIRN_TRY(pass_element(pass, element, err));
    }
    return rest.len == 0 ? CAIRN_OK : elements_check(stored, err);
}

/* --- who reads a checkpoint ------------------------------------------------------------------- */

void ttl_reading_release(ttl_reading *reading)
{
    cairn_buf_release(&reading->elements);
    cairn_buf_release(&reading->times);
}

static cairn_code read_list(ttl_reading *reading, const ttl_pass *how, cairn_slice stored,
                            bool *out_shown, cairn_error *err)
{
    ttl_pass pass = *how;

    pass.shown = &reading->elements;
    pass.times = &reading->times;
    CAIRN_TRY(ttl_pass_run(&pass, stored, err));
    reading->value = cairn_buf_slice(&reading->elements);
    *out_shown = reading->times.len > 0;
    return CAIRN_OK;
}

cairn_code ttl_read_stored(ttl_reading *reading, const cairn_state_info *info, uint64_t now_ms,
                           cairn_slice stored, bool *out_shown, cairn_error *err)
{
    const ttl_pass how = {.ttl_ms = info->ttl_ms, .now_ms = now_ms, .show_expired = now_ms == 0};
    uint64_t ms = 0;

    reading->elements.limit = CAIRN_LIST_BYTES_MAX;
    reading->times.limit = CAIRN_LIST_BYTES_MAX;
    buf_clear(&reading->elements);
    buf_clear(&reading->times);
    if (info->kind == CAIRN_STATE_LIST) {
        return read_list(reading, &how, stored, out_shown, err);
    }
    CAIRN_TRY(ttl_split(stored, &ms, &reading->value, err));
    *out_shown = how.show_expired || !stamp_is_expired(ms, how.ttl_ms, now_ms);
    return buf_append(&reading->times, &ms, sizeof(ms), err);
}

/* --- judges ----------------------------------------------------------------------------------- */

entry_fate ttl_judge_value(uint64_t ttl_ms, uint64_t now_ms, cairn_slice value, cairn_buf *out)
{
    uint64_t ms = 0;
    cairn_slice bare;

    (void)out;
    return stamp_split(value, &ms, &bare) && stamp_is_expired(ms, ttl_ms, now_ms)
               ? CAIRN_ENTRY_DROP
               : CAIRN_ENTRY_KEEP;
}

entry_fate ttl_judge_list(uint64_t ttl_ms, uint64_t now_ms, cairn_slice value, cairn_buf *out)
{
    ttl_pass look = {.ttl_ms = ttl_ms, .now_ms = now_ms};
    ttl_pass shorten = {.ttl_ms = ttl_ms, .now_ms = now_ms, .kept = out};

    if (ttl_pass_run(&look, value, NULL) != CAIRN_OK || look.expired == 0) {
        return CAIRN_ENTRY_KEEP;
    }
    if (look.expired == look.elements) {
        return CAIRN_ENTRY_DROP;
    }
    return ttl_pass_run(&shorten, value, NULL) == CAIRN_OK ? CAIRN_ENTRY_REPLACE : CAIRN_ENTRY_KEEP;
}
