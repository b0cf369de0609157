/*
 * DESIGN: a table of questions. Each is a function that puts it to the store and judges the answer;
 * here stands in which order, what is left out when nothing can be written, which errors end it
 * all, and what follows from the answers. The store is asked through the retry decorator, so that
 * one lost packet is no finding; only the races go past it.
 */
#include "store_examine.h"

#include "buf.h"
#include "cancel.h"
#include "clock.h"
#include "errors.h"
#include "random.h"
#include "store_front.h"
#include "store_probe.h"
#include "stores.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct question_row {
    const char *name;
    bool needs_object; /* cannot be asked if nothing was written */
    bool is_promise;   /* of cairn: a bad answer makes the store unusable */
    examine_question ask;
} question_row;

static const question_row before_races[] = {
    {"write", false, false, examine_write},
    {"read-after-write", true, true, examine_read},
    {"range", true, true, examine_range},
    {"range-beyond-end", true, false, examine_range_beyond_end},
    {"empty-object", true, false, examine_empty_object},
    {"overwrite", true, false, examine_overwrite},
    {"clock", true, false, examine_clock},
    {"not-found", false, false, examine_not_found},
    {"list-after-write", false, true, examine_list},
    {"list-paging", true, true, examine_list_paging},
    {"key-characters", true, false, examine_key_characters},
};

static const question_row after_races[] = {
    {"delete", true, false, examine_delete},
    {"delete-missing", true, false, examine_delete_missing},
};

static void tell(const examination *e, const char *name, cairn_verdict verdict, const char *detail)
{
    const cairn_finding finding = {name, verdict, detail};

    e->visit(e->context, &finding);
}

examine_key examine_key_of(const examination *e, const char *name)
{
    examine_key key;
    const int length = snprintf(key.text, sizeof(key.text), "%s/%s", e->folder, name);

    CAIRN_ASSERT(length > 0 && (size_t)length < sizeof(key.text));
    return key;
}

void examine_answer_set(examine_answer *answer, cairn_verdict verdict, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(answer->detail, sizeof(answer->detail), format, args);
    va_end(args);
    answer->verdict = verdict;
}

bool examine_is_no_answer(cairn_code code)
{
    return code == CAIRN_E_UNAVAILABLE || code == CAIRN_E_TIMEOUT || code == CAIRN_E_CANCELLED ||
           code == CAIRN_E_NO_MEMORY;
}

/* Not a finding about the store, but the end of the examination. */
static bool ends_all(const examination *e, cairn_code code)
{
    return code == CAIRN_E_CANCELLED || code == CAIRN_E_NO_MEMORY || e->unreachable ||
           call_check(e->call, "", NULL) != CAIRN_OK;
}

/* Through errors that are answers; a store that cannot be reached gives none. */
static cairn_code settle(const examination *e, cairn_code code, const cairn_error *problem,
                         examine_answer *answer, cairn_error *err)
{
    if (code == CAIRN_OK) {
        return CAIRN_OK;
    }
    if (ends_all(e, code)) {
        return error_set(err, code, "%s", problem->message);
    }
    examine_answer_set(answer,
                       examine_is_no_answer(code) ? CAIRN_VERDICT_UNKNOWN : CAIRN_VERDICT_BAD, "%s",
                       problem->message);
    return CAIRN_OK;
}

static cairn_code put_question(examination *e, const question_row *row, cairn_error *err)
{
    examine_answer answer = {0};
    cairn_error problem = {0};

    if (row->needs_object && !e->wrote) {
        tell(e, row->name, CAIRN_VERDICT_UNKNOWN, "nothing could be written");
        return CAIRN_OK;
    }
    const cairn_code code = row->ask(e, &answer, &problem);
    CAIRN_TRY(settle(e, code, &problem, &answer, err));
    e->loses = e->loses || (row->is_promise && e->wrote && answer.verdict == CAIRN_VERDICT_BAD);
    tell(e, row->name, answer.verdict, answer.detail);
    return CAIRN_OK;
}

static cairn_code put_questions(examination *e, const question_row *rows, size_t count,
                                cairn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(put_question(e, &rows[i], err));
    }
    return CAIRN_OK;
}

/* --- create-only ------------------------------------------------------------------------------ */

static void tell_probe(const examination *e, const store_probe *seen)
{
    switch (seen->verdict) {
    case CAIRN_PROBE_ATOMIC:
    case CAIRN_PROBE_RACY:
        tell(e, "create-only", CAIRN_VERDICT_OK, "a second put of a key is refused");
        tell(e, "create-only-race",
             seen->verdict == CAIRN_PROBE_ATOMIC ? CAIRN_VERDICT_OK : CAIRN_VERDICT_BAD,
             seen->detail);
        break;
    case CAIRN_PROBE_IGNORED:
    case CAIRN_PROBE_REFUSED:
        tell(e, "create-only", CAIRN_VERDICT_BAD, seen->detail);
        tell(e, "create-only-race", CAIRN_VERDICT_UNKNOWN, "there is no create-only put to race");
        break;
    }
}

