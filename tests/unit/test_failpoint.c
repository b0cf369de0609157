#include "test.h"

#include "failpoint.h"
#include "tmpdir.h"

#ifdef CAIRN_FAILPOINTS
#    include "buf.h"
#    include "fsutil.h"

#    include <fcntl.h>
#    include <signal.h>
#    include <stdio.h>
#    include <stdlib.h>
#    include <sys/stat.h>
#    include <sys/wait.h>
#    include <unistd.h>

#    define POINT "sink.stage.after"
#    define OTHER "worker.record"

static int setup(void **state)
{
    *state = tmpdir_new();
    return *state == NULL;
}

static int teardown(void **state)
{
    tmpdir_free(*state);
    return 0;
}

/* Hits the point up to `hits` times; ends with the number of the hit that failed, else with 0. */
static int hit(int hits)
{
    for (int i = 1; i <= hits; i++) {
        cairn_error err = {0};

        if (failpoint_hit(POINT, &err) != CAIRN_OK) {
            return err.code == CAIRN_E_UNAVAILABLE && strstr(err.message, POINT) != NULL ? i : 100;
        }
    }
    return 0;
}

/* The variable is read once in a process, so each case has its own. Returns the wait status. */
static int run_child(const char *value, int hits)
{
    int status = 0;
    const pid_t child = fork();

    if (child == 0) {
        (void)close(STDERR_FILENO);
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
        (void)setenv("CAIRN_FAILPOINT", value, 1);
        _exit(hit(hits));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void the_names_are_sorted(void **state)
{
    (void)state;

    assert_non_null(failpoint_names[0]);
    for (size_t i = 1; failpoint_names[i] != NULL; i++) {
        assert_true(strcmp(failpoint_names[i - 1], failpoint_names[i]) < 0);
    }
}

static void chains_act_on_the_hits_that_they_name(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int failed_hit;
    } rows[] = {
        {"", 0},
        {";;", 0},
        {OTHER "=return(io)", 0},
        {POINT "=off", 0},
        {POINT "=return(unavailable)", 1},
        {POINT "=3*off->1*return(unavailable)", 4},
        {POINT "=2*off->return(unavailable)", 3},
        {POINT "=1*off->1*sleep(1)->return(unavailable)", 3},
        {POINT "=0*return(io)->return(unavailable)", 1},
        {POINT "=20*off->return(unavailable)", 0},
        {OTHER "=kill;" POINT "=1*off->return(unavailable)", 2},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        const int status = run_child(rows[i].value, 10);

        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), rows[i].failed_hit);
    }
}

static void kill_and_abort_end_the_process_by_signal(void **state)
{
    (void)state;

    assert_int_equal(WTERMSIG(run_child(POINT "=kill", 1)), SIGKILL);
    assert_int_equal(WTERMSIG(run_child(POINT "=abort", 1)), SIGABRT);
    assert_int_equal(WTERMSIG(run_child(POINT "=3*off->1*kill", 4)), SIGKILL);
    assert_int_equal(run_child(POINT "=3*off->1*kill", 3), 0);
}

static void a_malformed_value_asserts(void **state)
{
    (void)state;
    static const char *const bad[] = {
        POINT,
        "no.such.point=off",
        POINT "=",
        POINT "=jump",
        POINT "=x*off",
        POINT "=return",
        POINT "=return(x)",
        POINT "=return(ok)",
        POINT "=off(1)",
        POINT "=sleep(soon)",
        POINT "=sleep(1",
        POINT "=-1*off",
        POINT "=off->",
        POINT "=return(io)x",
        "=off",
        POINT "=pause",
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        const int status = run_child(bad[i], 1);

        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 70);
    }
}

static void a_name_outside_the_table_asserts(void **state)
{
    (void)state;
    int status = 0;
    const pid_t child = fork();

    if (child == 0) {
        (void)close(STDERR_FILENO);
        _exit(failpoint_hit("no.such.point", NULL) == CAIRN_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);

    assert_int_equal(WEXITSTATUS(status), 70);
}

static void a_pause_lasts_until_the_fifo_is_opened(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    char value[TMPDIR_PATH_BYTES + 64];
    int status = 0;

    assert_int_equal(mkfifo(tmpdir_join(*state, "fifo", path), 0600), 0);
    (void)snprintf(value, sizeof(value), POINT "=1*pause(%s)->return(unavailable)", path);
    const pid_t child = fork();
    if (child == 0) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
        (void)setenv("CAIRN_FAILPOINT", value, 1);
        _exit(hit(10));
    }
    /* Opening blocks until the child stands at the point. */
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(waitpid(child, &status, 0), child);

    assert_int_equal(WEXITSTATUS(status), 2);
}

static void each_point_is_traced_once(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(cairn_buf) trace = {0};
    const pid_t child = fork();

    tmpdir_join(*state, "trace", path);
    if (child == 0) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
        (void)setenv("CAIRN_FAILPOINT_TRACE", path, 1);
        (void)failpoint_hit(OTHER, NULL);
        (void)hit(3);
        (void)failpoint_hit(OTHER, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);

    ASSERT_OK(fs_read_file(path, 1000, &trace, NULL), NULL);
    assert_string_equal(buf_text(&trace), OTHER "\n" POINT "\n");
}

static cairn_code guarded(cairn_error *err)
{
    CAIRN_FAILPOINT(POINT, err);
    return CAIRN_E_STATE;
}

static void the_macro_goes_on_when_the_point_is_off(void **state)
{
    (void)state;

    ASSERT_CODE(guarded(NULL), CAIRN_E_STATE, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_names_are_sorted),
        cmocka_unit_test(chains_act_on_the_hits_that_they_name),
        cmocka_unit_test(kill_and_abort_end_the_process_by_signal),
        cmocka_unit_test(a_malformed_value_asserts),
        cmocka_unit_test(a_name_outside_the_table_asserts),
        cmocka_unit_test(a_pause_lasts_until_the_fifo_is_opened),
        cmocka_unit_test(each_point_is_traced_once),
        cmocka_unit_test(the_macro_goes_on_when_the_point_is_off),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

#else

static cairn_code guarded(cairn_error *err)
{
    CAIRN_FAILPOINT("no.such.point", err);
    return CAIRN_E_STATE;
}

static void a_build_without_fail_points_passes_over_them(void **state)
{
    (void)state;

    ASSERT_CODE(guarded(NULL), CAIRN_E_STATE, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_without_fail_points_passes_over_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
