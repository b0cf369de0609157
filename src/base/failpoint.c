#include "failpoint.h"

#ifdef CAIRN_FAILPOINTS
#    include "clock.h"
#    include "encode.h"
#    include "errors.h"
#    include "fs_retry.h"
#    include "fsutil.h"

#    include <fcntl.h>
#    include <pthread.h>
#    include <signal.h>
#    include <stdio.h>
#    include <stdlib.h>
#    include <string.h>
#    include <unistd.h>

#    define ENTRIES_MAX 32
#    define STEPS_MAX   16
#    define NAMES_MAX   256
#    define VALUE_MAX   4096

typedef enum action_kind {
    CAIRN_ACTION_OFF = 0,
    CAIRN_ACTION_RETURN = 1,
    CAIRN_ACTION_KILL = 2,
    CAIRN_ACTION_ABORT = 3,
    CAIRN_ACTION_SLEEP = 4,
    CAIRN_ACTION_PAUSE = 5
} action_kind;

static const char *const action_names[] = {"off", "return", "kill", "abort", "sleep", "pause"};

typedef struct step {
    action_kind kind;
    bool counted;
    uint64_t left; /* hits that it still acts on, if counted */
    uint64_t number;
    cairn_code code;
    const char *text;
} step;

typedef struct entry {
    const char *name;
    step steps[STEPS_MAX];
    size_t count;
    size_t current;
} entry;

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static bool table_read;
static entry table[ENTRIES_MAX];
static size_t table_count;
static bool reached[NAMES_MAX];
static const char *trace_path;
/* Our copy of the variable, cut into strings by the parser; the table points into it for ever. */
static char table_text[VALUE_MAX];

static _Noreturn void malformed(const char *where)
{
    check_failed("CAIRN_FAILPOINT", 0, where);
}

static int compare_name(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

/* Position in failpoint_names, or its length if it does not stand there. */
static size_t find_name(const char *name)
{
    size_t count = 0;

    while (failpoint_names[count] != NULL) {
        count++;
    }
    CAIRN_ASSERT(count <= NAMES_MAX);
    const char *const *found =
        bsearch(name, failpoint_names, count, sizeof(failpoint_names[0]), compare_name);
    return found == NULL ? count : (size_t)(found - failpoint_names);
}

static cairn_code code_of_name(const char *name)
{
    for (int code = CAIRN_E_FAILED; code >= CAIRN_E_INTERNAL; code--) {
        if (strcmp(cairn_code_name((cairn_code)code), name) == 0) {
            return (cairn_code)code;
        }
    }
    malformed(name);
}

static action_kind kind_of_name(const char *name)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(action_names); i++) {
        if (strcmp(action_names[i], name) == 0) {
            return (action_kind)i;
        }
    }
    malformed(name);
}

/* Cuts `text` at the first `separator` and returns what follows it, or NULL. */
static char *cut(char *text, const char *separator)
{
    char *at = strstr(text, separator);

    if (at == NULL) {
        return NULL;
    }
    *at = '\0';
    return at + strlen(separator);
}

static void parse_argument(char *argument, step *out)
{
    const bool wanted = out->kind == CAIRN_ACTION_RETURN || out->kind == CAIRN_ACTION_SLEEP ||
                        out->kind == CAIRN_ACTION_PAUSE;
    const size_t len = argument == NULL ? 0 : strlen(argument);

    if (wanted != (argument != NULL)) {
        malformed("an argument is missing or one too many");
    }
    if (argument == NULL) {
        return;
    }
    if (len == 0 || argument[len - 1] != ')') {
        malformed(argument);
    }
    argument[len - 1] = '\0';
    out->text = argument;
    if (out->kind == CAIRN_ACTION_RETURN) {
        out->code = code_of_name(argument);
    }
    if (out->kind == CAIRN_ACTION_SLEEP && !parse_u64(cairn_slice_of(argument), &out->number)) {
        malformed(argument);
    }
}

