#include "state_rewrite.h"

#include "bounds.h"
#include "errors.h"
#include "state_elements.h"
#include "state_key.h"
#include "state_stamp.h"

typedef struct rewrite_run {
    const state_rewrite *how;
    state_table *table;
    bool begun;
    cairn_buf converted; /* what a migration gave */
    cairn_buf value;     /* a value or an element in its new form */
    cairn_buf list;      /* all elements */
} rewrite_run;

static void rewrite_run_release(rewrite_run *run)
{
    cairn_buf_release(&run->converted);
    cairn_buf_release(&run->value);
    cairn_buf_release(&run->list);
}
CAIRN_DEFINE_AUTO(rewrite_run, rewrite_run_release)

static bool has_stamps(const cairn_state_info *info)
{
    return info->ttl_ms > 0;
}

bool state_rewrite_is_needed(const state_rewrite *rewrite)
{
    return rewrite->migration != NULL || has_stamps(rewrite->from) != has_stamps(rewrite->to);
}

/* Cuts the stamp off; *out_kept false: it has expired, and will have none to tell so. */
static cairn_code read_stamp(const state_rewrite *how, cairn_slice *bytes, uint64_t *out_ms,
                             bool *out_kept, cairn_error *err)
{
    *out_ms = how->now_ms;
    *out_kept = true;
    if (!has_stamps(how->from)) {
        return CAIRN_OK;
    }
    if (!stamp_split(*bytes, out_ms, bytes)) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "a stored value of %zu bytes has no time of its last access", bytes->len);
    }
    *out_kept = has_stamps(how->to) || !stamp_is_expired(*out_ms, how->from->ttl_ms, how->now_ms);
    return CAIRN_OK;
}

static cairn_code append_converted(rewrite_run *run, cairn_slice bytes, cairn_error *err)
{
    const cairn_migration *const migration = run->how->migration;

    if (migration == NULL) {
        return buf_append(&run->value, bytes.data, bytes.len, err);
    }
    buf_clear(&run->converted);
    CAIRN_TRY(migration->convert(migration->context, bytes, &run->converted, err));
    return buf_append(&run->value, run->converted.data, run->converted.len, err);
}

/* Leaves the new form of a value or an element in run->value. */
static cairn_code make_value(rewrite_run *run, cairn_slice bytes, bool *out_kept, cairn_error *err)
{
    uint8_t stamp[STATE_STAMP_BYTES];
    uint64_t ms = 0;

    CAIRN_TRY(read_stamp(run->how, &bytes, &ms, out_kept, err));
    if (!*out_kept) {
        return CAIRN_OK;
    }
    buf_clear(&run->value);
    if (has_stamps(run->how->to)) {
        stamp_write(ms, stamp);
        CAIRN_TRY(buf_append(&run->value, stamp, sizeof(stamp), err));
    }
    return append_converted(run, bytes, err);
}

/* Leaves the new form of a list in run->list. */
static cairn_code make_list(rewrite_run *run, cairn_slice stored, cairn_error *err)
{
    cairn_slice element;
    bool kept = false;

    CAIRN_TRY(elements_check(stored, err));
    buf_clear(&run->list);
    while (element_next(&stored, &element)) {
        CAIRN_TRY(make_value(run, element, &kept, err));
        if (kept) {
            CAIRN_TRY(element_append(&run->list, cairn_buf_slice(&run->value), err));
        }
    }
    return CAIRN_OK;
}

static cairn_code make_entry(rewrite_run *run, cairn_slice stored, cairn_slice *out, bool *out_kept,
                             cairn_error *err)
{
    if (run->how->from->kind != CAIRN_STATE_LIST) {
        CAIRN_TRY(make_value(run, stored, out_kept, err));
        *out = cairn_buf_slice(&run->value);
        return CAIRN_OK;
    }
    CAIRN_TRY(make_list(run, stored, err));
    *out = cairn_buf_slice(&run->list);
    *out_kept = out->len > 0;
    return CAIRN_OK;
}

static cairn_code rewrite_entry(rewrite_run *run, cairn_slice key, cairn_slice stored,
                                cairn_error *err)
{
    CAIRN_AUTO(state_key_parts) parts = {0};
    cairn_slice bytes = {NULL, 0};
    bool kept = false;

    CAIRN_TRY(state_key_decode(key, run->how->max_parallelism, &parts, err));
    CAIRN_TRY(make_entry(run, stored, &bytes, &kept, err));
    const state_place place = {key, parts.key_group, key.len - parts.user_key.len};
    run->begun = true;
    return kept ? run->table->ops->put(run->table, &place, bytes, err)
                : run->table->ops->remove(run->table, &place, err);
}

static cairn_code rewrite_all(rewrite_run *run, cairn_error *err)
{
    CAIRN_AUTO_PTR(state_cursor_free) state_cursor *cursor = NULL;
    cairn_slice key;
    cairn_slice value;

    CAIRN_TRY(run->table->ops->scan(run->table, &cursor, err));
    while (cursor->ops->next(cursor, &key, &value)) {
        CAIRN_TRY(rewrite_entry(run, key, value, err));
    }
    return cursor->ops->status(cursor, err);
}

static cairn_code explain(const state_rewrite *how, cairn_code code, cairn_error *err)
{
    const cairn_serializer_id *const from = &how->from->value_serializer;
    const cairn_serializer_id *const to = &how->to->value_serializer;

    return error_prefix(err, code,
                        "open state '%s': rewrite it from %s version %u to %s version %u",
                        how->from->name, from->id, from->version, to->id, to->version);
}

cairn_code state_rewrite_run(state_table *table, const state_rewrite *rewrite, bool *out_begun,
                             cairn_error *err)
{
    CAIRN_AUTO(rewrite_run) run = {.how = rewrite, .table = table};
    cairn_code code;

    cairn_buf_init(&run.converted, CAIRN_VALUE_BYTES_MAX);
    cairn_buf_init(&run.value, CAIRN_VALUE_BYTES_MAX);
    cairn_buf_init(&run.list, CAIRN_LIST_BYTES_MAX);
    code = rewrite_all(&run, err);
    *out_begun = run.begun;
    return code == CAIRN_OK ? code : explain(rewrite, code, err);
}
