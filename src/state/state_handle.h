/*
 * What state handles are inside: shared by the registry that makes them and the calls that use
 * them. Each kind begins with a state_handle; a pointer to the one is a pointer to the other.
 */
#ifndef CAIRN_STATE_STATE_HANDLE_H
#define CAIRN_STATE_STATE_HANDLE_H

#include <cairn/timer.h>

#include "buf.h"
#include "state_table.h"
#include "state_ttl.h"
#include "timer_queue.h"

/*
 * The current key and namespace, encoded once and ready for an engine. `place.bytes.data` is NULL
 * while no key is set; prefix_bytes is the whole. All handles of a keyed_state look at the same
 * one.
 */
typedef struct current_key {
    state_place place;
    cairn_buf bytes;  /* what place.bytes borrows; reused by every set_key */
    size_t key_bytes; /* of `bytes`: key group and key; the namespace follows */
} current_key;

typedef struct state_handle {
    cairn_state_kind kind;
    state_table *table; /* borrowed from the engine, or that of `ttl` */
    const current_key *current;
    ttl_table *ttl;  /* NULL: the state has no time to live */
    bool opened;     /* in this run: somebody holds it */
    cairn_buf typed; /* bytes of a value on its way in (state_typed.c) */
} state_handle;

struct cairn_value_state {
    state_handle base;
};

struct cairn_list_state {
    state_handle base;
    cairn_buf scratch; /* elements on their way to the engine */
};

/* Open while `cursor` stands. A map has one, so that iterating allocates nothing of ours. */
struct cairn_map_iterator {
    cairn_map_state *state;
    state_cursor *cursor;
    uint32_t key_group;
    size_t prefix_bytes;
    cairn_buf key; /* composite, of the entry returned last: a write may free the cursor's */
    bool has_entry;
    bool at_end;
};

struct cairn_map_state {
    state_handle base;
    cairn_buf place;     /* current key, namespace, user key */
    cairn_buf typed_key; /* bytes of a user key */
    cairn_map_iterator iterator;
};

/* Memory of a state that puts what is stored and what comes new through a function. */
typedef struct state_fold {
    cairn_buf element; /* a copy: the caller's may lie in what the last read gave */
    cairn_buf sum;     /* what is stored next */
    cairn_buf spare;   /* the function writes here, and reads from the two others */
} state_fold;

struct cairn_reducing_state {
    state_handle base;
    cairn_reduce_function function;
    state_fold fold;
};

struct cairn_aggregating_state {
    state_handle base;
    cairn_aggregate_function function;
    state_fold fold;
    cairn_buf result;
};

/* The timers of one domain. Those of event time are what users hold, and know the others. */
struct cairn_timers {
    state_handle base;
    timer_queue *queue; /* NULL until they are opened */
    struct keyed_state *states;
    cairn_timers *processing;
    cairn_timer_function function;
    state_key_parts due; /* of the timer that fires */
    bool advancing;
};

/* NULL if memory is short. `kind` is a known one. */
state_handle *state_handle_new(cairn_state_kind kind, state_table *table,
                               const current_key *current);
/* An iterator that is still open ends. NULL is fine. */
void state_handle_free(state_handle *handle);
CAIRN_DEFINE_AUTO_PTR(state_handle, state_handle_free)

/* They write the error alone: inline, so that analyzers see that these never return CAIRN_OK. */
void state_report_argument(const char *call, cairn_error *err);
void state_report_no_key(const char *call, cairn_error *err);

static inline cairn_code state_bad_argument(const char *call, cairn_error *err)
{
    state_report_argument(call, err);
    return CAIRN_E_INVALID;
}

static inline cairn_code state_no_key(const char *call, cairn_error *err)
{
    state_report_no_key(call, err);
    return CAIRN_E_STATE;
}

/* What each call looks at first: CAIRN_E_INVALID without a handle or if `arguments` is false,
 * CAIRN_E_STATE if no key is set. Inline: it stands on the way of every read and write. */
static inline cairn_code state_ready(const state_handle *handle, bool arguments, const char *call,
                                     cairn_error *err)
{
    if (handle == NULL || !arguments) {
        return state_bad_argument(call, err);
    }
    return handle->current->place.bytes.data == NULL ? state_no_key(call, err) : CAIRN_OK;
}

static inline bool state_slice_is_valid(cairn_slice bytes)
{
    return bytes.data != NULL || bytes.len == 0;
}

/* CAIRN_E_LIMIT if `bytes` is more than a value may have. */
cairn_code state_check_value(size_t bytes, const char *call, cairn_error *err);

/* Empties a buffer; memory beyond CAIRN_STATE_SCRATCH_BYTES_MAX is given back. */
void state_scratch_clear(cairn_buf *scratch);

/* --- calls of the table, at the current key --------------------------------------------------- */

static inline cairn_code state_get(const state_handle *handle, cairn_slice *out, bool *out_found,
                                   cairn_error *err)
{
    return handle->table->ops->get(handle->table, &handle->current->place, out, out_found, err);
}

/* Where a user reads: see state_table_ops. */
static inline cairn_code state_read(const state_handle *handle, cairn_slice *out, bool *out_found,
                                    cairn_error *err)
{
    return handle->table->ops->read(handle->table, &handle->current->place, out, out_found, err);
}

static inline cairn_code state_put(const state_handle *handle, cairn_slice value, cairn_error *err)
{
    return handle->table->ops->put(handle->table, &handle->current->place, value, err);
}

static inline cairn_code state_remove(const state_handle *handle, cairn_error *err)
{
    return handle->table->ops->remove(handle->table, &handle->current->place, err);
}

#endif
