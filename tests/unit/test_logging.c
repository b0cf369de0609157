#include "test.h"

#include "bounds.h"
#include "check.h"
#include "logging.h"

typedef struct sink {
    int lines;
    cairn_log_level level;
    char line[CAIRN_LOG_LINE_BYTES];
} sink;

static void keep_line(void *context, cairn_log_level level, const char *line)
{
    sink *kept = context;

    kept->lines++;
    kept->level = level;
    assert_true(strlen(line) < sizeof(kept->line));
    memcpy(kept->line, line, strlen(line) + 1);
}

static void lines_up_to_the_level_reach_the_sink(void **state)
{
    (void)state;
    sink kept = {0};
    const cairn_log log = {keep_line, &kept, CAIRN_LOG_WARN};

    log_write(&log, CAIRN_LOG_INFO, "not made");
    assert_int_equal(kept.lines, 0);
    log_write(&log, CAIRN_LOG_WARN, "lag of %d s", 7);

    assert_int_equal(kept.lines, 1);
    assert_int_equal(kept.level, CAIRN_LOG_WARN);
    assert_string_equal(kept.line, "lag of 7 s");
}

static void control_bytes_are_escaped(void **state)
{
    (void)state;
    sink kept = {0};
    const cairn_log log = {keep_line, &kept, CAIRN_LOG_DEBUG};

    log_write(&log, CAIRN_LOG_DEBUG, "%s", "a\nb\x1b[31m\x7f \xc3\xbc");

    assert_string_equal(kept.line, "a\\x0ab\\x1b[31m\\x7f \xc3\xbc");
}

static void a_long_line_is_cut_but_no_escape_is(void **state)
{
    (void)state;
    sink kept = {0};
    const cairn_log log = {keep_line, &kept, CAIRN_LOG_DEBUG};
    char text[2 * CAIRN_LOG_LINE_BYTES];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_write(&log, CAIRN_LOG_ERROR, "%s", text);
    assert_int_equal(strlen(kept.line), CAIRN_LOG_LINE_BYTES - 1);
    memset(text, '\n', sizeof(text) - 1);
    log_write(&log, CAIRN_LOG_ERROR, "%s", text);
    assert_int_equal(strlen(kept.line) % 4, 0);
}

static void without_a_sink_nothing_happens(void **state)
{
    (void)state;
    const cairn_log log = {NULL, NULL, CAIRN_LOG_DEBUG};

    log_write(NULL, CAIRN_LOG_ERROR, "x");
    log_write(&log, CAIRN_LOG_ERROR, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_up_to_the_level_reach_the_sink),
        cmocka_unit_test(control_bytes_are_escaped),
        cmocka_unit_test(a_long_line_is_cut_but_no_escape_is),
        cmocka_unit_test(without_a_sink_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
