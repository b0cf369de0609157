#include "state_model.h"

#include <string.h>

#define BUCKETS 1024

/* An element of a list, an entry of a map (`name` is its user key), or the one value. */
typedef struct item {
    cairn_buf name;
    cairn_buf bytes;
    uint64_t ms; /* of the last access */
} item;

/* What stands under a state, a key and a namespace. Without items it counts as absent. */
typedef struct cell {
    unsigned handle;
    cairn_buf key;
    cairn_buf name_space;
    item *items;
    size_t count;
    const uint64_t *now_ms;
    struct cell *next; /* of the bucket */
} cell;

typedef struct cells {
    cell *buckets[BUCKETS];
    const uint64_t *now_ms;
} cells;

struct state_model {
    cells now;
    cells saved; /* the last snapshot */
    bool has_saved;
    bool has_key;
    cairn_buf key;
    cairn_buf name_space;
    uint64_t now_ms;
};

/* --- cells ------------------------------------------------------------------------------------ */

static void set_bytes(cairn_buf *buf, cairn_slice bytes)
{
    CAIRN_ASSERT(cairn_buf_assign(buf, bytes, NULL) == CAIRN_OK);
}

static void clear_cell(cell *at)
{
    for (size_t i = 0; i < at->count; i++) {
        cairn_buf_release(&at->items[i].name);
        cairn_buf_release(&at->items[i].bytes);
    }
    mem_free(at->items);
    at->items = NULL;
    at->count = 0;
}

static void clear_cells(cells *all)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (cell *at = all->buckets[i], *next = NULL; at != NULL; at = next) {
            next = at->next;
            clear_cell(at);
            cairn_buf_release(&at->key);
            cairn_buf_release(&at->name_space);
            mem_free(at);
        }
        all->buckets[i] = NULL;
    }
}

static unsigned bucket_of(unsigned handle, cairn_slice key, cairn_slice name_space)
{
    unsigned sum = handle;

    for (size_t i = 0; i < key.len; i++) {
        sum = sum * 31 + ((const uint8_t *)key.data)[i];
    }
    for (size_t i = 0; i < name_space.len; i++) {
        sum = sum * 37 + ((const uint8_t *)name_space.data)[i];
    }
    return sum % BUCKETS;
}

/* Makes it if it is not there. */
static cell *cell_of(cells *all, unsigned handle, cairn_slice key, cairn_slice name_space)
{
    cell **bucket = &all->buckets[bucket_of(handle, key, name_space)];

    for (cell *at = *bucket; at != NULL; at = at->next) {
        if (at->handle == handle && cairn_slice_equal(cairn_buf_slice(&at->key), key) &&
            cairn_slice_equal(cairn_buf_slice(&at->name_space), name_space)) {
            return at;
        }
    }
    cell *fresh = mem_calloc(1, sizeof(*fresh));
    CAIRN_ASSERT(fresh != NULL);
    fresh->handle = handle;
    fresh->now_ms = all->now_ms;
    set_bytes(&fresh->key, key);
    set_bytes(&fresh->name_space, name_space);
    fresh->next = *bucket;
    *bucket = fresh;
    return fresh;
}

static item *add_item(cell *at, cairn_slice name, cairn_slice bytes)
{
    at->items = mem_realloc_array(at->items, at->count + 1, sizeof(*at->items));
    CAIRN_ASSERT(at->items != NULL);
    item *fresh = &at->items[at->count++];
    *fresh = (item){0};
    set_bytes(&fresh->name, name);
    set_bytes(&fresh->bytes, bytes);
    fresh->ms = *at->now_ms;
    return fresh;
}

static void copy_cells(const cells *from, cells *to)
{
    clear_cells(to);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const cell *at = from->buckets[i]; at != NULL; at = at->next) {
            cell *copy = at->count == 0 ? NULL
                                        : cell_of(to, at->handle, cairn_buf_slice(&at->key),
                                                  cairn_buf_slice(&at->name_space));
            for (size_t j = 0; j < at->count; j++) {
                add_item(copy, cairn_buf_slice(&at->items[j].name),
                         cairn_buf_slice(&at->items[j].bytes))
                    ->ms = at->items[j].ms;
            }
        }
    }
}

