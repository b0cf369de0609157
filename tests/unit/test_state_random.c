/*
 * Random sequences of operations on all kinds of keyed state, with snapshots and restores, on each
 * engine beside the plain model. CAIRN_MODEL_OPERATIONS sets how many per engine, CAIRN_MODEL_SEED
 * where to begin, CAIRN_MODEL_ENGINE which engine alone; what goes wrong is printed with its seed.
 */
#include "test.h"

#include "encode.h"
#include "state_model.h"
#include "state_random.h"
#include "state_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define OPERATIONS          20000
#define SEQUENCE_OPERATIONS 20000 /* each on a new engine */
#define FIRST_SEED          1
#define PROGRESS_SEQUENCES  25

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name); /* NOLINT(concurrency-mt-unsafe): there is one thread */
    uint64_t value = otherwise;

    if (text != NULL) {
        assert_true(parse_u64(cairn_slice_of(text), &value));
    }
    return value;
}

static state_subject make_world(const void *context)
{
    state_world *world = state_world_new(context);

    CAIRN_ASSERT(world != NULL);
    return state_world_subject(world);
}

static void free_world(void *self)
{
    state_world_free(self);
}

static void run_engine(const state_engine_kind *kind)
{
    const state_factory factory = {make_world, free_world, kind};
    const uint64_t first = setting("CAIRN_MODEL_SEED", FIRST_SEED);
    const uint64_t sequences =
        (setting("CAIRN_MODEL_OPERATIONS", OPERATIONS) + SEQUENCE_OPERATIONS - 1) /
        SEQUENCE_OPERATIONS;

    (void)printf("%s: %" PRIu64 " operations, seeds %" PRIu64 " to %" PRIu64 "\n", kind->name,
                 sequences * SEQUENCE_OPERATIONS, first, first + sequences - 1);
    for (uint64_t i = 0; i < sequences; i++) {
        CAIRN_AUTO(cairn_buf) example = {0};

        if (!state_random_agrees(&factory, first + i, SEQUENCE_OPERATIONS, &example)) {
            (void)printf("%s, seed %" PRIu64 ":\n%.*s\n", kind->name, first + i, (int)example.len,
                         (const char *)example.data);
            fail();
        }
        if ((i + 1) % PROGRESS_SEQUENCES == 0) {
            (void)printf("%s: %" PRIu64 " operations done\n", kind->name,
                         (i + 1) * SEQUENCE_OPERATIONS);
            (void)fflush(stdout);
        }
    }
}

static void each_engine_agrees_with_the_model(void **state)
{
    const char *only = getenv("CAIRN_MODEL_ENGINE"); /* NOLINT(concurrency-mt-unsafe) */

    (void)state;
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        if (only == NULL || strcmp(only, state_engine_kinds[i].name) == 0) {
            run_engine(&state_engine_kinds[i]);
        }
    }
}

/* --- the shrinker ----------------------------------------------------------------------------- */

/* The model, but a list is not cleared where it could be. */
static void run_forgetful(void *self, const state_op *op, cairn_buf *out)
{
    const state_subject whole = state_model_subject(self);
    const state_op get = {VERB_GET, op->handle, 0, {{NULL, 0}}};
    CAIRN_AUTO(cairn_buf) found = {0};

    if (op->verb != VERB_CLEAR || op->handle % STATE_KINDS != CAIRN_STATE_LIST) {
        whole.run(whole.self, op, out);
        return;
    }
    whole.run(whole.self, &get, &found);
    state_print(out, cairn_slice_equal(cairn_buf_slice(&found), cairn_slice_of("!STATE"))
                         ? cairn_buf_slice(&found)
                         : cairn_slice_of("ok"));
}

static state_subject make_forgetful(const void *context)
{
    (void)context;
    return (state_subject){run_forgetful, state_model_new()};
}

static void free_model(void *self)
{
    state_model_free(self);
}

static void a_sequence_that_goes_wrong_is_shrunk(void **state)
{
    const state_factory factory = {make_forgetful, free_model, NULL};
    CAIRN_AUTO(cairn_buf) example = {0};
    size_t lines = 0;

    (void)state;
    assert_false(state_random_agrees(&factory, FIRST_SEED, SEQUENCE_OPERATIONS, &example));
    for (const char *at = buf_text(&example); (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }

    /* A key, an add, the clear, and what shows it. */
    if (lines != 4 || strstr(buf_text(&example), ".clear => ok") == NULL) {
        fail_msg("%zu operations: %s", lines, buf_text(&example));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sequence_that_goes_wrong_is_shrunk),
        cmocka_unit_test(each_engine_agrees_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
