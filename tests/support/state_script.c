#include "state_script.h"

#include "encode.h"
#include "errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINTED_BYTES_MAX 4000

static const char *const verb_names[VERB_COUNT] = {
    [VERB_KEY] = "key",           [VERB_NAMESPACE] = "namespace", [VERB_SNAPSHOT] = "snapshot",
    [VERB_RESTORE] = "restore",   [VERB_ADVANCE] = "advance",     [VERB_GET] = "get",
    [VERB_UPDATE] = "update",     [VERB_CLEAR] = "clear",         [VERB_ADD] = "add",
    [VERB_ALL] = "all",           [VERB_MERGE] = "merge",         [VERB_CONTAINS] = "contains",
    [VERB_PUT] = "put",           [VERB_REMOVE] = "remove",       [VERB_IS_EMPTY] = "is_empty",
    [VERB_ENTRIES] = "entries",   [VERB_DROP] = "drop",           [VERB_SET] = "set",
    [VERB_DROP_ALL] = "drop_all", [VERB_ELSEWHERE] = "elsewhere", [VERB_KEYS] = "keys",
    [VERB_KEYS_IN] = "keys_in",   [VERB_WIPE] = "wipe",           [VERB_GROW] = "grow",
};

static const char *const handle_names[STATE_HANDLES] = {
    "value",   "list",   "map",   "reducing",   "aggregating",
    "value2",  "list2",  "map2",  "reducing2",  "aggregating2",
    "value_t", "list_t", "map_t", "reducing_t", "aggregating_t",
    "value_r", "list_r", "map_r", "reducing_r", "aggregating_r",
    "value_s", "list_s", "map_s", "reducing_s", "aggregating_s"};

const char *state_handle_name(unsigned handle)
{
    return handle_names[handle];
}

bool state_verb_has_handle(state_verb verb)
{
    return verb >= VERB_GET;
}

#define VALUE       (1U << CAIRN_STATE_VALUE)
#define LIST        (1U << CAIRN_STATE_LIST)
#define MAP         (1U << CAIRN_STATE_MAP)
#define REDUCING    (1U << CAIRN_STATE_REDUCING)
#define AGGREGATING (1U << CAIRN_STATE_AGGREGATING)
#define FOLDING     (REDUCING | AGGREGATING)
#define EACH        (VALUE | LIST | MAP | FOLDING)

bool state_verb_is_of(state_verb verb, cairn_state_kind kind)
{
    static const unsigned kinds[VERB_COUNT] = {
        [VERB_GET] = EACH,      [VERB_UPDATE] = VALUE | LIST,
        [VERB_CLEAR] = EACH,    [VERB_ADD] = LIST | FOLDING,
        [VERB_ALL] = LIST,      [VERB_MERGE] = LIST | FOLDING,
        [VERB_CONTAINS] = MAP,  [VERB_PUT] = MAP,
        [VERB_REMOVE] = MAP,    [VERB_IS_EMPTY] = MAP,
        [VERB_ENTRIES] = MAP,   [VERB_DROP] = MAP,
        [VERB_SET] = MAP,       [VERB_DROP_ALL] = MAP,
        [VERB_ELSEWHERE] = MAP, [VERB_KEYS] = EACH,
        [VERB_KEYS_IN] = EACH,  [VERB_WIPE] = EACH,
        [VERB_GROW] = EACH,
    };

    return (kinds[verb] & 1U << (unsigned)kind) != 0;
}

void state_print(cairn_buf *out, cairn_slice text)
{
    CAIRN_ASSERT(buf_append(out, text.data, text.len, NULL) == CAIRN_OK);
}

static void print_text(cairn_buf *out, const char *text)
{
    state_print(out, cairn_slice_of(text));
}

/* Bytes that stand as two: what a zero byte and 0xff are in a script. */
static const struct {
    char byte;
    const char *text;
} escapes[] = {{'\0', "\\0"}, {'\xff', "\\f"}};

static void print_byte(cairn_buf *out, char byte)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(escapes); i++) {
        if (escapes[i].byte == byte) {
            print_text(out, escapes[i].text);
            return;
        }
    }
    state_print(out, (cairn_slice){&byte, 1});
}

static void print_word(cairn_buf *out, cairn_slice word)
{
    const char *bytes = word.data;

    print_text(out, word.len == 0 ? " _" : " ");
    for (size_t i = 0; i < word.len; i++) {
        print_byte(out, bytes[i]);
    }
}

