#include <cairn/doctor.h>

#include "cli_config.h"
#include "cli_out.h"
#include "commands.h"
#include "errors.h"
#include "store_pick.h"

static const cli_option doctor_options[] = {CLI_OPTIONS_CONFIG, CLI_OPTION_JSON, CLI_OPTION_HELP};

static const cli_spec doctor_spec = {
    .command = "doctor",
    .usage = "URI [option]... [--json]",
    .summary = "examine a store: what it really enforces, and how safely jobs can run on it",
    .details =
        "Puts, reads, lists and deletes small objects below URI/doctor/, and removes them. VERDICT\n"
        "is ok, note (no promise hangs on it), bad (a promise is lost) or unknown (could not be\n"
        "asked). Ends with 0 if any number of attempts of a job may meet on the store, with 8 if not.",
    .options = doctor_options,
    .option_count = CAIRN_ARRAY_LEN(doctor_options),
    .min_arguments = 1,
    .max_arguments = 1,
};

static const char *const verdict_names[] = {
    [CAIRN_VERDICT_OK] = "ok",
    [CAIRN_VERDICT_NOTE] = "note",
    [CAIRN_VERDICT_BAD] = "bad",
    [CAIRN_VERDICT_UNKNOWN] = "unknown",
};

static const struct {
    const char *name;
    const char *follows;
} safety_levels[] = {
    [CAIRN_SAFETY_FENCED] =
        {"fenced", "attempts of a job may meet here: the newer one wins, the older one stops"},
    [CAIRN_SAFETY_SINGLE] =
        {"single", "create-only puts are not atomic here: run one attempt of a job at a time, with "
                   "-D cairn.store.create-check=single"},
    [CAIRN_SAFETY_NONE] = {"none", "not usable for checkpoints: see what is bad above"},
};

static const char *verdict_name(cairn_verdict verdict)
{
    CAIRN_ASSERT((size_t)verdict < CAIRN_ARRAY_LEN(verdict_names));
    return verdict_names[verdict];
}

static void print_finding(void *context, const cairn_finding *finding)
{
    const char *verdict = verdict_name(finding->verdict);

    (void)context;
    if (finding->detail[0] == '\0') {
        cli_out_printf("%-24s  %s\n", finding->name, verdict);
    } else {
        cli_out_printf("%-24s  %-7s  %s\n", finding->name, verdict, finding->detail);
    }
}

static void add_finding(void *context, const cairn_finding *finding)
{
    json_text *json = context;

    json_text_begin_object(json);
    json_text_member_string(json, "name", finding->name);
    json_text_member_string(json, "verdict", verdict_name(finding->verdict));
    json_text_name(json, "detail");
    json_text_bytes(json, cairn_slice_of(finding->detail));
    json_text_end_object(json);
}

static cairn_code examine_text(const cli_call *call, cairn_store *store, cairn_safety *out,
                               cairn_error *err)
{
    cli_out_printf("%-24s  %-7s  %s\n", "NAME", "VERDICT", "DETAIL");
    CAIRN_TRY(cairn_store_examine(store, &call->store, print_finding, NULL, out, err));
    cli_out_printf("safety: %s: %s\n", safety_levels[*out].name, safety_levels[*out].follows);
    return CAIRN_OK;
}

static cairn_code examine_json(const cli_call *call, cairn_store *store, cairn_safety *out,
                               cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    json_text json;

    cli_json_begin(&json, &document, "cairn-doctor", true);
    json_text_name(&json, "uri");
    json_text_bytes(&json, cairn_slice_of(cairn_store_uri(store)));
    json_text_name(&json, "findings");
    json_text_begin_array(&json);
    CAIRN_TRY(cairn_store_examine(store, &call->store, add_finding, &json, out, err));
    json_text_end_array(&json);
    json_text_member_string(&json, "safety", safety_levels[*out].name);
    json_text_member_string(&json, "follows", safety_levels[*out].follows);
    return cli_json_end(&json, err);
}

static cairn_code doctor_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    cairn_safety safety = CAIRN_SAFETY_NONE;

    CAIRN_TRY(store_pick_by_args(call->args, call->args->arguments[0], &store, err));
    CAIRN_TRY(
        (cli_given(call->args, "json") ? examine_json : examine_text)(call, store, &safety, err));
    if (safety == CAIRN_SAFETY_FENCED) {
        return CAIRN_OK;
    }
    return error_set(err, CAIRN_E_INCOMPATIBLE, "doctor: %s: safety is '%s': %s",
                     cairn_store_uri(store), safety_levels[safety].name,
                     safety_levels[safety].follows);
}

const cli_command cmd_doctor = {&doctor_spec, doctor_run};
