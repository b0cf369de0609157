/* What a garbage collection may delete: a table of histories. */
#include "test.h"

#include "fake_timeline.h"
#include "gc_plan.h"
#include "layout.h"

#include <stdio.h>

typedef struct gc_case {
    const char *name;
    fake_job job;
    gc_rules rules;
    uint64_t boundary;
    const char *victims[16]; /* in order, NULL at the end */
} gc_case;

#define ABORTED CAIRN_MANIFEST_ABORTED

static const gc_case cases[] = {
    {.name = "nothing to do",
     .job = {.claimed = 1,
             .started = 1,
             .entries = {{.id = 1, .epoch = 1, .parent = 0, .files = {"shared/op/1-a-1"}}},
             .objects = {"chk-1/manifest.json", "shared/op/1-a-1", "chk-1/op/0/1-a-part.json"}},
     .rules = {.num_retained = 1, .own_epoch = 1},
     .boundary = 1},
    {.name = "the own writer retires what is beyond num_retained, manifest first",
     .job =
         {.claimed = 1,
          .started = 1,
          .entries =
              {{.id = 2, .epoch = 1, .parent = 1, .files = {"shared/op/1-a-2", "shared/op/1-a-1"}},
               {.id = 1, .epoch = 1, .parent = 0, .files = {"shared/op/1-a-0", "shared/op/1-a-1"}}},
          .objects = {"shared/op/1-a-0", "shared/op/1-a-1", "shared/op/1-a-2",
                      "chk-1/manifest.json", "chk-2/manifest.json", "chk-1/op/0/1-a-part.json"}},
     .rules = {.num_retained = 1, .own_epoch = 1},
     .boundary = 2,
     .victims = {"chk-1/manifest.json", "shared/op/1-a-0", "chk-1/op/0/1-a-part.json"}},
    {.name = "from outside the living epoch is not touched, whatever num_retained says",
     .job = {.claimed = 1,
             .started = 1,
             .entries = {{.id = 2, .epoch = 1, .parent = 1, .files = {"shared/op/1-a-2"}},
                         {.id = 1, .epoch = 1, .parent = 0}},
             .objects = {"shared/op/1-a-2", "shared/op/1-a-9", "chk-1/manifest.json",
                         "chk-2/manifest.json"}},
     .rules = {.num_retained = 1},
     .boundary = 1},
    {.name = "the running attempt's base stays though the attempt has not committed yet",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 3,
             .entries = {{.id = 3, .epoch = 1, .parent = 2, .files = {"shared/op/1-a-3"}},
                         {.id = 2, .epoch = 1, .parent = 0}},
             .objects = {"shared/op/1-a-3", "shared/op/1-a-2", "shared/op/2-b-1",
                         "chk-2/manifest.json", "chk-3/manifest.json"}},
     .rules = {.num_retained = 1},
     .boundary = 3,
     .victims = {"chk-2/manifest.json", "shared/op/1-a-2"}},
    {.name = "orphans of older epochs go, those in flight in the living one stay",
     .job = {.claimed = 3,
             .started = 3,
             .started_from = 1,
             .entries = {{.id = 1, .epoch = 1, .parent = 0, .files = {"shared/op/1-a-1"}}},
             .objects = {"shared/op/1-a-1", "shared/op/1-a-2", "shared/op/2-b-1",
                         "chk-2/op/0/2-b-CURRENT", "shared/op/3-c-1", "chk-3/op/0/3-c-CURRENT"}},
     .rules = {.num_retained = 1},
     .boundary = 1,
     .victims = {"shared/op/1-a-2", "shared/op/2-b-1", "chk-2/op/0/2-b-CURRENT"}},
    {.name = "what is not ours is never a victim",
     .job = {.claimed = 2,
             .started = 2,
             .objects = {"notes.txt", "savepoints/x/manifest.json", "epochs/1/claim.json",
                         "epochs/1/start.json", "gc/1-a.json"}},
     .rules = {.num_retained = 1, .abandoned = true}},
    {.name = "a late commit of a stalled attempt goes only when asked for",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 1,
             .entries = {{.id = 2, .epoch = 1, .parent = 1, .files = {"shared/op/1-a-2"}},
                         {.id = 1, .epoch = 1, .parent = 0}},
             .objects = {"shared/op/1-a-2", "chk-2/manifest.json"}},
     .rules = {.num_retained = 1},
     .boundary = 1},
    {.name = "a decision key in the living epoch's range stays: its id could be decided again",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 1,
             .first_id = 2,
             .entries = {{.id = 2, .epoch = 1, .parent = 1, .files = {"shared/op/1-a-2"}},
                         {.id = 1, .epoch = 1, .parent = 0}},
             .objects = {"shared/op/1-a-2", "chk-2/manifest.json"}},
     .rules = {.num_retained = 1, .abandoned = true},
     .boundary = 1},
    {.name = "asked for, it goes with its files",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 1,
             .first_id = 3,
             .entries = {{.id = 2, .epoch = 1, .parent = 1, .files = {"shared/op/1-a-2"}},
                         {.id = 1, .epoch = 1, .parent = 0}},
             .objects = {"shared/op/1-a-2", "chk-2/manifest.json"}},
     .rules = {.num_retained = 1, .abandoned = true},
     .boundary = 1,
     .victims = {"chk-2/manifest.json", "shared/op/1-a-2"}},
    {.name =
         "an abort record of the living epoch keeps its id taken until it is below the boundary",
     .job = {.claimed = 1,
             .started = 1,
             .entries = {{.id = 4, .epoch = 1, .parent = 0, .kind = ABORTED},
                         {.id = 3, .epoch = 1, .parent = 1},
                         {.id = 2, .epoch = 1, .parent = 0, .kind = ABORTED},
                         {.id = 1, .epoch = 1, .parent = 0}}},
     .rules = {.num_retained = 1, .own_epoch = 1, .abandoned = true},
     .boundary = 3,
     .victims = {"chk-1/manifest.json", "chk-2/manifest.json"}},
    {.name = "the boundary never goes down",
     .job = {.claimed = 1,
             .started = 1,
             .boundary = 7,
             .entries = {{.id = 8, .epoch = 1, .parent = 7}}},
     .rules = {.num_retained = 5, .own_epoch = 1},
     .boundary = 8},
};

