#include "timer_queue.h"

#include "bounds.h"
#include "errors.h"

#include <string.h>

#define TIME_BYTES sizeof(uint64_t)
#define SIGN_BIT   (UINT64_C(1) << 63)
#define HEAD_FIRST 4 /* places of a head at first */

/* A key of the table; owned. */
typedef struct timer_key {
    uint8_t *data;
    size_t len;
} timer_key;

/* Nearest last, so that taking it moves nothing. */
typedef struct group_head {
    timer_key *items;
    size_t count;
    size_t capacity;
    bool whole; /* the table has no timer of the group that is not here */
} group_head;

struct timer_queue {
    state_table *table;
    uint32_t max_parallelism;
    cairn_key_group_range range;
    size_t head_max;
    bool ordered;
    size_t group_bytes; /* of a key group in keys */
    uint32_t groups;
    group_head *heads;   /* of each group */
    uint32_t *nearest;   /* a binary heap of groups by their heads */
    uint32_t *positions; /* of each group in `nearest` */
    cairn_buf key;       /* of the call that runs */
};

/* --- keys ------------------------------------------------------------------------------------- */

static void put_time(uint8_t out[TIME_BYTES], int64_t time_ms)
{
    const uint64_t bits = (uint64_t)time_ms ^ SIGN_BIT;

    for (size_t i = 0; i < TIME_BYTES; i++) {
        out[i] = (uint8_t)(bits >> (8 * (TIME_BYTES - 1 - i)));
    }
}

static int64_t get_time(const uint8_t *bytes)
{
    uint64_t bits = 0;
    int64_t time_ms;

    for (size_t i = 0; i < TIME_BYTES; i++) {
        bits = bits << 8 | bytes[i];
    }
    bits ^= SIGN_BIT;
    memcpy(&time_ms, &bits, sizeof(time_ms));
    return time_ms;
}

static cairn_code encode(timer_queue *queue, const state_place *place, int64_t time_ms,
                         cairn_error *err)
{
    const uint8_t *const bytes = place->bytes.data;
    uint8_t time[TIME_BYTES];

    put_time(time, time_ms);
    buf_clear(&queue->key);
    CAIRN_TRY(buf_append(&queue->key, bytes, queue->group_bytes, err));
    CAIRN_TRY(buf_append(&queue->key, time, sizeof(time), err));
    return buf_append(&queue->key, bytes + queue->group_bytes,
                      place->bytes.len - queue->group_bytes, err);
}

cairn_code timer_key_decode(cairn_slice encoded, uint32_t max_parallelism, int64_t *out_time_ms,
                            state_key_parts *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) plain = {0};
    const size_t group_bytes = state_key_group_bytes(max_parallelism);
    const uint8_t *const bytes = encoded.data;

    if (encoded.len < group_bytes + TIME_BYTES) {
        return error_set(err, CAIRN_E_INTEGRITY, "a timer's key of %zu bytes", encoded.len);
    }
    CAIRN_TRY(buf_append(&plain, bytes, group_bytes, err));
    CAIRN_TRY(buf_append(&plain, bytes + group_bytes + TIME_BYTES,
                         encoded.len - group_bytes - TIME_BYTES, err));
    CAIRN_TRY(state_key_decode(cairn_buf_slice(&plain), max_parallelism, out, err));
    out->user_key = (cairn_slice){NULL, 0}; /* it would be borrowed from `plain` */
    *out_time_ms = get_time(bytes + group_bytes);
    return CAIRN_OK;
}