uint64_t state_op_ms(const state_op *op)
{
    uint64_t ms = 0;

    CAIRN_ASSERT(op->words == 1 && parse_u64(op->word[0], &ms));
    return ms;
}

void state_op_print(const state_op *op, cairn_buf *out)
{
    if (state_verb_has_handle(op->verb)) {
        print_text(out, handle_names[op->handle]);
        print_text(out, ".");
    }
    print_text(out, verb_names[op->verb]);
    for (size_t i = 0; i < op->words; i++) {
        print_word(out, op->word[i]);
    }
}

void state_print_code(cairn_code code, cairn_buf *out)
{
    static const struct {
        cairn_code code;
        const char *text;
    } texts[] = {
        {CAIRN_OK, "ok"},
        {CAIRN_E_STATE, "!STATE"},
        {CAIRN_E_FAILED, "!FAILED"},
        {CAIRN_E_INVALID, "!INVALID"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(texts); i++) {
        if (texts[i].code == code) {
            print_text(out, texts[i].text);
            return;
        }
    }
    CAIRN_ASSERT(buf_printf(out, NULL, "!%d", (int)code) == CAIRN_OK);
}

/* --- sorted lines ----------------------------------------------------------------------------- */

void state_lines_add(state_lines *lines, cairn_slice first, const char *between, cairn_slice second)
{
    if (lines->count == lines->capacity) {
        lines->capacity = lines->capacity == 0 ? 16 : 2 * lines->capacity;
        lines->items = mem_realloc_array(lines->items, lines->capacity, sizeof(*lines->items));
        CAIRN_ASSERT(lines->items != NULL);
    }
    cairn_buf *line = &lines->items[lines->count++];
    *line = (cairn_buf){0};
    state_print(line, first);
    print_text(line, between);
    state_print(line, second);
}

static int compare_lines(const void *a, const void *b)
{
    const cairn_buf *left = a;
    const cairn_buf *right = b;
    size_t common = left->len < right->len ? left->len : right->len;
    int order = common == 0 ? 0 : memcmp(left->data, right->data, common);

    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

void state_lines_finish(state_lines *lines, cairn_buf *out)
{
    if (lines->count == 0) {
        print_text(out, "-");
    } else {
        qsort(lines->items, lines->count, sizeof(*lines->items), compare_lines);
    }
    for (size_t i = 0; i < lines->count; i++) {
        print_text(out, i > 0 ? "," : "");
        state_print(out, cairn_buf_slice(&lines->items[i]));
        cairn_buf_release(&lines->items[i]);
    }
    mem_free(lines->items);
    *lines = (state_lines){0};
}

/* --- scripts ---------------------------------------------------------------------------------- */

typedef struct script_line {
    state_op op;
    char bytes[STATE_WORDS_MAX][STATE_WORD_BYTES]; /* of the words */
    char text[PRINTED_BYTES_MAX];
    cairn_slice expected; /* in `text` */
} script_line;

_Noreturn static void bad_script(const char *text)
{
    (void)fprintf(stderr, "bad script at: %s\n", text);
    abort();
}

static state_verb verb_of(const char *name)
{
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verb_names[i], name) == 0) {
            return (state_verb)i;
        }
    }
    bad_script(name);
}

static void read_verb(char *text, state_op *op)
{
    char *dot = strchr(text, '.');

    op->verb = verb_of(dot == NULL ? text : dot + 1);
    if (dot == NULL) {
        return;
    }
    *dot = '\0';
    for (op->handle = 0; strcmp(handle_names[op->handle], text) != 0; op->handle++) {
        if (op->handle + 1 == STATE_HANDLES) {
            bad_script(text);
        }
    }
}

static cairn_slice unescape(const char *text, char *to, size_t room)
{
    size_t len = 0;

    while (*text != '\0') {
        const char *plain = text;

        CAIRN_ASSERT(len < room);
        for (size_t i = 0; i < CAIRN_ARRAY_LEN(escapes) && plain == text; i++) {
            if (strncmp(text, escapes[i].text, 2) == 0) {
                to[len++] = escapes[i].byte;
                text += 2;
            }
        }
        if (plain == text) {
            to[len++] = *text++;
        }
    }
    return (cairn_slice){to, len};
}

