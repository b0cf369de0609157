#include "options.h"

#include "encode.h"
#include "errors.h"

#include <string.h>

#define CLI_SHOWN_BYTES_MAX 80

typedef struct cli_line {
    const cli_spec *spec;
    int argc;
    char *const *argv;
    int next;
    bool only_arguments; /* after "--" */
} cli_line;

static size_t find_by_name(const cli_spec *spec, const char *name, size_t length)
{
    size_t index = 0;

    while (index < spec->option_count && (strlen(spec->options[index].name) != length ||
                                          memcmp(spec->options[index].name, name, length) != 0)) {
        index++;
    }
    return index;
}

static size_t find_by_letter(const cli_spec *spec, char letter)
{
    size_t index = 0;

    while (index < spec->option_count && spec->options[index].letter != letter) {
        index++;
    }
    return index;
}

static const char *nearest_option(const cli_spec *spec, const char *name)
{
    const char *best = "help";
    unsigned best_distance = ~0u;

    for (size_t i = 0; i < spec->option_count; i++) {
        unsigned distance = edit_distance(name, spec->options[i].name);

        if (distance < best_distance) {
            best_distance = distance;
            best = spec->options[i].name;
        }
    }
    return best;
}

static cairn_code unknown_option(const cli_spec *spec, const char *word, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};
    CAIRN_AUTO_FREE char *name = NULL;
    const char *bare = word + strspn(word, "-");

    name = mem_strndup(bare, strcspn(bare, "="));
    if (name == NULL) {
        return error_no_memory(err, "command line");
    }
    CAIRN_TRY(encode_printable(cairn_slice_of(word), CLI_SHOWN_BYTES_MAX, &shown, err));
    return error_set(err, CAIRN_E_INVALID,
                     "%s: unknown option '%s'; the nearest known one is '--%s' (see cairn help %s)",
                     spec->command, buf_text(&shown), nearest_option(spec, name), spec->command);
}

static cairn_code store_value(cli_args *args, size_t index, const char *value, cairn_error *err)
{
    const cli_option *option = &args->spec->options[index];

    if (option->repeatable) {
        if (args->repeat_count == CLI_REPEATS_MAX) {
            return error_set(err, CAIRN_E_LIMIT, "%s: --%s is given more than %d times",
                             args->spec->command, option->name, CLI_REPEATS_MAX);
        }
        args->repeats[args->repeat_count++] = value;
    } else if (args->values[index] != NULL) {
        return error_set(err, CAIRN_E_INVALID, "%s: --%s is given twice", args->spec->command,
                         option->name);
    }
    args->values[index] = value;
    return CAIRN_OK;
}

/* `attached` is the text after '=' (or after the letter); NULL: none. */
static cairn_code take_option(cli_line *line, cli_args *args, size_t index, const char *attached,
                              cairn_error *err)
{
    const cli_option *option = &line->spec->options[index];

    if (option->argument == NULL) {
        if (attached != NULL) {
            return error_set(err, CAIRN_E_INVALID, "%s: --%s takes no value", line->spec->command,
                             option->name);
        }
        return store_value(args, index, "", err);
    }
    if (attached == NULL) {
        if (line->next == line->argc) {
            return error_set(err, CAIRN_E_INVALID, "%s: --%s needs a value: --%s %s",
                             line->spec->command, option->name, option->name, option->argument);
        }
        attached = line->argv[line->next++];
    }
    return store_value(args, index, attached, err);
}

static cairn_code take_long(cli_line *line, cli_args *args, const char *word, cairn_error *err)
{
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    size_t index = find_by_name(line->spec, name, length);

    if (index == line->spec->option_count) {
        return unknown_option(line->spec, word, err);
    }
    return take_option(line, args, index, name[length] == '=' ? name + length + 1 : NULL, err);
}

static cairn_code take_letter(cli_line *line, cli_args *args, const char *word, cairn_error *err)
{
    size_t index = find_by_letter(line->spec, word[1]);

    if (index == line->spec->option_count) {
        return unknown_option(line->spec, word, err);
    }
    return take_option(line, args, index, word[2] != '\0' ? word + 2 : NULL, err);
}

static cairn_code take_argument(cli_args *args, const char *word, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};
    const cli_spec *spec = args->spec;

    if (args->argument_count < spec->max_arguments) {
        args->arguments[args->argument_count++] = word;
        return CAIRN_OK;
    }
    CAIRN_TRY(encode_printable(cairn_slice_of(word), CLI_SHOWN_BYTES_MAX, &shown, err));
    return error_set(err, CAIRN_E_INVALID, "%s: '%s' is one argument too many: cairn %s %s",
                     spec->command, buf_text(&shown), spec->command, spec->usage);
}

static cairn_code take_word(cli_line *line, cli_args *args, cairn_error *err)
{
    const char *word = line->argv[line->next++];

    if (line->only_arguments || word[0] != '-' || word[1] == '\0') {
        return take_argument(args, word, err);
    }
    if (strcmp(word, "--") == 0) {
        line->only_arguments = true;
        return CAIRN_OK;
    }
    return word[1] == '-' ? take_long(line, args, word, err) : take_letter(line, args, word, err);
}

cairn_code cli_parse(const cli_spec *spec, int argc, char *const *argv, cli_args *out,
                     cairn_error *err)
{
    cli_line line = {.spec = spec, .argc = argc, .argv = argv};
    cli_args args = {.spec = spec};

    CAIRN_ASSERT(spec->option_count <= CLI_OPTIONS_MAX);
    CAIRN_ASSERT(spec->max_arguments <= CLI_ARGUMENTS_MAX);
    while (line.next < argc) {
        CAIRN_TRY(take_word(&line, &args, err));
    }
    if (args.argument_count < spec->min_arguments && !cli_given(&args, "help")) {
        return error_set(err, CAIRN_E_INVALID, "%s: an argument is missing: cairn %s %s",
                         spec->command, spec->command, spec->usage);
    }
    *out = args;
    return CAIRN_OK;
}

const char *cli_value(const cli_args *args, const char *name)
{
    size_t index = find_by_name(args->spec, name, strlen(name));

    CAIRN_ASSERT(index < args->spec->option_count);
    return args->values[index];
}

bool cli_given(const cli_args *args, const char *name)
{
    return cli_value(args, name) != NULL;
}

cairn_code cli_number(const cli_args *args, const char *name, uint64_t fallback, uint64_t *out,
                      cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};
    const char *value = cli_value(args, name);

    if (value == NULL) {
        *out = fallback;
        return CAIRN_OK;
    }
    if (parse_u64(cairn_slice_of(value), out)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(encode_printable(cairn_slice_of(value), CLI_SHOWN_BYTES_MAX, &shown, err));
    return error_set(err, CAIRN_E_INVALID, "%s: --%s is '%s', should be a number",
                     args->spec->command, name, buf_text(&shown));
}