/* --- times to live ---------------------------------------------------------------------------- */

static unsigned group_of(const cell *at)
{
    return at->handle / STATE_KINDS;
}

static bool is_expired(const cell *at, const item *each)
{
    return group_of(at) >= STATE_GROUP_WRITES && each->ms + STATE_TTL_MS <= *at->now_ms;
}

/* Takes away what has expired; the others stay in their order. */
static void purge(cell *at)
{
    size_t kept = 0;

    for (size_t i = 0; i < at->count; i++) {
        if (is_expired(at, &at->items[i])) {
            cairn_buf_release(&at->items[i].name);
            cairn_buf_release(&at->items[i].bytes);
        } else {
            at->items[kept++] = at->items[i];
        }
    }
    at->count = kept;
}

/* Before any operation: what has expired is not there, or is shown until a read. */
static void begin_access(cell *at)
{
    if (group_of(at) != STATE_GROUP_SHOWS) {
        purge(at);
    }
}

/* A user has read an item. */
static void note_read(cell *at, item *found)
{
    if (found != NULL && group_of(at) == STATE_GROUP_READS) {
        found->ms = *at->now_ms;
    }
}

/* A user has read all items. */
static void note_read_all(cell *at)
{
    for (size_t i = 0; i < at->count; i++) {
        note_read(at, &at->items[i]);
    }
    purge(at);
}

/* --- operations on a cell --------------------------------------------------------------------- */

static const cairn_slice nothing = {NULL, 0};

static cairn_state_kind kind_of(unsigned handle)
{
    return (cairn_state_kind)(handle % STATE_KINDS);
}

static item *find_item(cell *at, cairn_slice name)
{
    for (size_t i = 0; i < at->count; i++) {
        if (cairn_slice_equal(cairn_buf_slice(&at->items[i].name), name)) {
            return &at->items[i];
        }
    }
    return NULL;
}

static void put_item(cell *at, cairn_slice name, cairn_slice bytes)
{
    item *found = find_item(at, name);

    if (found == NULL) {
        (void)add_item(at, name, bytes);
    } else {
        set_bytes(&found->bytes, bytes);
        found->ms = *at->now_ms;
    }
}

static void drop_item(cell *at, cairn_slice name)
{
    item *found = find_item(at, name);

    if (found != NULL) {
        cairn_buf_release(&found->name);
        cairn_buf_release(&found->bytes);
        *found = at->items[--at->count];
    }
}

/* What was shown though it had expired. */
static void forget(cell *at, const item *found)
{
    if (found != NULL && found < at->items + at->count && is_expired(at, found)) {
        drop_item(at, cairn_buf_slice(&found->name));
    }
}

static void print_items(const cell *at, const char *between, cairn_buf *out)
{
    state_lines lines = {0};

    for (size_t i = 0; i < at->count; i++) {
        state_lines_add(&lines, cairn_buf_slice(&at->items[i].name), between,
                        cairn_buf_slice(&at->items[i].bytes));
    }
    state_lines_finish(&lines, out);
}

static void print_list(const cell *at, cairn_buf *out)
{
    state_print(out, cairn_slice_of(at->count == 0 ? "-" : ""));
    for (size_t i = 0; i < at->count; i++) {
        state_print(out, cairn_slice_of(i == 0 ? "" : ","));
        state_print(out, cairn_buf_slice(&at->items[i].bytes));
    }
}

