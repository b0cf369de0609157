/*
 * Operations on keyed state as text, and what they must give as text:
 *
 *     key a; list.add x y; list.get => x,y; map.get k => -
 *
 * Words are separated by blanks; `_` is the empty word, `\0` and `\f` in a word are the bytes 0
 * and 255. An operation
 * whose result is not named must give `ok`. The same text runs on an engine (state_world.h) and on
 * the plain model (state_model.h), so that one table of rules tests both, and a sequence of random
 * operations that goes wrong is printed as a row of such a table.
 *
 *     key K, namespace N             set the current one
 *     value.get, value.update V, value.clear
 *     list.get, list.add E, list.all E..., list.update E..., list.clear, list.merge TARGET
 * SOURCE... map.get K, map.contains K, map.put K V, map.remove K, map.is_empty, map.clear
 *     map.entries                    by the iterator
 *     map.drop K, map.set K V        the same, and removes or sets K at its turn
 *     map.drop_all                   the same, and removes each
 *     map.elsewhere K V              the same, and sets each to V while K is the current key
 *     reducing.get, reducing.add E, reducing.clear, reducing.merge TARGET SOURCE...
 *     aggregating.*                  as reducing
 *     KIND.keys                      keys and namespaces of the state: key/namespace,...
 *     KIND.keys_in N
 *     KIND.wipe                      clears the state at each of its keys
 *     KIND.grow                      as keys, and at each adds an entry under the key with x added
 *     snapshot, restore              fixes the state; goes back to the last snapshot, or to now
 *
 *     advance N                      moves the clock, by milliseconds
 *
 * value2, list2 ... are other states of the kind. value_t, list_t ... live for STATE_TTL_MS; so do
 * value_r ..., which reads renew too, and value_s ..., which return what has expired until it is
 * cleaned up. Results: `ok`; the value, `-` if there is none;
 * elements in order, entries `k=v` and pairs sorted, with commas; `!STATE` for CAIRN_E_STATE.
 *
 * The functions: reduce gives a+b, the accumulator is <e.e. with the result e.e.>, its merge a|b; a
 * text that grows beyond STATE_SUM_BYTES keeps its end. The element `fail` is refused: !FAILED.
 */
#ifndef CAIRN_TESTS_STATE_SCRIPT_H
#define CAIRN_TESTS_STATE_SCRIPT_H

#include <cairn/manifest.h>
#include <cairn/state.h>

#include "buf.h"

#define STATE_WORDS_MAX  8
#define STATE_WORD_BYTES 160
#define STATE_SUM_BYTES  48
#define STATE_KINDS      5
#define STATE_GROUPS     5
#define STATE_HANDLES    (STATE_GROUPS * STATE_KINDS) /* kind is the index modulo 5 */
#define STATE_NAMES_MAX  40

/* The first two groups have no time to live. */
#define STATE_GROUP_WRITES 2 /* value_t */
#define STATE_GROUP_READS  3
#define STATE_GROUP_SHOWS  4 /* when it shows something for the last time depends on the engine */

#define STATE_TTL_MS   10
#define STATE_FIRST_MS UINT64_C(1000000) /* where the clock begins */

typedef enum state_verb {
    VERB_KEY,
    VERB_NAMESPACE,
    VERB_SNAPSHOT,
    VERB_RESTORE,
    VERB_ADVANCE,
    VERB_GET,
    VERB_UPDATE,
    VERB_CLEAR,
    VERB_ADD,
    VERB_ALL,
    VERB_MERGE,
    VERB_CONTAINS,
    VERB_PUT,
    VERB_REMOVE,
    VERB_IS_EMPTY,
    VERB_ENTRIES,
    VERB_DROP,
    VERB_SET,
    VERB_DROP_ALL,
    VERB_ELSEWHERE,
    VERB_KEYS,
    VERB_KEYS_IN,
    VERB_WIPE,
    VERB_GROW,
    VERB_COUNT
} state_verb;

typedef struct state_op {
    state_verb verb;
    unsigned handle; /* of verbs on a state */
    size_t words;
    cairn_slice word[STATE_WORDS_MAX]; /* borrowed */
} state_op;

/* "list2" */
const char *state_handle_name(unsigned handle);
/* Whether a verb is one of a state, and of that kind. */
bool state_verb_is_of(state_verb verb, cairn_state_kind kind);
bool state_verb_has_handle(state_verb verb);

/* By how many milliseconds VERB_ADVANCE moves the clock. */
uint64_t state_op_ms(const state_op *op);

/* Appends the operation as text. */
void state_op_print(const state_op *op, cairn_buf *out);

/* What runs operations: appends the result to `out`. */
typedef struct state_subject {
    void (*run)(void *self, const state_op *op, cairn_buf *out);
    void *self;
} state_subject;

/* Runs one operation; false, with a line on stderr, if its result is another. */
bool state_op_check(const state_op *op, cairn_slice expected, const state_subject *subject);

/* Runs a script; false, with a line on stderr, at the first result that is another. */
bool state_script_run(const char *script, const state_subject *subject);

/* Texts that are collected in any order and come out sorted, with commas. */
typedef struct state_lines {
    cairn_buf *items;
    size_t count;
    size_t capacity;
} state_lines;
void state_lines_add(state_lines *lines, cairn_slice first, const char *between,
                     cairn_slice second);
/* Appends them and empties `lines`; `-` for none. */
void state_lines_finish(state_lines *lines, cairn_buf *out);

/* Appends `!STATE` and the like. */
void state_print_code(cairn_code code, cairn_buf *out);
/* Appends; a test that is short of memory ends. */
void state_print(cairn_buf *out, cairn_slice text);

/* The functions of reducing and aggregating states, for engine and model. */
extern const cairn_reduce_function state_reduce;
extern const cairn_aggregate_function state_aggregate;

#endif
