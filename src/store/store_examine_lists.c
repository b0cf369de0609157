/* Questions about many objects, and the end of them all. */
#include "buf.h"
#include "errors.h"
#include "store_examine.h"
#include "workpool.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nothing else is put then, as what stands there could not be found again to remove it. */
#define NO_LISTS "objects could not be listed"

/* --- one object ------------------------------------------------------------------------------- */

typedef struct sought {
    const char *key;
    unsigned times;
    uint64_t size;
} sought;

static cairn_code seek(void *context, const char *key, const cairn_object_info *info,
                       cairn_error *err)
{
    sought *s = context;

    (void)err;
    if (strcmp(key, s->key) == 0) {
        s->times++;
        s->size = info->size;
    }
    return CAIRN_OK;
}

cairn_code examine_list(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "object");
    const examine_key folder = examine_key_of(e, "");
    sought s = {.key = key.text};

    CAIRN_TRY(cairn_store_list(e->store, e->call, folder.text, seek, &s, err));
    e->may_list = true;
    if (!e->wrote) {
        return CAIRN_OK;
    }
    if (s.times != 1) {
        examine_answer_set(answer, CAIRN_VERDICT_BAD,
                           "an object was written, and is listed %u times", s.times);
    } else if (s.size != examine_body().len) {
        examine_answer_set(answer, CAIRN_VERDICT_BAD, "an object of %zu bytes is listed with %llu",
                           examine_body().len, (unsigned long long)s.size);
    }
    return CAIRN_OK;
}

/* --- more than a page ------------------------------------------------------------------------- */

#define PAGING_PREFIX "many/"

/* Jobs of the pool take the next number; each thread has one job. */
typedef struct crowd {
    const examination *e;
    atomic_uint next;
} crowd;

static examine_key numbered(const examination *e, unsigned number)
{
    char name[32];

    (void)snprintf(name, sizeof(name), PAGING_PREFIX "%u", number);
    return examine_key_of(e, name);
}

static cairn_code put_some(void *argument, cairn_error *err)
{
    crowd *c = argument;
    unsigned number;

    while ((number = atomic_fetch_add(&c->next, 1)) < CAIRN_EXAMINE_KEYS) {
        const examine_key key = numbered(c->e, number);
        CAIRN_TRY(cairn_store_put(c->e->store, c->e->call, key.text, examine_body(),
                                  CAIRN_PUT_REPLACE, err));
    }
    return CAIRN_OK;
}

/* Runs `work` on all threads of an examination. */
static cairn_code run_crowd(workpool_fn work, void *argument, cairn_error *err)
{
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = NULL;
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = NULL;

    CAIRN_TRY(workpool_new(CAIRN_EXAMINE_THREADS, &pool, err));
    CAIRN_TRY(workgroup_new(pool, &group, err));
    for (int i = 0; i < CAIRN_EXAMINE_THREADS; i++) {
        CAIRN_TRY(workgroup_submit(group, work, argument, err));
    }
    return workgroup_wait(group, err);
}

typedef struct tally {
    size_t prefix_len;
    unsigned strangers;
    uint8_t times[CAIRN_EXAMINE_KEYS];
} tally;

static cairn_code tally_key(void *context, const char *key, const cairn_object_info *info,
                            cairn_error *err)
{
    tally *t = context;
    char *end = NULL;
    const unsigned long number = strtoul(key + t->prefix_len, &end, 10);

    (void)info;
    (void)err;
    if (*end != '\0' || number >= CAIRN_EXAMINE_KEYS) {
        t->strangers++;
    } else if (t->times[number] < UINT8_MAX) {
        t->times[number]++;
    }
    return CAIRN_OK;
}

/* A thousand objects are not put where they would stay: then the answer tells so. */
static cairn_code may_put_many(const examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "one");
    cairn_error problem = {0};

    if (!e->may_list) {
        examine_answer_set(answer, CAIRN_VERDICT_UNKNOWN, NO_LISTS);
        return CAIRN_OK;
    }
    CAIRN_TRY(cairn_store_put(e->store, e->call, key.text, examine_body(), CAIRN_PUT_REPLACE, err));
    const cairn_code code = cairn_store_delete(e->store, e->call, key.text, &problem);
    if (examine_is_no_answer(code)) {
        return error_set(err, code, "%s", problem.message);
    }
    if (code != CAIRN_OK) {
        examine_answer_set(answer, CAIRN_VERDICT_UNKNOWN,
                           "%d objects would stay, as none may be deleted", CAIRN_EXAMINE_KEYS);
    }
    return CAIRN_OK;
}

cairn_code examine_list_paging(examination *e, examine_answer *answer, cairn_error *err)
{
    const examine_key prefix = examine_key_of(e, PAGING_PREFIX);
    crowd c = {.e = e};
    tally t = {.prefix_len = strlen(prefix.text)};
    unsigned missing = 0;
    unsigned repeated = 0;

    CAIRN_TRY(may_put_many(e, answer, err));
    if (answer->verdict != CAIRN_VERDICT_OK) {
        return CAIRN_OK;
    }
    CAIRN_TRY(run_crowd(put_some, &c, err));
    CAIRN_TRY(cairn_store_list(e->store, e->call, prefix.text, tally_key, &t, err));
    for (size_t i = 0; i < CAIRN_EXAMINE_KEYS; i++) {
        missing += t.times[i] == 0;
        repeated += t.times[i] > 1;
    }
    if (missing + repeated + t.strangers > 0) {
        examine_answer_set(answer, CAIRN_VERDICT_BAD,
                           "of %d objects, listed page by page, %u are missing, %u come more than "
                           "once, %u were never written",
                           CAIRN_EXAMINE_KEYS, missing, repeated, t.strangers);
    }
    return CAIRN_OK;
}