static void run_get(cell *at, const state_op *op, cairn_buf *out)
{
    const cairn_state_kind kind = kind_of(op->handle);
    item *found = kind == CAIRN_STATE_MAP ? find_item(at, op->word[0]) : at->items;

    found = at->count == 0 ? NULL : found;
    note_read(at, found);
    if (kind == CAIRN_STATE_LIST) {
        print_list(at, out);
        note_read_all(at);
    } else if (found == NULL) {
        state_print(out, cairn_slice_of("-"));
    } else if (kind == CAIRN_STATE_AGGREGATING) {
        CAIRN_AUTO(cairn_buf) result = {0};
        CAIRN_ASSERT(state_aggregate.get_result(NULL, cairn_buf_slice(&found->bytes), &result,
                                                NULL) == CAIRN_OK);
        state_print(out, cairn_buf_slice(&result));
    } else {
        state_print(out, cairn_buf_slice(&found->bytes));
    }
    forget(at, found);
}

static cairn_code add_reducing(cell *at, cairn_slice element)
{
    CAIRN_AUTO(cairn_buf) sum = {0};

    if (at->count == 0) {
        (void)add_item(at, nothing, element);
        return CAIRN_OK;
    }
    CAIRN_TRY(state_reduce.reduce(NULL, cairn_buf_slice(&at->items[0].bytes), element, &sum, NULL));
    put_item(at, nothing, cairn_buf_slice(&sum));
    return CAIRN_OK;
}

static cairn_code add_aggregating(cell *at, cairn_slice element)
{
    CAIRN_AUTO(cairn_buf) before = {0};
    CAIRN_AUTO(cairn_buf) after = {0};

    if (at->count == 0) {
        CAIRN_TRY(state_aggregate.create(NULL, &before, NULL));
    } else {
        set_bytes(&before, cairn_buf_slice(&at->items[0].bytes));
    }
    CAIRN_TRY(state_aggregate.add(NULL, cairn_buf_slice(&before), element, &after, NULL));
    put_item(at, nothing, cairn_buf_slice(&after));
    return CAIRN_OK;
}

static cairn_code run_add(cell *at, const state_op *op)
{
    switch ((int)kind_of(op->handle)) {
    case CAIRN_STATE_REDUCING:
        return add_reducing(at, op->word[0]);
    case CAIRN_STATE_AGGREGATING:
        return add_aggregating(at, op->word[0]);
    default:
        for (size_t i = 0; i < op->words; i++) {
            (void)add_item(at, nothing, op->word[i]);
        }
        return CAIRN_OK;
    }
}

/* --- merge ------------------------------------------------------------------------------------ */

/* Adds what stands in `from` to `sum`. */
static cairn_code merge_cell(cell *sum, const cell *from)
{
    const cairn_state_kind kind = kind_of(sum->handle);
    CAIRN_AUTO(cairn_buf) both = {0};

    for (size_t i = 0; i < from->count; i++) {
        cairn_slice bytes = cairn_buf_slice(&from->items[i].bytes);

        if (kind == CAIRN_STATE_LIST || sum->count == 0) {
            add_item(sum, nothing, bytes)->ms = kind == CAIRN_STATE_LIST ? from->items[i].ms
                                                                         : *sum->now_ms;
            continue;
        }
        cairn_slice before = cairn_buf_slice(&sum->items[0].bytes);
        CAIRN_TRY(kind == CAIRN_STATE_REDUCING
                      ? state_reduce.reduce(NULL, before, bytes, &both, NULL)
                      : state_aggregate.merge(NULL, before, bytes, &both, NULL));
        set_bytes(&sum->items[0].bytes, cairn_buf_slice(&both));
    }
    return CAIRN_OK;
}

static bool is_repeated(const state_op *op, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (cairn_slice_equal(op->word[i], op->word[index])) {
            return true;
        }
    }
    return false;
}

