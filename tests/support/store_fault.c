#include "test.h"

#include "store_fault.h"

#include <cairn/store_driver.h>

#include "buf.h"
#include "clock.h"
#include "errors.h"
#include "fsutil.h"
#include "store_front.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

typedef struct rule {
    store_fault_rule want;
    char *key; /* own copy of the pattern, or NULL */
    uint64_t matches;
} rule;

struct store_fault {
    cairn_store *inner;
    cairn_store *store;
    char breach[CAIRN_ERROR_MESSAGE_BYTES];
    pthread_mutex_t lock;
    struct {
        rule rules[STORE_FAULT_RULES_MAX];
        size_t rule_count;
        uint64_t hits;
        store_fault_record *records;
        size_t record_count;
        size_t record_capacity;
    } synced;
};

/* One call on its way: what it is, the rule that acts on it, and what goes into the journal. */
typedef struct passage {
    store_fault *fault;
    store_fault_rule rule; /* a copy */
    bool acts;
    store_fault_record record;
    uint32_t halt_ms; /* of a put: see cairn_put_body */
} passage;

static bool matches(const rule *r, store_fault_op op, const char *key)
{
    const unsigned ops = r->want.ops != 0 ? r->want.ops : STORE_FAULT_ALL;

    return (ops & op) != 0 && (r->key == NULL || fnmatch(r->key, key, 0) == 0);
}

static bool is_due(const rule *r)
{
    const uint64_t nth = r->want.nth != 0 ? r->want.nth : 1;

    return r->matches == nth || (r->want.always && r->matches > nth);
}

static void choose_rule_locked(passage *p, const char *key)
{
    store_fault *fault = p->fault;

    for (size_t i = 0; i < fault->synced.rule_count; i++) {
        rule *r = &fault->synced.rules[i];
        if (!matches(r, p->record.op, key)) {
            continue;
        }
        r->matches++;
        if (!p->acts && is_due(r)) {
            p->acts = true;
            p->rule = r->want;
            fault->synced.hits++;
        }
    }
}

static bool acts(const passage *p, store_fault_action action, bool after)
{
    return p->acts && p->rule.action == action && p->rule.after == after;
}

static cairn_code fail_call(const passage *p, cairn_error *err)
{
    const cairn_code code = p->rule.code != CAIRN_OK ? p->rule.code : CAIRN_E_UNAVAILABLE;

    return error_set(err, code, "a planted fault");
}

static cairn_code act(const passage *p, bool after, cairn_error *err)
{
    if (acts(p, STORE_FAULT_DELAY, after)) {
        clock_sleep_ms(p->rule.amount);
    }
    if (acts(p, STORE_FAULT_HOOK, after)) {
        p->rule.hook(p->rule.context, p->record.key);
    }
    return acts(p, STORE_FAULT_FAIL, after) ? fail_call(p, err) : CAIRN_OK;
}

static cairn_code enter(passage *p, const char *key, cairn_error *err)
{
    p->record.key = mem_strdup(key);
    CAIRN_ASSERT(p->record.key != NULL);
    (void)pthread_mutex_lock(&p->fault->lock);
    choose_rule_locked(p, key);
    (void)pthread_mutex_unlock(&p->fault->lock);
    return act(p, false, err);
}

static void write_down_locked(store_fault *fault, const store_fault_record *record)
{
    if (fault->synced.record_count == fault->synced.record_capacity) {
        fault->synced.record_capacity = fault->synced.record_capacity * 2 + 64;
        fault->synced.records = mem_realloc_array(
            fault->synced.records, fault->synced.record_capacity, sizeof(fault->synced.records[0]));
        CAIRN_ASSERT(fault->synced.records != NULL);
    }
    fault->synced.records[fault->synced.record_count++] = *record;
}

/* Ends a call whose effect (or failure before it) gave `code`; the record takes the key. */
static cairn_code leave(passage *p, cairn_code code, cairn_error *err)
{
    p->record.code = code;
    if (p->record.took_effect && code == CAIRN_OK) {
        p->record.code = act(p, true, err);
        if (p->acts && p->rule.action == STORE_FAULT_LOSE_REPLY) {
            p->record.code = error_set(err, CAIRN_E_UNAVAILABLE, "the reply was lost");
        }
    }
    (void)pthread_mutex_lock(&p->fault->lock);
    write_down_locked(p->fault, &p->record);
    (void)pthread_mutex_unlock(&p->fault->lock);
    return p->record.code;
}

static cairn_code effect(passage *p, cairn_code code)
{
    p->record.took_effect = code == CAIRN_OK;
    return code;
}

static bool cuts(const passage *p, uint64_t len)
{
    return p->acts && p->rule.action == STORE_FAULT_CUT && p->rule.amount < len;
}

