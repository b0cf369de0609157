#include "s3_process.h"

#include "bounds.h"
#include "buf.h"
#include "cancel.h"
#include "clock.h"
#include "errors.h"
#include "fs_retry.h"
#include "fsutil.h"
#include "s3_credentials_parts.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME_SHOWN_BYTES 100

/* ---- Words ---- */

void s3_words_release(s3_words *words)
{
    if (words->text != NULL) {
        explicit_bzero(words->text, words->size);
    }
    mem_free(words->text);
    mem_free(words->items);
    *words = (s3_words){0};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Copies what stands behind a quote up to its partner; NULL if it has none. */
static const char *copy_quoted(const char *from, char quote, char **to)
{
    while (*from != '\0' && *from != quote) {
        const bool guards = quote == '"' && *from == '\\' && (from[1] == '"' || from[1] == '\\');

        from += guards ? 1 : 0;
        *(*to)++ = *from++;
    }
    return *from == quote ? from + 1 : NULL;
}

/* Copies one word and its NUL; NULL if the line ends inside a quote or behind a backslash. */
static const char *copy_word(const char *from, char **to)
{
    while (from != NULL && *from != '\0' && !is_blank(*from)) {
        if (*from == '\'' || *from == '"') {
            from = copy_quoted(from + 1, *from, to);
        } else if (*from == '\\' && from[1] == '\0') {
            from = NULL;
        } else {
            from += *from == '\\' ? 1 : 0;
            *(*to)++ = *from++;
        }
    }
    *(*to)++ = '\0';
    return from;
}

static cairn_code split_into(const char *line, s3_words *words, cairn_error *err)
{
    char *to = words->text;

    while (line != NULL && *line != '\0') {
        if (is_blank(*line)) {
            line++;
            continue;
        }
        if (words->count == CAIRN_S3_PROCESS_WORDS) {
            return error_set(err, CAIRN_E_INVALID, "more than %d words", CAIRN_S3_PROCESS_WORDS);
        }
        words->items[words->count++] = to;
        line = copy_word(line, &to);
    }
    if (line == NULL) {
        return error_set(err, CAIRN_E_INVALID, "a quote or a backslash at the end is left open");
    }
    return words->count > 0 ? CAIRN_OK : error_set(err, CAIRN_E_INVALID, "it names no program");
}

cairn_code s3_words_split(const char *line, s3_words *out, cairn_error *err)
{
    CAIRN_AUTO(s3_words) words = {.size = strlen(line) + 2};

    /* A word is never longer than its form in the line; its NUL stands in the place of a blank. */
    words.text = mem_alloc(words.size);
    words.items = mem_calloc(CAIRN_S3_PROCESS_WORDS + 1, sizeof(*words.items));
    if (words.text == NULL || words.items == NULL) {
        return error_no_memory(err, "split a command");
    }
    CAIRN_TRY(split_into(line, &words, err));
    s3_words_release(out);
    *out = words;
    words = (s3_words){0};
    return CAIRN_OK;
}

/* ---- Running ---- */

typedef struct child {
    pid_t pid; /* 0: none, or it has ended and was waited for */
    fs_fd output;
    bool ended;
    int status; /* of waitpid */
} child;

/* Kills what still runs, with all that it started. */
static void child_release(child *self)
{
    fs_close(&self->output);
    if (self->pid > 0 && !self->ended) {
        (void)kill(-self->pid, SIGKILL);
        (void)FS_RETRY(waitpid(self->pid, NULL, 0));
    }
    self->pid = 0;
}
CAIRN_DEFINE_AUTO(child, child_release)

static int add_actions(posix_spawn_file_actions_t *actions, int output)
{
    int result = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    result = result != 0 ? result
                         : posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    return result != 0
               ? result
               : posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
}

/* Its own process group, so that it can be killed whole, and signals as a fresh process has them.
 */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawnattr_setpgroup(attributes, 0);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
}

