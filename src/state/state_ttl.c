/*
 * DESIGN. `get`, `walk` and `scan` hide what has expired, and no more that a user could see: an add
 * or a merge whose function fails has changed nothing. `read` is what a user's read does, and
 * renews or removes. Two buffers: `out` holds what the last read gave, `in` what a write stores, so
 * that the one may be passed to the other.
 */
#include "bounds.h"
#include "errors.h"
#include "state_elements.h"
#include "state_handle.h"
#include "state_ttl_impl.h"

static uint64_t now_of(const ttl_table *self)
{
    return entry_clock_now(&self->clock);
}

static bool renews(const ttl_table *self)
{
    return self->ttl.update == CAIRN_TTL_ON_READ_AND_WRITE;
}

static cairn_code stored_put(const ttl_table *self, const state_place *place,
                             const cairn_buf *bytes, cairn_error *err)
{
    return self->stored->ops->put(self->stored, place, cairn_buf_slice(bytes), err);
}

static cairn_code stored_remove(const ttl_table *self, const state_place *place, cairn_error *err)
{
    return self->stored->ops->remove(self->stored, place, err);
}

/* --- the sweep -------------------------------------------------------------------------------- */

static entry_fate judge(const ttl_table *self, uint64_t now_ms, cairn_slice value, cairn_buf *left)
{
    return self->is_list ? ttl_judge_list(self->ttl.ttl_ms, now_ms, value, left)
                         : ttl_judge_value(self->ttl.ttl_ms, now_ms, value, left);
}

/* What can't be cleaned now waits for who comes upon it next: no call fails for it. */
static void clean_one(const ttl_table *self, uint64_t now_ms, const state_place *place,
                      cairn_slice value)
{
    CAIRN_AUTO(cairn_buf) left = {.limit = CAIRN_LIST_BYTES_MAX};

    switch (judge(self, now_ms, value, &left)) {
    case CAIRN_ENTRY_KEEP:
        break;
    case CAIRN_ENTRY_DROP:
        (void)stored_remove(self, place, NULL);
        break;
    case CAIRN_ENTRY_REPLACE:
        (void)stored_put(self, place, &left, NULL);
        break;
    }
}

void ttl_clean(ttl_table *self, uint64_t now_ms)
{
    const state_table_ops *const ops = self->stored->ops;
    state_place place;
    cairn_slice value;

    for (unsigned i = 0; ops->sweep != NULL && i < CAIRN_TTL_SWEEP_ENTRIES; i++) {
        if (!ops->sweep(self->stored, &place, &value)) {
            return;
        }
        clean_one(self, now_ms, &place, value);
    }
}

/* --- writes ----------------------------------------------------------------------------------- */

/* Leaves in self->in what is stored. The bytes may be the engine's: cleaning comes after. */
static cairn_code stamp(ttl_table *self, uint64_t now_ms, cairn_slice bytes, cairn_error *err)
{
    cairn_slice element;

    state_scratch_clear(&self->in);
    if (!self->is_list) {
        return ttl_append_value(&self->in, now_ms, bytes, err);
    }
    while (element_next(&bytes, &element)) {
        CAIRN_TRY(ttl_append_element(&self->in, now_ms, element, err));
    }
    CAIRN_ASSERT(bytes.len == 0);
    return CAIRN_OK;
}

static cairn_code table_put(state_table *base, const state_place *place, cairn_slice value,
                            cairn_error *err)
{
    ttl_table *const self = (ttl_table *)base;
    const uint64_t now_ms = now_of(self);

    CAIRN_TRY(stamp(self, now_ms, value, err));
    ttl_clean(self, now_ms);
    return stored_put(self, place, &self->in, err);
}

static cairn_code table_append(state_table *base, const state_place *place, cairn_slice bytes,
                               cairn_error *err)
{
    ttl_table *const self = (ttl_table *)base;
    const uint64_t now_ms = now_of(self);

    CAIRN_ASSERT(self->is_list);
    CAIRN_TRY(stamp(self, now_ms, bytes, err));
    ttl_clean(self, now_ms);
    return self->stored->ops->append(self->stored, place, cairn_buf_slice(&self->in), err);
}

static cairn_code table_remove(state_table *base, const state_place *place, cairn_error *err)
{
    return stored_remove((ttl_table *)base, place, err);
}

/* --- get -------------------------------------------------------------------------------------- */

cairn_code ttl_show_elements(const ttl_table *self, uint64_t now_ms, cairn_slice stored,
                             cairn_buf *shown, cairn_error *err)
{
    ttl_pass pass = {.ttl_ms = self->ttl.ttl_ms,
                     .now_ms = now_ms,
                     .show_expired = ttl_shows_expired(self),
                     .shown = shown};

    state_scratch_clear(shown);
    return ttl_pass_run(&pass, stored, err);
}

