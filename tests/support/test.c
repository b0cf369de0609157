#include "test.h"

void test_assert_code(cairn_code actual, cairn_code expected, const cairn_error *err,
                      const char *expr, const char *file, int line)
{
    if (actual == expected) {
        return;
    }
    print_error("%s\n  gave %s, not %s: %s\n", expr, cairn_code_name(actual),
                cairn_code_name(expected), err != NULL ? err->message : "(no error passed)");
    _fail(file, line);
}

void test_assert_message(const cairn_error *err, const char *text, const char *file, int line)
{
    size_t len = strnlen(err->message, sizeof(err->message));
    bool one_line = len > 0 && strchr(err->message, '\n') == NULL && err->message[len - 1] != '.';

    if (one_line && strstr(err->message, text) != NULL) {
        return;
    }
    print_error("message '%s' should be one line that holds '%s'\n", err->message, text);
    _fail(file, line);
}