/* An errno value; 0 is success. */
static int spawn(const s3_words *words, int output, pid_t *out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int result = posix_spawn_file_actions_init(&actions);

    if (result != 0) {
        return result;
    }
    result = posix_spawnattr_init(&attributes);
    if (result == 0) {
        result = add_actions(&actions, output);
        result = result != 0 ? result : set_attributes(&attributes);
        result = result != 0 ? result
                             : posix_spawnp(out, words->items[0], &actions, &attributes,
                                            words->items, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return result;
}

static cairn_code start(const s3_words *words, child *out, cairn_error *err)
{
    int ends[2] = {-1, -1};

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return error_errno(err, errno, "make a pipe");
    }
    out->output = ends[0];
    CAIRN_AUTO(fs_fd) input = ends[1];
    /* The writer's end blocks, as a program expects of its standard output. */
    if (fcntl(input, F_SETFL, 0) != 0) {
        return error_errno(err, errno, "make a pipe");
    }
    const int result = spawn(words, input, &out->pid);
    if (result == ENOMEM || result == EAGAIN) {
        return error_errno(err, result, "start %.100s", words->items[0]);
    }
    if (result != 0) {
        (void)error_errno(err, result, "start %.100s", words->items[0]);
        if (err != NULL) {
            err->code = CAIRN_E_ACCESS;
        }
        return CAIRN_E_ACCESS;
    }
    return CAIRN_OK;
}

/* Reads what is there; *out_open false at the end of the output. */
static cairn_code drain(child *self, cairn_buf *out, bool *out_open, cairn_error *err)
{
    for (;;) {
        const size_t room = out->capacity - out->len;
        const ssize_t got = FS_RETRY(read(self->output, out->data + out->len, room));

        if (got < 0 && errno == EAGAIN) {
            return CAIRN_OK;
        }
        if (got < 0) {
            return error_errno(err, errno, "read its output");
        }
        out->len += (size_t)got;
        if (out->len > CAIRN_S3_KEYS_BYTES_MAX) {
            return error_set(err, CAIRN_E_ACCESS, "it printed more than %zu bytes",
                             CAIRN_S3_KEYS_BYTES_MAX);
        }
        if (got == 0) {
            *out_open = false;
            return CAIRN_OK;
        }
    }
}

static void look_for_end(child *self)
{
    const pid_t result = FS_RETRY(waitpid(self->pid, &self->status, WNOHANG));

    /* ECHILD: the process ignores SIGCHLD, so nobody knows the status. The output must do then. */
    self->ended = result != 0;
    self->status = result < 0 ? 0 : self->status;
}

static cairn_code check_time(const cairn_call *call, const cairn_call *bounded, cairn_error *err)
{
    CAIRN_TRY(call_check(call, "wait for it", err));
    if (call_check(bounded, "", NULL) != CAIRN_OK) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "it did not end within %d s",
                         CAIRN_S3_PROCESS_MS / 1000);
    }
    return CAIRN_OK;
}

/* Until it has ended: what a child of its own leaves open is not waited for. */
static cairn_code read_all(child *self, const cairn_call *call, cairn_buf *out, cairn_error *err)
{
    const cairn_call bounded = {cairn_deadline_in(CAIRN_S3_PROCESS_MS), NULL};
    bool open = true;

    while (!self->ended) {
        struct pollfd wait = {.fd = open ? self->output : -1, .events = POLLIN};

        CAIRN_TRY(check_time(call, &bounded, err));
        (void)poll(&wait, 1, CAIRN_CANCEL_POLL_MS);
        look_for_end(self);
        CAIRN_TRY(open ? drain(self, out, &open, err) : CAIRN_OK);
    }
    return CAIRN_OK;
}

static cairn_code check_status(int status, cairn_error *err)
{
    if (WIFSIGNALED(status)) {
        return error_set(err, CAIRN_E_ACCESS, "it was ended by signal %d", WTERMSIG(status));
    }
    if (WEXITSTATUS(status) != 0) {
        return error_set(err, CAIRN_E_ACCESS, "it ended with status %d: run it by hand to see why",
                         WEXITSTATUS(status));
    }
    return CAIRN_OK;
}

static cairn_code run(const char *line, const cairn_call *call, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(s3_words) words = {0};
    CAIRN_AUTO(child) process = {.output = -1};

    /* One byte more than allowed, in one block: copies would not be wiped. */
    CAIRN_TRY(buf_reserve(out, CAIRN_S3_KEYS_BYTES_MAX + 1, err));
    CAIRN_TRY(s3_words_split(line, &words, err));
    CAIRN_TRY(start(&words, &process, err));
    CAIRN_TRY(read_all(&process, call, out, err));
    return check_status(process.status, err);
}

cairn_code s3_process_keys(const char *line, const char *profile, const cairn_call *call,
                           s3_keys *out, cairn_error *err)
{
    const s3_keys_form form = {.token_member = "SessionToken",
                               .origin = "credential_process",
                               .what = "its output",
                               .has_version = true};
    S3_AUTO_WIPE cairn_buf output = {0};
    cairn_code code = run(line, call, &output, err);

    code = code == CAIRN_OK ? s3_keys_from_json(cairn_buf_slice(&output), &form, out, err) : code;
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "profile '%.*s': credential_process", NAME_SHOWN_BYTES,
                            profile);
    }
    return CAIRN_OK;
}