/* --- unusual keys ----------------------------------------------------------------------------- */

/* What clients and servers of all kinds have escaped twice, cut, or taken for something else. */
static const char *const unusual_names[] = {
    "a b", "a+b", "a%2Fb", "a%20b", "a=b&c", "a?b",  "a#b",  "a'b(c)!*", "a;b,c",
    "a@b", "a:b", "a~b",   "a$b",   "a\"b",  "a<b>", "a..b", ".a",       "\xc3\xa4\xe2\x82\xac",
};

static cairn_code check_name(const examination *e, const char *name, bool *out_works,
                             cairn_error *err)
{
    const examine_key key = examine_key_of(e, name);
    CAIRN_AUTO(cairn_buf) found = {0};
    sought s = {.key = key.text};

    CAIRN_TRY(
        cairn_store_put(e->store, e->call, key.text, cairn_slice_of(name), CAIRN_PUT_REPLACE, err));
    CAIRN_TRY(cairn_store_get(e->store, e->call, key.text, 1000, &found, err));
    CAIRN_TRY(cairn_store_list(e->store, e->call, key.text, seek, &s, err));
    *out_works = s.times == 1 && cairn_slice_equal(cairn_buf_slice(&found), cairn_slice_of(name));
    return CAIRN_OK;
}

/* No key of a job has any of these, but the folder of a URI may. */
cairn_code examine_key_characters(examination *e, examine_answer *answer, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) failed = {0};

    if (!e->may_list) {
        examine_answer_set(answer, CAIRN_VERDICT_UNKNOWN, NO_LISTS);
        return CAIRN_OK;
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(unusual_names); i++) {
        cairn_error problem = {0};
        bool works = false;
        const cairn_code code = check_name(e, unusual_names[i], &works, &problem);
        if (examine_is_no_answer(code)) {
            return error_set(err, code, "%s", problem.message);
        }
        if (code != CAIRN_OK || !works) {
            CAIRN_TRY(buf_printf(&failed, err, " '%s'", unusual_names[i]));
        }
    }
    const char *names = buf_text(&failed);
    if (failed.len > 0 && names != NULL) {
        examine_answer_set(answer, CAIRN_VERDICT_NOTE,
                           "these names do not work as part of a key (no job needs them):%s",
                           names);
    }
    return CAIRN_OK;
}

/* --- the end ---------------------------------------------------------------------------------- */

typedef struct clearing {
    const examination *e;
    cairn_buf keys; /* each with its NUL */
    atomic_size_t next;
    size_t *places; /* of the keys */
    size_t count;
    atomic_size_t failed;
} clearing;

static void clearing_release(clearing *c)
{
    cairn_buf_release(&c->keys);
    mem_free(c->places);
}
CAIRN_DEFINE_AUTO(clearing, clearing_release)

static cairn_code keep_key(void *context, const char *key, const cairn_object_info *info,
                           cairn_error *err)
{
    clearing *c = context;

    (void)info;
    c->count++;
    return buf_append(&c->keys, key, strlen(key) + 1, err);
}

static cairn_code delete_some(void *argument, cairn_error *err)
{
    clearing *c = argument;
    size_t index;

    (void)err;
    while ((index = atomic_fetch_add(&c->next, 1)) < c->count) {
        const char *key = (const char *)c->keys.data + c->places[index];
        if (cairn_store_delete(c->e->store, c->e->call, key, NULL) != CAIRN_OK) {
            atomic_fetch_add(&c->failed, 1);
        }
    }
    return CAIRN_OK;
}

static cairn_code find_places(clearing *c, cairn_error *err)
{
    size_t at = 0;

    c->places = mem_calloc(c->count, sizeof(*c->places));
    if (c->places == NULL) {
        return error_no_memory(err, "cleaning up");
    }
    for (size_t i = 0; i < c->count; i++) {
        c->places[i] = at;
        at += strlen((const char *)c->keys.data + at) + 1;
    }
    return CAIRN_OK;
}

/* All that was put into a store that cannot be listed. */
static cairn_code name_known(clearing *c, cairn_error *err)
{
    static const char *const names[] = {"object", "empty", "overwritten"};

    buf_clear(&c->keys);
    c->count = 0;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(names); i++) {
        const examine_key key = examine_key_of(c->e, names[i]);
        CAIRN_TRY(keep_key(c, key.text, NULL, err));
    }
    return CAIRN_OK;
}

cairn_code examine_clean_up(const examination *e, cairn_error *err)
{
    CAIRN_AUTO(clearing) c = {.e = e};
    const examine_key folder = examine_key_of(e, "");

    if (cairn_store_list(e->store, e->call, folder.text, keep_key, &c, err) != CAIRN_OK) {
        CAIRN_TRY(name_known(&c, err));
    }
    CAIRN_TRY(find_places(&c, err));
    CAIRN_TRY(run_crowd(delete_some, &c, err));
    const size_t failed = atomic_load(&c.failed);
    if (failed > 0) {
        return error_set(err, CAIRN_E_FAILED, "%zu of %zu objects below %s could not be deleted",
                         failed, c.count, folder.text);
    }
    return CAIRN_OK;
}
