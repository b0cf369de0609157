/* The inside of cairn_store_examine: store_examine.c asks in order, the others hold the questions.
 */
#ifndef CAIRN_STORE_STORE_EXAMINE_H
#define CAIRN_STORE_STORE_EXAMINE_H

#include <cairn/doctor.h>

#include "bounds.h"
#include "check.h"

#define EXAMINE_DETAIL_BYTES (CAIRN_ERROR_MESSAGE_BYTES + 128)

/* Object keys of an examination: its folder and a name of ours. */
typedef struct examine_key {
    char text[CAIRN_OBJECT_KEY_BYTES_MAX + 1];
} examine_key;

typedef struct examination {
    cairn_store *store; /* with retries */
    cairn_store *raw;   /* without */
    const cairn_call *call;
    char folder[64]; /* "doctor/<random>" */
    cairn_finding_visit visit;
    void *context;
    /* what was found out */
    bool attempted; /* something of ours may stand there */
    bool wrote;     /* there is an object "object" with examine_body */
    bool may_read;  /* the three are also true of a role that may not write */
    bool may_list;
    bool may_delete;
    bool unreachable;   /* the first call got no answer */
    bool loses;         /* what was written is not there, or is not what was written */
    cairn_safety fence; /* what create-only gives */
} examination;

/* The verdict on one question, CAIRN_VERDICT_OK and "" before it is asked. */
typedef struct examine_answer {
    cairn_verdict verdict;
    char detail[EXAMINE_DETAIL_BYTES];
} examine_answer;

/*
 * A question. CAIRN_OK: the answer says it all. Any other code: what the store said to a call that
 * should have worked.
 */
typedef cairn_code (*examine_question)(examination *e, examine_answer *answer, cairn_error *err);

examine_key examine_key_of(const examination *e, const char *name);
/* The bytes of the object "object". */
cairn_slice examine_body(void);
/* The store was not reached, or the examination ends: that tells nothing about what was asked. */
bool examine_is_no_answer(cairn_code code);
void examine_answer_set(examine_answer *answer, cairn_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* store_examine_objects.c: of single objects. */
cairn_code examine_write(examination *e, examine_answer *answer, cairn_error *err);
cairn_code examine_read(examination *e, examine_answer *answer, cairn_error *err);
cairn_code examine_range(examination *e, examine_answer *answer, cairn_error *err);
cairn_code examine_range_beyond_end(examination *e, examine_answer *answer, cairn_error *err);
cairn_code examine_empty_object(examination *e, examine_answer *answer, cairn_error *err);
cairn_code examine_overwrite(examination *e, examine_answer *answer, cairn_error *err);
cairn_code examine_clock(examination *e, examine_answer *answer, cairn_error *err);
cairn_code examine_not_found(examination *e, examine_answer *answer, cairn_error *err);
cairn_code examine_delete(examination *e, examine_answer *answer, cairn_error *err);
cairn_code examine_delete_missing(examination *e, examine_answer *answer, cairn_error *err);

/* store_examine_lists.c: of many objects. */
cairn_code examine_list(examination *e, examine_answer *answer, cairn_error *err);
cairn_code examine_list_paging(examination *e, examine_answer *answer, cairn_error *err);
cairn_code examine_key_characters(examination *e, examine_answer *answer, cairn_error *err);
/* Deletes whatever stands in the folder; CAIRN_E_FAILED if some of it stays. */
cairn_code examine_clean_up(const examination *e, cairn_error *err);

#endif