static cairn_code ask_create_only(examination *e, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "race");
    store_probe seen = {0};
    examine_answer answer = {0};
    cairn_error problem = {0};

    if (!e->wrote) {
        tell(e, "create-only", CAIRN_VERDICT_UNKNOWN, "nothing could be written");
        tell(e, "create-only-race", CAIRN_VERDICT_UNKNOWN, "nothing could be written");
        return CAIRN_OK;
    }
    const cairn_code code =
        store_probe_create(e->raw, e->call, key.text, CAIRN_PROBE_ROUNDS, &seen, &problem);
    CAIRN_TRY(settle(e, code, &problem, &answer, err));
    if (code != CAIRN_OK) {
        tell(e, "create-only", answer.verdict, answer.detail);
        tell(e, "create-only-race", CAIRN_VERDICT_UNKNOWN, "the question before has no answer");
        return CAIRN_OK;
    }
    tell_probe(e, &seen);
    e->fence = seen.verdict == CAIRN_PROBE_ATOMIC ? CAIRN_SAFETY_FENCED : CAIRN_SAFETY_SINGLE;
    return CAIRN_OK;
}

/* --- the driver ------------------------------------------------------------------------------- */

static cairn_code ask_driver(examination *e, cairn_error *err)
{
    const examine_key key = examine_key_of(e, "driver");
    const cairn_store *raw = e->raw;
    examine_answer answer = {0};
    cairn_error problem = {0};

    if (raw->driver.examine == NULL || !e->wrote) {
        return CAIRN_OK;
    }
    cairn_call call = e->call != NULL ? *e->call : (cairn_call){0, NULL};
    if (call.deadline_ms == 0) {
        call.deadline_ms = cairn_deadline_in(CAIRN_STORE_TIMEOUT_MS);
    }
    const cairn_code code =
        raw->driver.examine(raw->self, &call, key.text, e->visit, e->context, &problem);
    CAIRN_TRY(settle(e, code, &problem, &answer, err));
    if (code != CAIRN_OK) {
        tell(e, "driver", answer.verdict, answer.detail);
    }
    return CAIRN_OK;
}

/* --- what follows ----------------------------------------------------------------------------- */

typedef struct role {
    const char *name;
    bool writes;
    bool reads;
    bool lists;
    bool deletes;
} role;

/* What each part of a job needs, as in the table of least privilege. */
static const role roles[] = {
    {"role-subtask", .writes = true},
    {"role-coordinator", .writes = true, .reads = true, .lists = true},
    {"role-gc", .writes = true, .reads = true, .lists = true, .deletes = true},
    {"role-restore", .reads = true, .lists = true},
};

static cairn_code add_missing(cairn_buf *text, bool missing, const char *right, cairn_error *err)
{
    return missing ? buf_printf(text, err, "%s %s", text->len > 0 ? "," : "", right) : CAIRN_OK;
}

static cairn_code tell_role(const examination *e, const role *r, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) missing = {0};
    examine_answer answer = {0};

    CAIRN_TRY(add_missing(&missing, r->writes && !e->wrote, "write", err));
    CAIRN_TRY(add_missing(&missing, r->reads && !e->may_read, "read", err));
    CAIRN_TRY(add_missing(&missing, r->lists && !e->may_list, "list", err));
    CAIRN_TRY(add_missing(&missing, r->deletes && !e->may_delete, "delete", err));
    if (missing.len > 0) {
        examine_answer_set(&answer, CAIRN_VERDICT_NOTE,
                           "not possible: with these credentials one can't%.*s", (int)missing.len,
                           (const char *)missing.data);
    }
    tell(e, r->name, answer.verdict, answer.detail);
    return CAIRN_OK;
}

static cairn_safety conclude(const examination *e)
{
    return e->wrote && e->may_read && e->may_list && !e->loses ? e->fence : CAIRN_SAFETY_NONE;
}

static cairn_code ask_all(examination *e, cairn_error *err)
{
    CAIRN_TRY(put_questions(e, before_races, CAIRN_ARRAY_LEN(before_races), err));
    CAIRN_TRY(ask_create_only(e, err));
    CAIRN_TRY(put_questions(e, after_races, CAIRN_ARRAY_LEN(after_races), err));
    CAIRN_TRY(ask_driver(e, err));
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(roles); i++) {
        CAIRN_TRY(tell_role(e, &roles[i], err));
    }
    return CAIRN_OK;
}

/* Also after a cancel or the deadline, in a time of its own. */
static void clean_up(examination *e)
{
    const cairn_call call = {cairn_deadline_in(CAIRN_EXAMINE_CLEANUP_MS), NULL};
    cairn_error problem = {0};

    if (!e->attempted) {
        return;
    }
    e->call = &call;
    if (examine_clean_up(e, &problem) != CAIRN_OK) {
        tell(e, "clean-up", CAIRN_VERDICT_NOTE, problem.message);
    }
}

cairn_code cairn_store_examine(cairn_store *store, const cairn_call *call,
                               cairn_finding_visit visit, void *context, cairn_safety *out_safety,
                               cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *patient = NULL;
    char id[RANDOM_ID_SIZE];

    if (store == NULL || visit == NULL || out_safety == NULL) {
        return error_set(err, CAIRN_E_INVALID, "examine: the store, visitor or output is NULL");
    }
    CAIRN_TRY(store_retrying_new(store, &patient, err));
    examination e = {.store = patient,
                     .raw = store,
                     .call = call,
                     .visit = visit,
                     .context = context,
                     .fence = CAIRN_SAFETY_SINGLE};
    random_id(id);
    (void)snprintf(e.folder, sizeof(e.folder), "doctor/%s", id);
    const cairn_code code = ask_all(&e, err);
    clean_up(&e);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "examine %s", cairn_store_uri(store));
    }
    *out_safety = conclude(&e);
    return CAIRN_OK;
}