static void expect_victims(const gc_case *expected, const gc_plan *plan)
{
    size_t i = 0;

    for (; i < plan->victims.count; i++) {
        if (expected->victims[i] == NULL ||
            strcmp(expected->victims[i], plan->victims.items[i]) != 0) {
            fail_msg("%s: victim %zu is %s, expected %s", expected->name, i, plan->victims.items[i],
                     expected->victims[i] == NULL ? "none" : expected->victims[i]);
        }
    }
    if (expected->victims[i] != NULL) {
        fail_msg("%s: %s is not a victim", expected->name, expected->victims[i]);
    }
}

static void victims_are_those_of_the_table(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CAIRN_AUTO(timeline) line = {0};
        CAIRN_AUTO(gc_plan) plan = {0};
        cairn_error err = {0};
        fake_timeline(&cases[i].job, &line);

        ASSERT_OK(gc_plan_make(&line, &cases[i].rules, &plan, &err), &err);

        if (plan.boundary != cases[i].boundary) {
            fail_msg("%s: the boundary is %llu", cases[i].name, (unsigned long long)plan.boundary);
        }
        expect_victims(&cases[i], &plan);
    }
}

/* Neon 12921: GC ran on an incomplete picture. */
static void nothing_is_planned_while_a_manifest_cannot_be_read(void **state)
{
    static const fake_job job = {
        .claimed = 2,
        .started = 2,
        .started_from = 2,
        .entries = {{.id = 2, .epoch = 1, .parent = 0}, {.id = 1, .damaged = true}},
        .objects = {"shared/op/1-a-1"}};
    gc_rules rules = {.num_retained = 1, .abandoned = true};
    CAIRN_AUTO(timeline) line = {0};
    CAIRN_AUTO(gc_plan) plan = {0};
    cairn_error err = {0};
    (void)state;

    fake_timeline(&job, &line);

    ASSERT_CODE(gc_plan_make(&line, &rules, &plan, &err), CAIRN_E_INTEGRITY, &err);
    assert_int_equal(plan.victims.count, 0);
}

/* The store's clock has come to `newest_ms`; of one that runs nothing may go. */
static void what_probes_have_left_goes_after_an_hour_of_the_stores_clock(void **state)
{
    static const fake_job job = {.claimed = 1,
                                 .started = 1,
                                 .objects = {"probe/00112233aabbccdd/0", "probe/00112233aabbccdd/1",
                                             "probe/ffff2233aabbccdd/0",
                                             "chk-1/op/0/_crc32c-00112233aabbccdd",
                                             "shared/op/_crc32c-00112233aabbccdd"}};
    static const uint64_t ages_ms[] = {CAIRN_PROBE_LINGER_MS + 1, CAIRN_PROBE_LINGER_MS, 0,
                                       CAIRN_PROBE_LINGER_MS + 1, CAIRN_PROBE_LINGER_MS};
    static const uint64_t now_ms = UINT64_C(1700000000000);
    gc_rules rules = {.num_retained = 1, .own_epoch = 1};
    CAIRN_AUTO(timeline) line = {0};
    CAIRN_AUTO(gc_plan) plan = {0};
    cairn_error err = {0};
    (void)state;
    fake_timeline(&job, &line);
    line.newest_ms = now_ms;
    line.probe_count = CAIRN_ARRAY_LEN(ages_ms);
    line.probes = mem_calloc(line.probe_count, sizeof *line.probes);
    for (size_t i = 0; i < line.probe_count; i++) {
        const char *key = line.objects.items[i];
        assert_int_equal(layout_parse(key).kind, CAIRN_LAYOUT_PROBE);
        line.probes[i] = (timeline_probe){key, now_ms - ages_ms[i]};
    }

    ASSERT_OK(gc_plan_make(&line, &rules, &plan, &err), &err);

    assert_int_equal(plan.victims.count, 2);
    assert_string_equal(plan.victims.items[0], job.objects[0]);
    assert_string_equal(plan.victims.items[1], job.objects[3]);
    assert_int_equal(plan.manifest_victims, 0);
}