static cairn_code too_short(cairn_error *err)
{
    return error_set(err, CAIRN_E_INTEGRITY, "it ends too early by a planted fault");
}

static void flip(const passage *p, uint8_t *bytes, size_t len)
{
    if (p->acts && p->rule.action == STORE_FAULT_FLIP && len > 0) {
        const uint64_t bit = p->rule.amount % (len * 8);
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
}

/* The body of a put in memory, so that it can be digested and damaged. */
static cairn_code load_body(const cairn_put_body *body, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) file = -1;
    size_t got = 0;

    if (body->data != NULL) {
        return buf_append(out, body->data->data, body->data->len, err);
    }
    CAIRN_TRY(fs_open_read(body->range->path, &file, err));
    CAIRN_TRY(buf_reserve(out, body->range->length, err));
    CAIRN_TRY(fs_read_at(file,
                         &(cairn_memory_range){body->range->offset, out->data, body->range->length},
                         &got, body->range->path, err));
    out->len = got;
    return got == body->range->length ? CAIRN_OK : too_short(err);
}

static cairn_code put_through(passage *p, const cairn_call *call, const char *key, cairn_buf *body,
                              cairn_put_mode mode, cairn_error *err)
{
    p->record.size = body->len;
    CAIRN_TRY(sha256_of(cairn_buf_slice(body), &p->record.digest, err));
    CAIRN_TRY(enter(p, key, err));
    flip(p, body->data, body->len);
    const cairn_slice data = cairn_buf_slice(body);
    return effect(p, p->halt_ms > 0
                         ? store_put_halting(p->fault->inner, call, key, data, p->halt_ms, err)
                         : cairn_store_put(p->fault->inner, call, key, data, mode, err));
}

static cairn_code fault_put(void *self, const cairn_call *call, const char *key,
                            const cairn_put_body *body, cairn_put_mode mode, cairn_error *err)
{
    passage p = {.fault = self, .record = {.op = STORE_FAULT_PUT}, .halt_ms = body->halt_ms};
    CAIRN_AUTO(cairn_buf) bytes = {.limit = (size_t)1 << 30};

    CAIRN_TRY(load_body(body, &bytes, err));
    return leave(&p, put_through(&p, call, key, &bytes, mode, err), err);
}

static cairn_code get_through(passage *p, const cairn_call *call, const char *key, size_t limit,
                              cairn_buf *out, cairn_error *err)
{
    CAIRN_TRY(enter(p, key, err));
    CAIRN_TRY(effect(p, cairn_store_get(p->fault->inner, call, key, limit, out, err)));
    flip(p, out->data, out->len);
    if (cuts(p, out->len)) {
        out->len = p->rule.amount;
    }
    return CAIRN_OK;
}

static cairn_code fault_get(void *self, const cairn_call *call, const char *key, size_t limit,
                            cairn_buf *out, cairn_error *err)
{
    passage p = {.fault = self, .record = {.op = STORE_FAULT_GET}};

    return leave(&p, get_through(&p, call, key, limit, out, err), err);
}

static cairn_code get_range_through(passage *p, const cairn_call *call, const char *key,
                                    const cairn_memory_range *range, cairn_error *err)
{
    CAIRN_TRY(enter(p, key, err));
    CAIRN_TRY(effect(p, cairn_store_get_range(p->fault->inner, call, key, range, err)));
    flip(p, range->data, range->length);
    return cuts(p, range->length) ? too_short(err) : CAIRN_OK;
}

static cairn_code fault_get_range(void *self, const cairn_call *call, const char *key,
                                  const cairn_memory_range *range, cairn_error *err)
{
    passage p = {.fault = self, .record = {.op = STORE_FAULT_GET_RANGE}};

    return leave(&p, get_range_through(&p, call, key, range, err), err);
}

static cairn_code flip_in_file(const passage *p, const cairn_file_range *to, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) file = open(to->path, O_RDWR | O_CLOEXEC);
    const off_t at = to->length > 0 ? (off_t)(p->rule.amount % (to->length * 8) / 8) : 0;
    uint8_t byte = 0;

    if (to->length == 0) {
        return CAIRN_OK;
    }
    if (pread(file, &byte, 1, at) != 1) {
        return error_errno(err, errno, "read %s", to->path);
    }
    byte ^= (uint8_t)(1U << (p->rule.amount % 8));
    return pwrite(file, &byte, 1, at) == 1 ? CAIRN_OK
                                           : error_errno(err, errno, "write %s", to->path);
}