/* [n*]action[(argument)]; the argument may hold a '*'. */
static step parse_step(char *text)
{
    char *argument = cut(text, "(");
    char *action = cut(text, "*");
    step parsed = {.counted = action != NULL};

    if (parsed.counted && !parse_u64(cairn_slice_of(text), &parsed.left)) {
        malformed(text);
    }
    parsed.kind = kind_of_name(parsed.counted ? action : text);
    parse_argument(argument, &parsed);
    return parsed;
}

static void parse_entry(char *text)
{
    char *chain = cut(text, "=");

    if (chain == NULL || failpoint_names[find_name(text)] == NULL || table_count == ENTRIES_MAX) {
        malformed(text);
    }
    entry *parsed = &table[table_count++];
    parsed->name = text;
    while (chain != NULL) {
        char *rest = cut(chain, "->");

        if (parsed->count == STEPS_MAX) {
            malformed("a chain is too long");
        }
        parsed->steps[parsed->count++] = parse_step(chain);
        chain = rest;
    }
}

static void read_variables_locked(void)
{
    const char *value = getenv("CAIRN_FAILPOINT"); /* NOLINT(concurrency-mt-unsafe) */

    trace_path = getenv("CAIRN_FAILPOINT_TRACE"); /* NOLINT(concurrency-mt-unsafe) */
    table_read = true;
    if (value == NULL || value[0] == '\0') {
        return;
    }
    CAIRN_ASSERT(strlen(value) < sizeof(table_text));
    memcpy(table_text, value, strlen(value) + 1);
    for (char *next = table_text; next != NULL;) {
        char *rest = cut(next, ";");

        if (next[0] != '\0') {
            parse_entry(next);
        }
        next = rest;
    }
}

static void trace_locked(size_t index)
{
    if (trace_path == NULL || reached[index]) {
        return;
    }
    reached[index] = true;
    const char *name = failpoint_names[index];
    const int fd = open(trace_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    CAIRN_ASSERT(fd >= 0);
    CAIRN_ASSERT(dprintf(fd, "%s\n", name) > 0);
    (void)close(fd);
}

/* What this hit must do; steps that are used up are passed over. */
static step take_step_locked(const char *name)
{
    for (size_t i = 0; i < table_count; i++) {
        entry *found = &table[i];

        if (strcmp(found->name, name) != 0) {
            continue;
        }
        while (found->current < found->count && found->steps[found->current].counted &&
               found->steps[found->current].left == 0) {
            found->current++;
        }
        if (found->current < found->count) {
            step *now = &found->steps[found->current];
            now->left -= now->counted ? 1 : 0;
            return *now;
        }
    }
    return (step){0};
}

static void pause_at(const char *path)
{
    CAIRN_AUTO(fs_fd) fd = FS_RETRY(open(path, O_RDONLY | O_CLOEXEC));

    CAIRN_ASSERT(fd >= 0);
}

static cairn_code act(const step *now, const char *name, cairn_error *err)
{
    switch (now->kind) {
    case CAIRN_ACTION_OFF:
        return CAIRN_OK;
    case CAIRN_ACTION_RETURN:
        return error_set(err, now->code, "fail point %s", name);
    case CAIRN_ACTION_KILL:
        (void)kill(getpid(), SIGKILL);
        return CAIRN_OK;
    case CAIRN_ACTION_ABORT:
        abort();
    case CAIRN_ACTION_SLEEP:
        clock_sleep_ms(now->number);
        return CAIRN_OK;
    case CAIRN_ACTION_PAUSE:
        pause_at(now->text);
        return CAIRN_OK;
    }
    return CAIRN_OK;
}

cairn_code failpoint_hit(const char *name, cairn_error *err)
{
    const size_t index = find_name(name);

    CAIRN_ASSERT(failpoint_names[index] != NULL);
    (void)pthread_mutex_lock(&table_lock);
    if (!table_read) {
        read_variables_locked();
    }
    trace_locked(index);
    const step now = take_step_locked(name);
    (void)pthread_mutex_unlock(&table_lock);
    return act(&now, name, err);
}
#endif