static void nothing_is_planned_while_the_started_checkpoint_is_missing(void **state)
{
    static const fake_job job = {
        .claimed = 2, .started = 2, .started_from = 9, .objects = {"shared/op/1-a-1"}};
    gc_rules rules = {.num_retained = 1};
    CAIRN_AUTO(timeline) line = {0};
    CAIRN_AUTO(gc_plan) plan = {0};
    cairn_error err = {0};
    (void)state;

    fake_timeline(&job, &line);

    ASSERT_CODE(gc_plan_make(&line, &rules, &plan, &err), CAIRN_E_INTEGRITY, &err);
}

/* Properties that hold for any history: 20,000 random ones. */
static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return *seed >> 16;
}

static void make_random_job(unsigned *seed, fake_job *job, char names[8][32])
{
    uint64_t id = 8;

    *job = (fake_job){.claimed = 3, .started = 3, .boundary = next_random(seed) % 4};
    for (size_t i = 0; i < 8; i++, id--) {
        uint64_t epoch = 1 + next_random(seed) % 3;
        job->entries[i] = (fake_entry){.id = id,
                                       .epoch = epoch,
                                       .parent = next_random(seed) % id,
                                       .kind = next_random(seed) % 4 == 0
                                                   ? CAIRN_MANIFEST_ABORTED
                                                   : CAIRN_MANIFEST_CHECKPOINT};
        (void)snprintf(names[i], sizeof names[i], "shared/op/%u-a-%zu",
                       (unsigned)(1 + next_random(seed) % 3), i);
        job->objects[i] = names[i];
        for (size_t j = 0; j < 3; j++) {
            job->entries[i].files[j] = names[next_random(seed) % (i + 1)];
        }
    }
    job->started_from = 0;
}

static bool names_key(const cairn_manifest *manifest, const char *key)
{
    for (size_t i = 0; i < manifest->operator_count; i++) {
        const cairn_subtask_info *subtask = &manifest->operators[i].subtasks[0];
        for (size_t j = 0; j < subtask->file_count; j++) {
            if (strcmp(subtask->files[j].key, key) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void check_not_named(const timeline *line, const gc_plan *plan, const char *key)
{
    for (size_t i = 0; i < line->count; i++) {
        const timeline_entry *entry = &line->entries[i];
        layout_key manifest = layout_manifest(entry->id);
        if (!key_list_contains(&plan->victims, manifest.text) && names_key(entry->manifest, key)) {
            fail_msg("%s is named by checkpoint %llu, which stays", key,
                     (unsigned long long)entry->id);
        }
    }
}

static void check_properties(const timeline *line, const gc_plan *plan, const gc_rules *rules)
{
    assert_true(plan->boundary >= line->boundary);
    for (size_t v = 0; v < plan->victims.count; v++) {
        layout_object object = layout_parse(plan->victims.items[v]);
        check_not_named(line, plan, plan->victims.items[v]);
        if (rules->own_epoch == 0 && object.kind == CAIRN_LAYOUT_SHARED) {
            assert_true(object.epoch < line->started);
        }
    }
}

static void no_random_history_loses_a_file_that_stays_named(void **state)
{
    unsigned seed = 1;
    (void)state;

    for (int round = 0; round < 20000; round++) {
        CAIRN_AUTO(timeline) line = {0};
        CAIRN_AUTO(gc_plan) plan = {0};
        cairn_error err = {0};
        char names[8][32];
        fake_job job;
        make_random_job(&seed, &job, names);
        gc_rules rules = {.num_retained = 1 + next_random(&seed) % 3,
                          .own_epoch = next_random(&seed) % 2 == 0 ? 0 : 3,
                          .abandoned = next_random(&seed) % 2 == 0};
        fake_timeline(&job, &line);
        cairn_code code = gc_plan_make(&line, &rules, &plan, &err);
        if (code == CAIRN_E_INTEGRITY) {
            continue; /* a random parent of another kind or digest */
        }
        ASSERT_OK(code, &err);
        key_list_sort(&plan.victims);

        check_properties(&line, &plan, &rules);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(victims_are_those_of_the_table),
        cmocka_unit_test(nothing_is_planned_while_a_manifest_cannot_be_read),
        cmocka_unit_test(nothing_is_planned_while_the_started_checkpoint_is_missing),
        cmocka_unit_test(what_probes_have_left_goes_after_an_hour_of_the_stores_clock),
        cmocka_unit_test(no_random_history_loses_a_file_that_stays_named),
    };

    return cmocka_run_group_tests_name("gc_plan", tests, NULL, NULL);
}
