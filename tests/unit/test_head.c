/* Which checkpoint counts: a table of histories, each with what a peer got wrong in its name. */
#include "test.h"

#include "fake_timeline.h"

typedef struct head_case {
    const char *name;
    fake_job job;
    uint64_t head;      /* 0: none */
    uint64_t counts[8]; /* ids, descending; 0 ends */
} head_case;

#define ABORTED CAIRN_MANIFEST_ABORTED

static const head_case CASES[] = {
    {.name = "nothing at all"},
    {.name = "an epoch that started empty and committed nothing",
     .job = {.claimed = 1, .started = 1}},
    {.name = "commits of one epoch form a chain",
     .job = {.claimed = 1, .started = 1, .entries = {{2, 1, 1}, {1, 1, 0}}},
     .head = 2,
     .counts = {2, 1}},
    {.name = "a new epoch starts from the newest commit",
     .job = {.claimed = 2, .started = 2, .started_from = 2, .entries = {{2, 1, 1}, {1, 1, 0}}},
     .head = 2,
     .counts = {2, 1}},
    {.name = "a stalled attempt's late commit above the start does not count",
     .job = {.claimed = 2, .started = 2, .started_from = 1, .entries = {{2, 1, 1}, {1, 1, 0}}},
     .head = 1,
     .counts = {1}},
    {.name = "a late commit between two commits of the living epoch is passed over",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 1,
             .entries = {{4, 2, 3}, {3, 2, 1}, {2, 1, 1}, {1, 1, 0}}},
     .head = 4,
     .counts = {4, 3, 1}},
    {.name = "a claim alone moves nothing",
     .job = {.claimed = 3, .started = 1, .entries = {{2, 1, 1}, {1, 1, 0}}},
     .head = 2,
     .counts = {2, 1}},
    {.name = "an abort record is never a head",
     .job = {.claimed = 1, .started = 1, .entries = {{3, 1, 0, ABORTED}, {2, 1, 1}, {1, 1, 0}}},
     .head = 2,
     .counts = {2, 1}},
    {.name = "a step back: what came after stops counting",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 1,
             .entries = {{3, 1, 2}, {2, 1, 1}, {1, 1, 0}}},
     .head = 1,
     .counts = {1}},
    {.name = "an empty start on purpose: nothing counts",
     .job = {.claimed = 2, .started = 2, .entries = {{3, 1, 2}, {2, 1, 1}}}},
    {.name = "below the boundary nothing counts, also if it was created again",
     .job =
         {.claimed = 1, .started = 1, .boundary = 3, .entries = {{4, 1, 3}, {3, 1, 2}, {2, 1, 1}}},
     .head = 4,
     .counts = {4, 3}},
    {.name = "a damaged newest manifest is the head, not passed over",
     .job = {.claimed = 1,
             .started = 1,
             .entries = {{.id = 3, .damaged = true}, {2, 1, 1}, {1, 1, 0}}},
     .head = 3,
     .counts = {3}},
    {.name = "a damaged manifest below the start is no head",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 3,
             .entries = {{3, 1, 1}, {.id = 2, .damaged = true}, {1, 1, 0}}},
     .head = 3,
     .counts = {3, 1}},
    {.name = "a copy of checkpoints without epochs: the highest commit",
     .job = {.entries = {{9, 4, 7}, {8, 3, 0, ABORTED}, {7, 2, 0}}},
     .head = 9,
     .counts = {9, 7}},
    {.name = "a missing ancestor ends the chain",
     .job = {.claimed = 1, .started = 1, .entries = {{5, 1, 4}, {3, 1, 0}}},
     .head = 5,
     .counts = {5}},
};

static uint64_t head_id(const timeline *line)
{
    return line->head == line->count ? 0 : line->entries[line->head].id;
}

static void expect_counts(const head_case *expected, const timeline *line)
{
    size_t next = 0;

    for (size_t i = 0; i < line->count; i++) {
        if (!line->entries[i].counts) {
            continue;
        }
        if (expected->counts[next] != line->entries[i].id) {
            fail_msg("%s: %llu counts", expected->name, (unsigned long long)line->entries[i].id);
        }
        next++;
    }
    if (expected->counts[next] != 0) {
        fail_msg("%s: %llu does not count", expected->name,
                 (unsigned long long)expected->counts[next]);
    }
}

static void head_and_ancestors_are_those_of_the_table(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        CAIRN_AUTO(timeline) line = {0};
        fake_timeline(&CASES[i].job, &line);
        if (head_id(&line) != CASES[i].head) {
            fail_msg("%s: the head is %llu", CASES[i].name, (unsigned long long)head_id(&line));
        }
        expect_counts(&CASES[i], &line);
    }
}

static void a_parent_with_other_bytes_is_damage(void **state)
{
    static const fake_job job = {
        .claimed = 1,
        .started = 1,
        .entries = {{.id = 2, .epoch = 1, .parent = 1, .parent_variant = 5}, {1, 1, 0}}};
    CAIRN_AUTO(timeline) line = {0};
    (void)state;

    fake_timeline(&job, &line);

    assert_int_equal(line.entries[1].code, CAIRN_E_INTEGRITY);
    assert_null(line.entries[1].manifest);
    ASSERT_MESSAGE_HAS(&line.entries[1].problem, "chk-1/manifest.json");
}

static void a_started_checkpoint_with_other_bytes_is_damage(void **state)
{
    static const fake_job job = {.claimed = 2,
                                 .started = 2,
                                 .started_from = 1,
                                 .entries = {{.id = 1, .epoch = 1, .variant = 5}}};
    CAIRN_AUTO(timeline) line = {0};
    (void)state;

    fake_timeline(&job, &line);

    assert_int_equal(line.entries[0].code, CAIRN_E_INTEGRITY);
}

/* Feldera 5667: an unreadable history was taken for an empty one. */
static void a_missing_started_checkpoint_is_damage_and_no_empty_start(void **state)
{
    static const fake_job job = {.claimed = 2, .started = 2, .started_from = 5};
    CAIRN_AUTO(timeline) line = {0};
    cairn_error err = {0};
    (void)state;

    fake_timeline(&job, &line);

    ASSERT_CODE(timeline_check_head(&line, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "chk-5/manifest.json is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_and_ancestors_are_those_of_the_table),
        cmocka_unit_test(a_parent_with_other_bytes_is_damage),
        cmocka_unit_test(a_started_checkpoint_with_other_bytes_is_damage),
        cmocka_unit_test(a_missing_started_checkpoint_is_damage_and_no_empty_start),
    };

    return cmocka_run_group_tests_name("head", tests, NULL, NULL);
}
