#include "test.h"

#include "check.h"
#include "commands.h"
#include "options.h"

static const cli_option rows[] = {
    {.name = "input", .argument = "FILE", .help = "a file"},
    {.name = "define", .letter = 'D', .argument = "KEY=VALUE", .help = "set", .repeatable = true},
    {.name = "verbose", .letter = 'v', .help = "more"},
    {.name = "count", .argument = "N", .help = "a number"},
    CLI_OPTION_HELP,
};

static const cli_spec spec = {
    .command = "try",
    .usage = "URI [DIR]",
    .summary = "a command for this test",
    .options = rows,
    .option_count = CAIRN_ARRAY_LEN(rows),
    .min_arguments = 1,
    .max_arguments = 2,
};

#define LINE_WORDS_MAX 8

/* What was parsed borrows from the line. */
typedef struct command_words {
    char text[LINE_WORDS_MAX][64];
    char *argv[LINE_WORDS_MAX];
} command_words;

static cairn_code parse(command_words *to, const char *const *words, cli_args *out,
                        cairn_error *err)
{
    int argc = 0;

    while (argc < LINE_WORDS_MAX && words[argc] != NULL) {
        assert_true(strlen(words[argc]) < sizeof(to->text[argc]));
        memcpy(to->text[argc], words[argc], strlen(words[argc]) + 1);
        to->argv[argc] = to->text[argc];
        argc++;
    }
    return cli_parse(&spec, argc, to->argv, out, err);
}

static void a_wrong_line_says_what_is_wrong(void **state)
{
    static const struct {
        const char *words[LINE_WORDS_MAX];
        const char *message;
    } cases[] = {
        {{"uri", "--inptu", "x"}, "unknown option '--inptu'; the nearest known one is '--input'"},
        {{"uri", "--verbos=1"}, "'--verbose'"},
        {{"uri", "-x"}, "unknown option '-x'"},
        {{"uri", "--bad\x01"}, "'--bad\\x01'"},
        {{"uri", "--input"}, "--input needs a value: --input FILE"},
        {{"uri", "-D"}, "--define needs a value"},
        {{"uri", "--verbose=yes"}, "--verbose takes no value"},
        {{"uri", "--input", "a", "--input", "b"}, "--input is given twice"},
        {{"uri", "-v", "-v"}, "--verbose is given twice"},
        {{NULL}, "an argument is missing"},
        {{"--verbose"}, "an argument is missing"},
        {{"a", "b", "c"}, "'c' is one argument too many"},
        {{"a", "b", "--", "--input"}, "'--input' is one argument too many"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        command_words held;
        cli_args args = {0};
        cairn_error err = {0};

        ASSERT_CODE(parse(&held, cases[i].words, &args, &err), CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
        assert_null(args.spec);
    }
}

static void options_and_arguments_mix_in_both_forms(void **state)
{
    static const struct {
        const char *words[LINE_WORDS_MAX];
        const char *input; /* NULL: not given */
        const char *first;
        size_t argument_count;
    } cases[] = {
        {{"--input", "in", "uri"}, "in", "uri", 1},
        {{"uri", "--input=in", "dir"}, "in", "uri", 2},
        {{"uri", "--input", "-"}, "-", "uri", 1},
        {{"uri", "--input="}, "", "uri", 1},
        {{"--input", "--verbose", "uri"}, "--verbose", "uri", 1},
        {{"--input=a=b", "-"}, "a=b", "-", 1},
        {{"--", "--verbose"}, NULL, "--verbose", 1},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        command_words held;
        cli_args args = {0};
        cairn_error err = {0};

        ASSERT_OK(parse(&held, cases[i].words, &args, &err), &err);
        assert_string_equal(args.arguments[0], cases[i].first);
        assert_int_equal(args.argument_count, cases[i].argument_count);
        assert_int_equal(cli_given(&args, "input"), cases[i].input != NULL);
        if (cases[i].input != NULL) {
            assert_string_equal(cli_value(&args, "input"), cases[i].input);
        }
        assert_false(cli_given(&args, "verbose"));
    }
}

static void a_repeatable_option_keeps_all_its_values_in_order(void **state)
{
    const char *words[] = {"uri", "-D", "a=1", "-Db=2", "--define=c=3", "-v", NULL};
    command_words held;
    cli_args args = {0};
    cairn_error err = {0};
    (void)state;

    ASSERT_OK(parse(&held, words, &args, &err), &err);

    assert_int_equal(args.repeat_count, 3);
    assert_string_equal(args.repeats[0], "a=1");
    assert_string_equal(args.repeats[1], "b=2");
    assert_string_equal(args.repeats[2], "c=3");
    assert_true(cli_given(&args, "verbose"));
}

static void help_needs_no_arguments(void **state)
{
    const char *words[] = {"--help", NULL};
    command_words held;
    cli_args args = {0};
    cairn_error err = {0};
    (void)state;

    ASSERT_OK(parse(&held, words, &args, &err), &err);

    assert_true(cli_given(&args, "help"));
}

static void numbers_are_read_or_refused(void **state)
{
    const char *good[] = {"uri", "--count", "42", NULL};
    const char *bad[] = {"uri", "--count", "4x", NULL};
    command_words held;
    cli_args args = {0};
    cairn_error err = {0};
    uint64_t count = 0;
    (void)state;

    ASSERT_OK(parse(&held, good, &args, &err), &err);
    ASSERT_OK(cli_number(&args, "count", 7, &count, &err), &err);
    assert_int_equal(count, 42);
    ASSERT_OK(parse(&held, bad, &args, &err), &err);
    ASSERT_CODE(cli_number(&args, "count", 7, &count, &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "--count is '4x'");
}

static void every_command_has_a_table_within_its_bounds(void **state)
{
    const cli_command *command = NULL;
    size_t count = 0;
    (void)state;

    for (count = 0; (command = cli_command_at(count)) != NULL; count++) {
        assert_true(command->spec->option_count <= CLI_OPTIONS_MAX);
        assert_true(command->spec->max_arguments <= CLI_ARGUMENTS_MAX);
        assert_ptr_equal(cli_command_find(command->spec->command), command);
    }

    assert_int_equal(count, 14);
    assert_null(cli_command_find("lists"));
}

static void an_unknown_command_names_the_nearest(void **state)
{
    cairn_error err = {0};
    (void)state;

    ASSERT_CODE(cli_command_unknown("verfy", &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "the nearest known one is 'verify'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_line_says_what_is_wrong),
        cmocka_unit_test(options_and_arguments_mix_in_both_forms),
        cmocka_unit_test(a_repeatable_option_keeps_all_its_values_in_order),
        cmocka_unit_test(help_needs_no_arguments),
        cmocka_unit_test(numbers_are_read_or_refused),
        cmocka_unit_test(every_command_has_a_table_within_its_bounds),
        cmocka_unit_test(an_unknown_command_names_the_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