static cairn_code get_file_through(passage *p, const cairn_call *call, const char *key,
                                   const cairn_file_range *to, cairn_error *err)
{
    CAIRN_TRY(enter(p, key, err));
    CAIRN_TRY(effect(p, cairn_store_get_file(p->fault->inner, call, key, to, err)));
    if (cuts(p, to->length)) {
        (void)unlink(to->path);
        return too_short(err);
    }
    return acts(p, STORE_FAULT_FLIP, false) ? flip_in_file(p, to, err) : CAIRN_OK;
}

static cairn_code fault_get_file(void *self, const cairn_call *call, const char *key,
                                 const cairn_file_range *to, cairn_error *err)
{
    passage p = {.fault = self, .record = {.op = STORE_FAULT_GET_FILE}};
    const cairn_code code = leave(&p, get_file_through(&p, call, key, to, err), err);

    if (code != CAIRN_OK && p.record.took_effect) {
        (void)unlink(to->path); /* as the contract has it, also when the reply is lost */
    }
    return code;
}

static cairn_code stat_through(passage *p, const cairn_call *call, const char *key,
                               cairn_object_info *out, cairn_error *err)
{
    CAIRN_TRY(enter(p, key, err));
    return effect(p, cairn_store_stat(p->fault->inner, call, key, out, err));
}

static cairn_code fault_stat(void *self, const cairn_call *call, const char *key,
                             cairn_object_info *out, cairn_error *err)
{
    passage p = {.fault = self, .record = {.op = STORE_FAULT_STAT}};
    cairn_object_info info = {0};
    const cairn_code code = leave(&p, stat_through(&p, call, key, &info, err), err);

    if (code == CAIRN_OK) {
        *out = info;
    }
    return code;
}

static cairn_code remove_through(passage *p, const cairn_call *call, const char *key,
                                 cairn_error *err)
{
    CAIRN_TRY(enter(p, key, err));
    return effect(p, cairn_store_delete(p->fault->inner, call, key, err));
}

static cairn_code fault_remove(void *self, const cairn_call *call, const char *key,
                               cairn_error *err)
{
    passage p = {.fault = self, .record = {.op = STORE_FAULT_DELETE}};

    return leave(&p, remove_through(&p, call, key, err), err);
}

static cairn_code fault_remove_many(void *self, const cairn_call *call, const char *const *keys,
                                    size_t count, const cairn_delete_watch *watch, cairn_error *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++) {
        cairn_error why = {0};
        why.code = fault_remove(self, call, keys[i], &why);
        if (why.code != CAIRN_OK) {
            watch->kept(watch->context, i, &why);
        }
    }
    return CAIRN_OK;
}

static cairn_code copy_through(passage *p, const cairn_call *call, const char *from_key,
                               const char *to_key, cairn_put_mode mode, cairn_error *err)
{
    CAIRN_TRY(enter(p, to_key, err));
    return effect(p, cairn_store_copy(p->fault->inner, call, from_key, to_key, mode, err));
}

static cairn_code fault_copy(void *self, const cairn_call *call, const char *from_key,
                             const char *to_key, cairn_put_mode mode, cairn_error *err)
{
    passage p = {.fault = self, .record = {.op = STORE_FAULT_COPY}};

    return leave(&p, copy_through(&p, call, from_key, to_key, mode, err), err);
}

static cairn_code list_through(passage *p, const cairn_call *call, const cairn_list_page *page,
                               cairn_store_visit visit, void *context, cairn_error *err)
{
    const cairn_store *inner = p->fault->inner;

    CAIRN_TRY(enter(p, page->prefix, err));
    return effect(p, inner->driver.list_page(inner->self, call, page, visit, context, err));
}

static cairn_code fault_list_page(void *self, const cairn_call *call, const cairn_list_page *page,
                                  cairn_store_visit visit, void *context, cairn_error *err)
{
    passage p = {.fault = self, .record = {.op = STORE_FAULT_LIST}};
    char *next CAIRN_AUTO_FREE = NULL;
    const cairn_list_page inner = {page->prefix, page->token, &next};
    const cairn_code code = leave(&p, list_through(&p, call, &inner, visit, context, err), err);

    if (code == CAIRN_OK) {
        *page->out_next_token = CAIRN_TAKE(next);
    }
    return code;
}

static void fault_driver_free(void *self)
{
    (void)self; /* store_fault_free does it */
}

static const cairn_store_driver driver = {
    .version = CAIRN_STORE_DRIVER_VERSION,
    .put = fault_put,
    .get = fault_get,
    .get_range = fault_get_range,
    .get_file = fault_get_file,
    .stat = fault_stat,
    .remove = fault_remove,
    .list_page = fault_list_page,
    .free = fault_driver_free,
    .remove_many = fault_remove_many,
    .copy = fault_copy,
};