static int compare(cairn_slice a, cairn_slice b)
{
    const int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static cairn_slice slice_of(const timer_key *key)
{
    return (cairn_slice){key->data, key->len};
}

/* --- the head of a group ---------------------------------------------------------------------- */

static cairn_slice head_first(const group_head *head)
{
    return slice_of(&head->items[head->count - 1]);
}

/* Where `key` stands, or belongs. */
static size_t head_find(const group_head *head, cairn_slice key, bool *out_found)
{
    size_t low = 0;
    size_t high = head->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (compare(slice_of(&head->items[middle]), key) > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_found = low < head->count && compare(slice_of(&head->items[low]), key) == 0;
    return low;
}

static void head_erase(group_head *head, size_t index)
{
    mem_free(head->items[index].data);
    head->count--;
    memmove(head->items + index, head->items + index + 1,
            (head->count - index) * sizeof(*head->items));
}

static void head_clear(group_head *head)
{
    while (head->count > 0) {
        head_erase(head, head->count - 1);
    }
    mem_free(head->items);
    *head = (group_head){0};
}

static cairn_code head_reserve(group_head *head, cairn_error *err)
{
    const size_t capacity = head->capacity == 0 ? HEAD_FIRST : 2 * head->capacity;

    if (head->count < head->capacity) {
        return CAIRN_OK;
    }
    timer_key *const items = mem_realloc_array(head->items, capacity, sizeof(*items));
    if (items == NULL) {
        return error_no_memory(err, "timers");
    }
    head->items = items;
    head->capacity = capacity;
    return CAIRN_OK;
}

/* The one that is furthest goes when there are too many. */
static cairn_code head_insert(group_head *head, size_t max, cairn_slice key, cairn_error *err)
{
    bool found = false;
    const size_t place = head_find(head, key, &found);

    if (found) {
        return CAIRN_OK;
    }
    if (place == 0 && head->count == max) {
        head->whole = false;
        return CAIRN_OK;
    }
    CAIRN_TRY(head_reserve(head, err));
    uint8_t *const copy = mem_alloc(key.len);
    if (copy == NULL) {
        return error_no_memory(err, "timers");
    }
    memcpy(copy, key.data, key.len);
    memmove(head->items + place + 1, head->items + place,
            (head->count - place) * sizeof(*head->items));
    head->items[place] = (timer_key){copy, key.len};
    head->count++;
    if (head->count > max) {
        head->whole = false;
        head_erase(head, 0);
    }
    return CAIRN_OK;
}

/* --- the heap of groups ----------------------------------------------------------------------- */

/* A group that was not looked at comes first: it may hold anything. */
static bool is_unknown(const group_head *head)
{
    return head->count == 0 && !head->whole;
}

static bool is_before(const timer_queue *queue, uint32_t a, uint32_t b)
{
    const group_head *const left = &queue->heads[a];
    const group_head *const right = &queue->heads[b];

    if (left->count == 0 || right->count == 0) {
        return is_unknown(left) ? !is_unknown(right) : left->count > 0 && !is_unknown(right);
    }
    /* The bytes behind the key group begin with the time. */
    return memcmp((const uint8_t *)head_first(left).data + queue->group_bytes,
                  (const uint8_t *)head_first(right).data + queue->group_bytes, TIME_BYTES) < 0;
}

static void place_group(timer_queue *queue, uint32_t position, uint32_t group)
{
    queue->nearest[position] = group;
    queue->positions[group] = position;
}

static void sift_up(timer_queue *queue, uint32_t group)
{
    uint32_t position = queue->positions[group];

    while (position > 0 && is_before(queue, group, queue->nearest[(position - 1) / 2])) {
        place_group(queue, position, queue->nearest[(position - 1) / 2]);
        position = (position - 1) / 2;
    }
    place_group(queue, position, group);
}

static void sift_down(timer_queue *queue, uint32_t group)
{
    uint32_t position = queue->positions[group];

    for (;;) {
        uint32_t child = 2 * position + 1;

        if (child + 1 < queue->groups &&
            is_before(queue, queue->nearest[child + 1], queue->nearest[child])) {
            child++;
        }
        if (child >= queue->groups || !is_before(queue, queue->nearest[child], group)) {
            break;
        }
        place_group(queue, position, queue->nearest[child]);
        position = child;
    }
    place_group(queue, position, group);
}

static void settle_group(timer_queue *queue, uint32_t group)
{
    sift_up(queue, group);
    sift_down(queue, group);
}

/* --- filling a head from the table ------------------------------------------------------------ */

static cairn_code read_group(timer_queue *queue, state_cursor *cursor, group_head *head,
                             cairn_error *err)
{
    cairn_slice key;
    cairn_slice value;

    head->whole = true;
    while (cursor->ops->next(cursor, &key, &value)) {
        if (queue->ordered && head->count == queue->head_max) {
            head->whole = false;
            return CAIRN_OK;
        }
        CAIRN_TRY(head_insert(head, queue->head_max, key, err));
    }
    return cursor->ops->status(cursor, err);
}

static cairn_code fill_head(timer_queue *queue, uint32_t group, cairn_error *err)
{
    CAIRN_AUTO_PTR(state_cursor_free) state_cursor *cursor = NULL;
    CAIRN_AUTO(cairn_buf) prefix = {0};
    group_head *const head = &queue->heads[group];
    const uint32_t key_group = queue->range.first + group;

    CAIRN_TRY(
        state_key_begin(&prefix, key_group, queue->max_parallelism, (cairn_slice){NULL, 0}, err));
    const state_place place = {{prefix.data, queue->group_bytes}, key_group, queue->group_bytes};
    CAIRN_TRY(queue->table->ops->walk(queue->table, &place, &cursor, err));
    const cairn_code code = read_group(queue, cursor, head, err);
    if (code != CAIRN_OK) {
        head_clear(head); /* unknown again */
    }
    settle_group(queue, group);
    return code;
}

/* Until the nearest group is one that was looked at: its head is the nearest of all. */
static cairn_code find_nearest(timer_queue *queue, group_head **out, cairn_error *err)
{
    while (is_unknown(&queue->heads[queue->nearest[0]])) {
        CAIRN_TRY(fill_head(queue, queue->nearest[0], err));
    }
    *out = &queue->heads[queue->nearest[0]];
    return CAIRN_OK;
}

/* --- calls ------------------------------------------------------------------------------------ */

cairn_code timer_queue_new(const timer_queue_options *options, timer_queue **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(timer_queue_free) timer_queue *queue = mem_calloc(1, sizeof(*queue));

    if (queue == NULL) {
        return error_no_memory(err, "timers");
    }
    queue->table = options->table;
    queue->max_parallelism = options->max_parallelism;
    queue->range = options->range;
    queue->ordered = options->ordered;
    queue->head_max = options->ordered ? CAIRN_TIMER_HEAD_MAX : CAIRN_TIMER_HEAD_UNORDERED_MAX;
    queue->group_bytes = state_key_group_bytes(options->max_parallelism);
    queue->groups = options->range.last - options->range.first + 1;
    queue->heads = mem_calloc(queue->groups, sizeof(*queue->heads));
    queue->nearest = mem_calloc(queue->groups, sizeof(*queue->nearest));
    queue->positions = mem_calloc(queue->groups, sizeof(*queue->positions));
    if (queue->heads == NULL || queue->nearest == NULL || queue->positions == NULL) {
        return error_no_memory(err, "timers");
    }
    for (uint32_t i = 0; i < queue->groups; i++) {
        place_group(queue, i, i);
    }
    *out = CAIRN_TAKE(queue);
    return CAIRN_OK;
}

void timer_queue_free(timer_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    for (uint32_t i = 0; queue->heads != NULL && i < queue->groups; i++) {
        head_clear(&queue->heads[i]);
    }
    mem_free(queue->heads);
    mem_free(queue->nearest);
    mem_free(queue->positions);
    cairn_buf_release(&queue->key);
    mem_free(queue);
}

static state_place place_of(const timer_queue *queue, cairn_slice key, uint32_t key_group)
{
    return (state_place){key, key_group, queue->group_bytes};
}

/* A timer beyond the head of a group that holds more is found when the head runs out. */
static bool belongs_to_head(const group_head *head, cairn_slice key)
{
    return head->whole || (head->count > 0 && compare(key, slice_of(&head->items[0])) < 0);
}

cairn_code timer_queue_add(timer_queue *queue, const state_place *place, int64_t time_ms,
                           cairn_error *err)
{
    const uint32_t group = place->key_group - queue->range.first;
    group_head *const head = &queue->heads[group];

    CAIRN_TRY(encode(queue, place, time_ms, err));
    const cairn_slice key = cairn_buf_slice(&queue->key);
    const state_place where = place_of(queue, key, place->key_group);
    CAIRN_TRY(queue->table->ops->put(queue->table, &where, (cairn_slice){NULL, 0}, err));
    if (belongs_to_head(head, key)) {
        if (head_insert(head, queue->head_max, key, NULL) != CAIRN_OK) {
            head_clear(head); /* it is in the table: that is read again */
        }
        settle_group(queue, group);
    }
    return CAIRN_OK;
}

cairn_code timer_queue_remove(timer_queue *queue, const state_place *place, int64_t time_ms,
                              cairn_error *err)
{
    const uint32_t group = place->key_group - queue->range.first;
    group_head *const head = &queue->heads[group];
    bool found = false;

    CAIRN_TRY(encode(queue, place, time_ms, err));
    const cairn_slice key = cairn_buf_slice(&queue->key);
    const state_place where = place_of(queue, key, place->key_group);
    CAIRN_TRY(queue->table->ops->remove(queue->table, &where, err));
    const size_t index = head_find(head, key, &found);
    if (found) {
        head_erase(head, index);
        settle_group(queue, group);
    }
    return CAIRN_OK;
}

static int64_t time_of(const timer_queue *queue, const group_head *head)
{
    return get_time((const uint8_t *)head_first(head).data + queue->group_bytes);
}

cairn_code timer_queue_next(timer_queue *queue, int64_t *out_time_ms, bool *out_found,
                            cairn_error *err)
{
    group_head *head = NULL;

    CAIRN_TRY(find_nearest(queue, &head, err));
    *out_found = head->count > 0;
    if (head->count > 0) {
        *out_time_ms = time_of(queue, head);
    }
    return CAIRN_OK;
}

cairn_code timer_queue_peek(timer_queue *queue, int64_t until_ms, int64_t *out_time_ms,
                            state_key_parts *out, bool *out_found, cairn_error *err)
{
    group_head *head = NULL;
    int64_t time_ms = 0;

    CAIRN_TRY(find_nearest(queue, &head, err));
    if (head->count == 0 || time_of(queue, head) > until_ms) {
        *out_found = false;
        return CAIRN_OK;
    }
    CAIRN_TRY(timer_key_decode(head_first(head), queue->max_parallelism, &time_ms, out, err));
    *out_time_ms = time_ms;
    *out_found = true;
    return CAIRN_OK;
}