/* "verb word word => expected" */
static void read_line(char *text, script_line *out)
{
    char *arrow = strstr(text, " => ");
    char *save = NULL;

    out->op = (state_op){0};
    out->expected = unescape(arrow == NULL ? "ok" : arrow + 4, out->text, sizeof(out->text));
    if (arrow != NULL) {
        *arrow = '\0';
    }
    char *token = strtok_r(text, " ", &save);
    if (token == NULL) {
        bad_script(text);
    }
    read_verb(token, &out->op);
    for (token = strtok_r(NULL, " ", &save); token != NULL; token = strtok_r(NULL, " ", &save)) {
        const size_t i = out->op.words++;
        CAIRN_ASSERT(i < STATE_WORDS_MAX);
        out->op.word[i] =
            unescape(strcmp(token, "_") == 0 ? "" : token, out->bytes[i], STATE_WORD_BYTES);
    }
}

static void print_difference(const state_op *op, cairn_slice found, cairn_slice expected)
{
    CAIRN_AUTO(cairn_buf) printed = {0};
    CAIRN_AUTO(cairn_buf) first = {0};
    CAIRN_AUTO(cairn_buf) second = {0};

    state_op_print(op, &printed);
    CAIRN_ASSERT(encode_printable(found, PRINTED_BYTES_MAX, &first, NULL) == CAIRN_OK);
    CAIRN_ASSERT(encode_printable(expected, PRINTED_BYTES_MAX, &second, NULL) == CAIRN_OK);
    (void)fprintf(stderr, "%s gives %s, not %s\n", buf_text(&printed), buf_text(&first),
                  buf_text(&second));
}

bool state_op_check(const state_op *op, cairn_slice expected, const state_subject *subject)
{
    CAIRN_AUTO(cairn_buf) found = {0};

    subject->run(subject->self, op, &found);
    if (cairn_slice_equal(cairn_buf_slice(&found), expected)) {
        return true;
    }
    print_difference(op, cairn_buf_slice(&found), expected);
    return false;
}

bool state_script_run(const char *script, const state_subject *subject)
{
    static script_line line;
    char *text CAIRN_AUTO_FREE = mem_strdup(script);
    char *save = NULL;
    bool good = true;

    CAIRN_ASSERT(text != NULL);
    for (char *at = strtok_r(text, ";", &save); at != NULL && good;
         at = strtok_r(NULL, ";", &save)) {
        read_line(at, &line);
        good = state_op_check(&line.op, line.expected, subject);
    }
    return good;
}

/* --- functions -------------------------------------------------------------------------------- */

/* `a`, `between` and `b`, or the end of it. */
static cairn_code join(cairn_slice a, const char *between, cairn_slice b, cairn_buf *out,
                       cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) whole = {0};
    const cairn_slice refused = cairn_slice_of("fail");

    if (cairn_slice_equal(b, refused)) {
        return error_set(err, CAIRN_E_FAILED, "the element is refused");
    }
    CAIRN_TRY(buf_append(&whole, a.data, a.len, err));
    CAIRN_TRY(buf_append_text(&whole, between, err));
    CAIRN_TRY(buf_append(&whole, b.data, b.len, err));
    const size_t cut = whole.len > STATE_SUM_BYTES ? whole.len - STATE_SUM_BYTES : 0;
    return cairn_buf_assign(out, (cairn_slice){whole.data + cut, whole.len - cut}, err);
}

static cairn_code reduce(void *context, cairn_slice a, cairn_slice b, cairn_buf *out,
                         cairn_error *err)
{
    (void)context;
    return join(a, "+", b, out, err);
}

static cairn_code create(void *context, cairn_buf *out, cairn_error *err)
{
    (void)context;
    return cairn_buf_assign(out, cairn_slice_of("<"), err);
}

static cairn_code add(void *context, cairn_slice accumulator, cairn_slice element, cairn_buf *out,
                      cairn_error *err)
{
    (void)context;
    return join(accumulator, ".", element, out, err);
}

static cairn_code get_result(void *context, cairn_slice accumulator, cairn_buf *out,
                             cairn_error *err)
{
    (void)context;
    return join(accumulator, ">", (cairn_slice){NULL, 0}, out, err);
}

static cairn_code merge(void *context, cairn_slice a, cairn_slice b, cairn_buf *out,
                        cairn_error *err)
{
    (void)context;
    return join(a, "|", b, out, err);
}

const cairn_reduce_function state_reduce = {reduce, NULL};
const cairn_aggregate_function state_aggregate = {create, add, get_result, merge, NULL};