static cairn_code get_value(const ttl_table *self, cairn_slice stored, cairn_slice *out,
                            bool *out_found, cairn_error *err)
{
    cairn_slice value = {NULL, 0};
    uint64_t ms = 0;

    CAIRN_TRY(ttl_split(stored, &ms, &value, err));
    *out_found = ttl_shows_expired(self) || !stamp_is_expired(ms, self->ttl.ttl_ms, now_of(self));
    if (*out_found) {
        *out = value;
    }
    return CAIRN_OK;
}

/* Without elements there is no list. */
static void give_out(const ttl_table *self, cairn_slice *out, bool *out_found)
{
    *out_found = self->out.len > 0;
    if (*out_found) {
        *out = cairn_buf_slice(&self->out);
    }
}

static cairn_code table_get(state_table *base, const state_place *place, cairn_slice *out,
                            bool *out_found, cairn_error *err)
{
    ttl_table *const self = (ttl_table *)base;
    cairn_slice stored = {NULL, 0};
    bool found = false;

    CAIRN_TRY(self->stored->ops->get(self->stored, place, &stored, &found, err));
    if (!found) {
        *out_found = false;
        return CAIRN_OK;
    }
    if (!self->is_list) {
        return get_value(self, stored, out, out_found, err);
    }
    CAIRN_TRY(ttl_show_elements(self, now_of(self), stored, &self->out, err));
    give_out(self, out, out_found);
    return CAIRN_OK;
}

/* --- read ------------------------------------------------------------------------------------- */

typedef struct ttl_read {
    ttl_table *self;
    const state_place *place;
    uint64_t now_ms;
} ttl_read;

/* It is copied before, as removing it may free it. What can't be removed now is later. */
static cairn_code read_expired(const ttl_read *read, cairn_slice value, cairn_slice *out,
                               bool *out_found, cairn_error *err)
{
    ttl_table *const self = read->self;

    if (ttl_shows_expired(self)) {
        state_scratch_clear(&self->out);
        CAIRN_TRY(buf_append(&self->out, value.data, value.len, err));
        *out = cairn_buf_slice(&self->out);
    }
    (void)stored_remove(self, read->place, NULL);
    *out_found = ttl_shows_expired(self);
    return CAIRN_OK;
}

static cairn_code read_renewing(const ttl_read *read, cairn_slice value, cairn_slice *out,
                                cairn_error *err)
{
    ttl_table *const self = read->self;

    state_scratch_clear(&self->out);
    CAIRN_TRY(ttl_append_value(&self->out, read->now_ms, value, err));
    CAIRN_TRY(stored_put(self, read->place, &self->out, err));
    *out = (cairn_slice){self->out.data + STATE_STAMP_BYTES, value.len};
    return CAIRN_OK;
}

static cairn_code read_value(const ttl_read *read, cairn_slice stored, cairn_slice *out,
                             bool *out_found, cairn_error *err)
{
    const ttl_table *const self = read->self;
    cairn_slice value = {NULL, 0};
    uint64_t ms = 0;

    CAIRN_TRY(ttl_split(stored, &ms, &value, err));
    if (stamp_is_expired(ms, self->ttl.ttl_ms, read->now_ms)) {
        return read_expired(read, value, out, out_found, err);
    }
    if (renews(self) && ms != read->now_ms) {
        CAIRN_TRY(read_renewing(read, value, out, err));
    } else {
        *out = value;
    }
    *out_found = true;
    return CAIRN_OK;
}

/* A list is not written anew for each element that expires, but once half of it has. */
static bool is_worth_cleaning(const ttl_table *self, const ttl_pass *pass, size_t stored_bytes)
{
    return (pass->expired > 0 && ttl_shows_expired(self)) || pass->expired_bytes > stored_bytes / 2;
}

/* A renewal is what the user asked for; cleaning alone fails no read. */
static cairn_code keep_list(const ttl_read *read, const ttl_pass *pass, size_t stored_bytes,
                            cairn_error *err)
{
    ttl_table *const self = read->self;

    if (pass->expired == pass->elements) {
        (void)stored_remove(self, read->place, NULL);
    } else if (pass->renew && pass->stale) {
        return stored_put(self, read->place, &self->in, err);
    } else if (is_worth_cleaning(self, pass, stored_bytes)) {
        (void)stored_put(self, read->place, &self->in, NULL);
    }
    return CAIRN_OK;
}