/* The first word is the target; any word that is repeated counts once. */
static cairn_code run_merge(state_model *model, const state_op *op)
{
    cell sum = {.handle = op->handle, .now_ms = &model->now_ms};
    cairn_code code = CAIRN_OK;
    bool any = false;
    cell *at[STATE_WORDS_MAX] = {NULL};

    for (size_t i = 0; i < op->words; i++) {
        at[i] = cell_of(&model->now, op->handle, cairn_buf_slice(&model->key), op->word[i]);
        begin_access(at[i]);
    }
    for (size_t i = 0; i < op->words && code == CAIRN_OK; i++) {
        if (!is_repeated(op, i)) {
            any = any || (i > 0 && at[i]->count > 0);
            code = merge_cell(&sum, at[i]);
        }
    }
    for (size_t i = 0; any && code == CAIRN_OK && i < op->words; i++) {
        clear_cell(at[i]);
    }
    if (any && code == CAIRN_OK) {
        at[0]->items = sum.items;
        at[0]->count = sum.count;
    } else {
        clear_cell(&sum);
    }
    return code;
}

/* --- keys ------------------------------------------------------------------------------------- */

static void grow(state_model *model, const state_op *op, const cell *from)
{
    CAIRN_AUTO(cairn_buf) key = {0};
    const cairn_slice entry = cairn_slice_of("x");

    set_bytes(&key, cairn_buf_slice(&from->key));
    state_print(&key, entry);
    cell *at = cell_of(&model->now, op->handle, cairn_buf_slice(&key), nothing);
    begin_access(at);
    if (kind_of(op->handle) == CAIRN_STATE_MAP) {
        put_item(at, entry, entry);
    } else if (kind_of(op->handle) == CAIRN_STATE_VALUE) {
        put_item(at, nothing, entry);
    } else {
        const state_op add = {VERB_ADD, op->handle, 1, {entry}};
        CAIRN_ASSERT(run_add(at, &add) == CAIRN_OK);
    }
}

/* The cells of a state that hold something; `*out_count` of them, to be freed. */
static cell **held_cells(state_model *model, const state_op *op, size_t *out_count)
{
    cell **held = NULL;

    *out_count = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (cell *at = model->now.buckets[i]; at != NULL; at = at->next) {
            begin_access(at);
            if (at->handle != op->handle || at->count == 0 ||
                (op->words > 0 &&
                 !cairn_slice_equal(cairn_buf_slice(&at->name_space), op->word[0]))) {
                continue;
            }
            held = mem_realloc_array(held, *out_count + 1, sizeof(cell *));
            CAIRN_ASSERT(held != NULL);
            held[(*out_count)++] = at;
        }
    }
    return held;
}

static void run_keys(state_model *model, const state_op *op, cairn_buf *out)
{
    state_lines lines = {0};
    size_t count = 0;
    cell **held = held_cells(model, op, &count);

    for (size_t i = 0; i < count; i++) {
        state_lines_add(&lines, cairn_buf_slice(&held[i]->key), "/",
                        cairn_buf_slice(&held[i]->name_space));
        if (op->verb == VERB_WIPE) {
            clear_cell(held[i]);
        } else if (op->verb == VERB_GROW) {
            grow(model, op, held[i]);
        }
    }
    mem_free(held);
    state_lines_finish(&lines, out);
    model->has_key = false;
}

/* --- all operations --------------------------------------------------------------------------- */

static void print_bool(bool yes, cairn_buf *out)
{
    state_print(out, cairn_slice_of(yes ? "yes" : "no"));
}

static void run_contains(cell *at, const state_op *op, cairn_buf *out)
{
    item *found = find_item(at, op->word[0]);

    note_read(at, found);
    print_bool(found != NULL, out);
    forget(at, found);
}

static void run_entries(state_model *model, cell *at, const state_op *op, cairn_buf *out)
{
    print_items(at, "=", out);
    note_read_all(at);
    if (op->verb == VERB_DROP) {
        drop_item(at, op->word[0]);
    } else if (op->verb == VERB_SET && find_item(at, op->word[0]) != NULL) {
        put_item(at, op->word[0], op->word[1]);
    } else if (op->verb == VERB_DROP_ALL) {
        clear_cell(at);
    } else if (op->verb == VERB_ELSEWHERE) {
        for (size_t i = 0; i < at->count; i++) {
            put_item(at, cairn_buf_slice(&at->items[i].name), op->word[1]);
        }
        set_bytes(&model->key, op->word[0]);
        set_bytes(&model->name_space, nothing);
    }
}

