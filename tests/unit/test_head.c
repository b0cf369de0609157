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

static const head_case cases[] = {
    {.name = "nothing at all"},
    {.name = "an epoch that started empty and committed nothing",
     .job = {.claimed = 1, .started = 1}},
    {.name = "commits of one epoch form a chain",
     .job = {.claimed = 1,
             .started = 1,
             .entries = {{.id = 2, .epoch = 1, .parent = 1}, {.id = 1, .epoch = 1, .parent = 0}}},
     .head = 2,
     .counts = {2, 1}},
    {.name = "a new epoch starts from the newest commit",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 2,
             .entries = {{.id = 2, .epoch = 1, .parent = 1}, {.id = 1, .epoch = 1, .parent = 0}}},
     .head = 2,
     .counts = {2, 1}},
    {.name = "a stalled attempt's late commit above the start does not count",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 1,
             .entries = {{.id = 2, .epoch = 1, .parent = 1}, {.id = 1, .epoch = 1, .parent = 0}}},
     .head = 1,
     .counts = {1}},
    {.name = "a late commit between two commits of the living epoch is passed over",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 1,
             .entries = {{.id = 4, .epoch = 2, .parent = 3},
                         {.id = 3, .epoch = 2, .parent = 1},
                         {.id = 2, .epoch = 1, .parent = 1},
                         {.id = 1, .epoch = 1, .parent = 0}}},
     .head = 4,
     .counts = {4, 3, 1}},
    {.name = "a claim alone moves nothing",
     .job = {.claimed = 3,
             .started = 1,
             .entries = {{.id = 2, .epoch = 1, .parent = 1}, {.id = 1, .epoch = 1, .parent = 0}}},
     .head = 2,
     .counts = {2, 1}},
    {.name = "an abort record is never a head",
     .job = {.claimed = 1,
             .started = 1,
             .entries = {{.id = 3, .epoch = 1, .parent = 0, .kind = ABORTED},
                         {.id = 2, .epoch = 1, .parent = 1},
                         {.id = 1, .epoch = 1, .parent = 0}}},
     .head = 2,
     .counts = {2, 1}},
    {.name = "a step back: what came after stops counting",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 1,
             .entries = {{.id = 3, .epoch = 1, .parent = 2},
                         {.id = 2, .epoch = 1, .parent = 1},
                         {.id = 1, .epoch = 1, .parent = 0}}},
     .head = 1,
     .counts = {1}},
    {.name = "an empty start on purpose: nothing counts",
     .job = {.claimed = 2,
             .started = 2,
             .entries = {{.id = 3, .epoch = 1, .parent = 2}, {.id = 2, .epoch = 1, .parent = 1}}}},
    {.name = "below the boundary nothing counts, also if it was created again",
     .job = {.claimed = 1,
             .started = 1,
             .boundary = 3,
             .entries = {{.id = 4, .epoch = 1, .parent = 3},
                         {.id = 3, .epoch = 1, .parent = 2},
                         {.id = 2, .epoch = 1, .parent = 1}}},
     .head = 4,
     .counts = {4, 3}},
    {.name = "a damaged newest manifest is the head, not passed over",
     .job = {.claimed = 1,
             .started = 1,
             .entries = {{.id = 3, .damaged = true},
                         {.id = 2, .epoch = 1, .parent = 1},
                         {.id = 1, .epoch = 1, .parent = 0}}},
     .head = 3,
     .counts = {3, 2, 1}},
    {.name = "a damaged manifest below the start is no head",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 3,
             .entries = {{.id = 3, .epoch = 1, .parent = 1},
                         {.id = 2, .damaged = true},
                         {.id = 1, .epoch = 1, .parent = 0}}},
     .head = 3,
     .counts = {3, 1}},
    {.name = "below a damaged start the next commit is what a restore of the latest good one takes",
     .job = {.claimed = 2,
             .started = 2,
             .started_from = 3,
             .first_id = 4,
             .entries = {{.id = 3, .damaged = true},
                         {.id = 2, .epoch = 1, .parent = 1},
                         {.id = 1, .epoch = 1, .parent = 0}}},
     .head = 3,
     .counts = {3, 2, 1}},
    {.name = "a damaged manifest below the first id of the epoch is not its head",
     .job = {.claimed = 3,
             .started = 3,
             .started_from = 2,
             .first_id = 5,
             .entries = {{.id = 4, .damaged = true},
                         {.id = 2, .epoch = 1, .parent = 1},
                         {.id = 1, .epoch = 1, .parent = 0}}},
     .head = 2,
     .counts = {2, 1}},
    {.name = "a copy of checkpoints without epochs: the highest commit",
     .job = {.entries = {{.id = 9, .epoch = 4, .parent = 7},
                         {.id = 8, .epoch = 3, .parent = 0, .kind = ABORTED},
                         {.id = 7, .epoch = 2, .parent = 0}}},
     .head = 9,
     .counts = {9, 7}},
    {.name = "a missing ancestor ends the chain",
     .job = {.claimed = 1,
             .started = 1,
             .entries = {{.id = 5, .epoch = 1, .parent = 4}, {.id = 3, .epoch = 1, .parent = 0}}},
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

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CAIRN_AUTO(timeline) line = {0};
        fake_timeline(&cases[i].job, &line);
        if (head_id(&line) != cases[i].head) {
            fail_msg("%s: the head is %llu", cases[i].name, (unsigned long long)head_id(&line));
        }
        expect_counts(&cases[i], &line);
    }
}

static void a_parent_with_other_bytes_is_damage(void **state)
{
    static const fake_job job = {
        .claimed = 1,
        .started = 1,
        .entries = {{.id = 2, .epoch = 1, .parent = 1, .parent_variant = 5},
                    {.id = 1, .epoch = 1, .parent = 0}}};
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

/* The one manifest is gone, but retention had said that something counts. */
static void a_certificate_without_a_checkpoint_is_damage_and_no_empty_start(void **state)
{
    static const fake_job job = {.claimed = 1, .started = 1, .boundary = 4, .start_boundary = 0};
    static const fake_job empty_on_purpose = {
        .claimed = 2, .started = 2, .boundary = 4, .start_boundary = 4};
    CAIRN_AUTO(timeline) line = {0};
    CAIRN_AUTO(timeline) empty = {0};
    cairn_error err = {0};
    (void)state;

    fake_timeline(&job, &line);
    fake_timeline(&empty_on_purpose, &empty);

    ASSERT_CODE(timeline_check_head(&line, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "chk-4/manifest.json");
    ASSERT_OK(timeline_check_head(&empty, &err), &err);
    assert_int_equal(timeline_first_id(&empty), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_and_ancestors_are_those_of_the_table),
        cmocka_unit_test(a_parent_with_other_bytes_is_damage),
        cmocka_unit_test(a_started_checkpoint_with_other_bytes_is_damage),
        cmocka_unit_test(a_missing_started_checkpoint_is_damage_and_no_empty_start),
        cmocka_unit_test(a_certificate_without_a_checkpoint_is_damage_and_no_empty_start),
    };

    return cmocka_run_group_tests_name("head", tests, NULL, NULL);
}