static cairn_code read_list(const ttl_read *read, cairn_slice stored, cairn_slice *out,
                            bool *out_found, cairn_error *err)
{
    ttl_table *const self = read->self;
    ttl_pass pass = {.ttl_ms = self->ttl.ttl_ms,
                     .now_ms = read->now_ms,
                     .show_expired = ttl_shows_expired(self),
                     .renew = renews(self),
                     .shown = &self->out,
                     .kept = &self->in};

    state_scratch_clear(&self->in);
    state_scratch_clear(&self->out);
    CAIRN_TRY(ttl_pass_run(&pass, stored, err));
    CAIRN_TRY(keep_list(read, &pass, stored.len, err));
    give_out(self, out, out_found);
    return CAIRN_OK;
}

static cairn_code read_at(const ttl_read *read, cairn_slice *out, bool *out_found, cairn_error *err)
{
    const ttl_table *const self = read->self;
    cairn_slice stored = {NULL, 0};
    bool found = false;

    CAIRN_TRY(self->stored->ops->get(self->stored, read->place, &stored, &found, err));
    if (!found) {
        *out_found = false;
        return CAIRN_OK;
    }
    return self->is_list ? read_list(read, stored, out, out_found, err)
                         : read_value(read, stored, out, out_found, err);
}

static cairn_code table_read_walked(state_table *base, const state_place *place, cairn_slice *out,
                                    bool *out_found, cairn_error *err)
{
    ttl_table *const self = (ttl_table *)base;

    return read_at(&(ttl_read){self, place, now_of(self)}, out, out_found, err);
}

/* Where what has expired is shown once, the sweep is left to writes: it would come before. */
static cairn_code table_read(state_table *base, const state_place *place, cairn_slice *out,
                             bool *out_found, cairn_error *err)
{
    ttl_table *const self = (ttl_table *)base;
    const ttl_read read = {self, place, now_of(self)};

    if (!ttl_shows_expired(self)) {
        ttl_clean(self, read.now_ms);
    }
    return read_at(&read, out, out_found, err);
}

/* --- life cycle ------------------------------------------------------------------------------- */

static state_table *table_stored(state_table *base)
{
    return ((ttl_table *)base)->stored;
}

static const state_table_ops hiding_ops = {
    .get = table_get,
    .put = table_put,
    .append = table_append,
    .remove = table_remove,
    .walk = ttl_walk,
    .scan = ttl_scan,
    .read = table_read,
    .stored = table_stored,
};

/* A read renews, or takes away what it shows. */
static const state_table_ops changing_ops = {
    .get = table_get,
    .put = table_put,
    .append = table_append,
    .remove = table_remove,
    .walk = ttl_walk,
    .scan = ttl_scan,
    .read = table_read,
    .read_walked = table_read_walked,
    .stored = table_stored,
};

cairn_code ttl_table_new(cairn_state_kind kind, ttl_table **out, cairn_error *err)
{
    ttl_table *const self = mem_calloc(1, sizeof(*self));

    CAIRN_ASSERT(kind != CAIRN_STATE_TIMERS);
    if (self == NULL) {
        return error_no_memory(err, "state with a time to live");
    }
    self->is_list = kind == CAIRN_STATE_LIST;
    cairn_buf_init(&self->in, CAIRN_LIST_BYTES_MAX);
    cairn_buf_init(&self->out, CAIRN_LIST_BYTES_MAX);
    *out = self;
    return CAIRN_OK;
}

void ttl_table_free(ttl_table *self)
{
    if (self != NULL) {
        cairn_buf_release(&self->in);
        cairn_buf_release(&self->out);
        mem_free(self);
    }
}

state_table *ttl_table_bind(ttl_table *self, state_table *stored, const cairn_ttl *ttl,
                            const cairn_clock *clock)
{
    CAIRN_ASSERT(ttl->ttl_ms > 0);
    self->stored = stored;
    self->ttl = *ttl;
    self->clock = *clock;
    self->base.ops = renews(self) || ttl_shows_expired(self) ? &changing_ops : &hiding_ops;
    return &self->base;
}

void ttl_filter_begin(const ttl_table *self)
{
    const entry_filter filter = {self->is_list ? ttl_judge_list : ttl_judge_value, self->ttl.ttl_ms,
                                 self->clock};

    if (self->stored->ops->set_filter != NULL) {
        self->stored->ops->set_filter(self->stored, &filter);
    }
}

void ttl_filter_end(state_table *stored)
{
    const entry_filter none = {0};

    if (stored->ops->set_filter != NULL) {
        stored->ops->set_filter(stored, &none);
    }
}