static cairn_code run_write(state_model *model, cell *at, const state_op *op)
{
    const bool is_list = kind_of(op->handle) == CAIRN_STATE_LIST;

    switch ((int)op->verb) {
    case VERB_UPDATE:
        clear_cell(at);
        if (is_list) {
            return run_add(at, op);
        }
        put_item(at, nothing, op->word[0]);
        return CAIRN_OK;
    case VERB_CLEAR:
        clear_cell(at);
        return CAIRN_OK;
    case VERB_PUT:
        put_item(at, op->word[0], op->word[1]);
        return CAIRN_OK;
    case VERB_REMOVE:
        drop_item(at, op->word[0]);
        return CAIRN_OK;
    case VERB_MERGE:
        return run_merge(model, op);
    default:
        return run_add(at, op);
    }
}

static void run_at_key(state_model *model, const state_op *op, cairn_buf *out)
{
    cell *at = cell_of(&model->now, op->handle, cairn_buf_slice(&model->key),
                       cairn_buf_slice(&model->name_space));

    begin_access(at);
    switch ((int)op->verb) {
    case VERB_GET:
        run_get(at, op, out);
        break;
    case VERB_CONTAINS:
        run_contains(at, op, out);
        break;
    case VERB_IS_EMPTY:
        print_bool(at->count == 0, out);
        break;
    case VERB_ENTRIES:
    case VERB_DROP:
    case VERB_SET:
    case VERB_DROP_ALL:
    case VERB_ELSEWHERE:
        run_entries(model, at, op, out);
        break;
    default:
        state_print_code(run_write(model, at, op), out);
        break;
    }
}

static void restore(state_model *model)
{
    if (model->has_saved) {
        copy_cells(&model->saved, &model->now);
    }
    model->has_saved = false;
    model->has_key = false;
}

static cairn_code run_whole(state_model *model, const state_op *op)
{
    switch ((int)op->verb) {
    case VERB_KEY:
        model->has_key = true;
        set_bytes(&model->key, op->word[0]);
        set_bytes(&model->name_space, nothing);
        return CAIRN_OK;
    case VERB_NAMESPACE:
        if (!model->has_key) {
            return CAIRN_E_STATE;
        }
        set_bytes(&model->name_space, op->word[0]);
        return CAIRN_OK;
    case VERB_SNAPSHOT:
        copy_cells(&model->now, &model->saved);
        model->has_saved = true;
        return CAIRN_OK;
    case VERB_ADVANCE:
        model->now_ms += state_op_ms(op);
        return CAIRN_OK;
    default:
        restore(model);
        return CAIRN_OK;
    }
}

static void run(void *self, const state_op *op, cairn_buf *out)
{
    state_model *model = self;

    if (!state_verb_has_handle(op->verb)) {
        state_print_code(run_whole(model, op), out);
    } else if (op->verb >= VERB_KEYS) {
        run_keys(model, op, out);
    } else if (!model->has_key) {
        state_print_code(CAIRN_E_STATE, out);
    } else {
        run_at_key(model, op, out);
    }
}

state_model *state_model_new(void)
{
    state_model *model = mem_calloc(1, sizeof(*model));

    CAIRN_ASSERT(model != NULL);
    model->now_ms = STATE_FIRST_MS;
    model->now.now_ms = &model->now_ms;
    model->saved.now_ms = &model->now_ms;
    return model;
}

void state_model_free(state_model *model)
{
    clear_cells(&model->now);
    clear_cells(&model->saved);
    cairn_buf_release(&model->key);
    cairn_buf_release(&model->name_space);
    mem_free(model);
}

state_subject state_model_subject(state_model *model)
{
    return (state_subject){run, model};
}