cairn_code store_fault_new(cairn_store *inner, store_fault **out, cairn_error *err)
{
    store_fault *fault = mem_calloc(1, sizeof(*fault));

    if (fault == NULL) {
        return error_no_memory(err, "a store");
    }
    fault->inner = inner;
    (void)pthread_mutex_init(&fault->lock, NULL);
    const cairn_store_driver own = store_driver_like(&driver, inner);
    const cairn_code code =
        cairn_store_new(&own, fault, cairn_store_uri(inner), &fault->store, err);
    if (code != CAIRN_OK) {
        store_fault_free(fault);
        return code;
    }
    *out = fault;
    return CAIRN_OK;
}

static void drop_rules_locked(store_fault *fault)
{
    for (size_t i = 0; i < fault->synced.rule_count; i++) {
        mem_free(fault->synced.rules[i].key);
    }
    fault->synced.rule_count = 0;
}

void store_fault_free(store_fault *fault)
{
    if (fault == NULL) {
        return;
    }
    cairn_store_free(fault->store);
    drop_rules_locked(fault);
    for (size_t i = 0; i < fault->synced.record_count; i++) {
        mem_free(fault->synced.records[i].key);
    }
    mem_free(fault->synced.records);
    (void)pthread_mutex_destroy(&fault->lock);
    mem_free(fault);
}

cairn_store *store_fault_store(store_fault *fault)
{
    return fault->store;
}

void store_fault_add(store_fault *fault, const store_fault_rule *want)
{
    rule r = {.want = *want, .key = want->key != NULL ? mem_strdup(want->key) : NULL};

    CAIRN_ASSERT((r.key != NULL) == (want->key != NULL));
    CAIRN_ASSERT(want->action != STORE_FAULT_HOOK || want->hook != NULL);
    (void)pthread_mutex_lock(&fault->lock);
    CAIRN_ASSERT(fault->synced.rule_count < STORE_FAULT_RULES_MAX);
    fault->synced.rules[fault->synced.rule_count++] = r;
    (void)pthread_mutex_unlock(&fault->lock);
}

void store_fault_clear(store_fault *fault)
{
    (void)pthread_mutex_lock(&fault->lock);
    drop_rules_locked(fault);
    (void)pthread_mutex_unlock(&fault->lock);
}

uint64_t store_fault_hits(store_fault *fault)
{
    (void)pthread_mutex_lock(&fault->lock);
    const uint64_t hits = fault->synced.hits;
    (void)pthread_mutex_unlock(&fault->lock);
    return hits;
}

uint64_t store_fault_calls(store_fault *fault, unsigned ops)
{
    uint64_t calls = 0;

    (void)pthread_mutex_lock(&fault->lock);
    for (size_t i = 0; i < fault->synced.record_count; i++) {
        calls += (fault->synced.records[i].op & ops) != 0 ? 1 : 0;
    }
    (void)pthread_mutex_unlock(&fault->lock);
    return calls;
}

size_t store_fault_journal(const store_fault *fault, const store_fault_record **out)
{
    *out = fault->synced.records;
    return fault->synced.record_count;
}

/* Did this put make the bodies of its key differ from those of an earlier one? */
static bool changes_body(const store_fault_record *records, size_t index)
{
    const store_fault_record *now = &records[index];

    for (size_t i = 0; i < index; i++) {
        if (records[i].op == STORE_FAULT_PUT && records[i].took_effect &&
            strcmp(records[i].key, now->key) == 0 &&
            !sha256_equal(&records[i].digest, &now->digest)) {
            return true;
        }
    }
    return false;
}

static const char *breach(store_fault *fault, size_t index, const char *what)
{
    (void)snprintf(fault->breach, sizeof(fault->breach), "record %zu: key %.300s %s", index,
                   fault->synced.records[index].key, what);
    return fault->breach;
}

const char *store_fault_find_breach(store_fault *fault, store_fault_may_delete may_delete,
                                    void *context)
{
    const store_fault_record *records = fault->synced.records;

    for (size_t i = 0; i < fault->synced.record_count; i++) {
        if (!records[i].took_effect) {
            continue;
        }
        if (records[i].op == STORE_FAULT_PUT && changes_body(records, i)) {
            return breach(fault, i, "got a second, different body");
        }
        if (records[i].op == STORE_FAULT_DELETE &&
            (may_delete == NULL || !may_delete(context, records, i))) {
            return breach(fault, i, "was deleted");
        }
    }
    return NULL;
}

void store_fault_check_journal(store_fault *fault, store_fault_may_delete may_delete, void *context)
{
    const char *found = store_fault_find_breach(fault, may_delete, context);

    if (found != NULL) {
        fail_msg("the journal is broken: %s", found);
    }
}
