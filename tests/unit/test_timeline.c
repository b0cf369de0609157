/* Reading a job's storage: which certificates move the boundary, and how many of them are read. */
#include "test.h"

#include "buf.h"
#include "layout.h"
#include "manifest_fixture.h"
#include "store_fault.h"
#include "store_mem.h"
#include "timeline.h"

#define JOB     "job"
#define STARTED 3 /* the newest started epoch */

typedef struct fixture {
    cairn_store *memory;
    store_fault *store; /* its journal tells what was read */
    cairn_error err;
} fixture;

static void put(fixture *f, const char *key, const cairn_buf *document)
{
    ASSERT_OK(
        cairn_store_put(f->memory, NULL, key, cairn_buf_slice(document), CAIRN_PUT_CREATE, &f->err),
        &f->err);
}

static void put_start(fixture *f, uint64_t epoch, uint64_t boundary)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    char job[] = JOB;
    const record_start start = {.job = job,
                                .epoch = epoch,
                                .attempt = "00112233445566aa",
                                .started_ms = 1,
                                .boundary = boundary,
                                .first_id = 1};

    ASSERT_OK(record_start_print(&start, &document, &f->err), &f->err);
    put(f, layout_start(epoch).text, &document);
}

static void put_certificate(fixture *f, uint64_t epoch, uint64_t boundary)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    char job[] = JOB;
    const record_certificate certificate = {
        .job = job, .epoch = epoch, .id = "00112233445566bb", .made_ms = 1, .boundary = boundary};

    ASSERT_OK(record_certificate_print(&certificate, &document, &f->err), &f->err);
    put(f, layout_certificate(boundary, certificate.id).text, &document);
}

static int set_up(void **state)
{
    static fixture world;

    world = (fixture){0};
    *state = &world;
    ASSERT_OK(store_mem_new(&world.memory, &world.err), &world.err);
    ASSERT_OK(store_fault_new(world.memory, &world.store, &world.err), &world.err);
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    store_fault_free(f->store);
    cairn_store_free(f->memory);
    return 0;
}

static uint64_t read_boundary(fixture *f)
{
    CAIRN_AUTO(timeline) line = {0};

    ASSERT_OK(timeline_read(store_fault_store(f->store), NULL, JOB, &line, &f->err), &f->err);
    assert_int_equal(line.started, STARTED);
    return line.boundary;
}

static bool was_read(const fixture *f, uint64_t boundary)
{
    const store_fault_record *records = NULL;
    const size_t count = store_fault_journal(f->store, &records);
    const layout_key key = layout_certificate(boundary, "00112233445566bb");

    for (size_t i = 0; i < count; i++) {
        if (records[i].op == STORE_FAULT_GET && strcmp(records[i].key, key.text) == 0) {
            return true;
        }
    }
    return false;
}

typedef struct certificate {
    uint64_t epoch; /* 0 ends */
    uint64_t boundary;
} certificate;

typedef struct boundary_case {
    const char *title;
    uint64_t at_start;
    certificate certificates[5];
    uint64_t expected;
    uint64_t not_read; /* a boundary whose certificate can't matter any more; 0: none */
} boundary_case;

static void the_boundary_is_the_highest_of_the_started_epoch_whatever_others_stand_above(
    void **state)
{
    static const boundary_case cases[] = {
        {"the start's alone", 7, {{0}}, 7, 0},
        {"the epoch's own", 0, {{3, 5}}, 5, 0},
        {"one of an older epoch", 0, {{2, 9}}, 0, 0},
        {"behind one of an older epoch", 0, {{2, 9}, {3, 5}}, 5, 0},
        {"behind one of an epoch that has not started", 0, {{4, 9}, {3, 5}}, 5, 0},
        {"behind several others", 2, {{4, 12}, {2, 9}, {1, 8}, {3, 5}}, 5, 0},
        {"the highest of two", 0, {{3, 9}, {3, 5}}, 9, 5},
        {"what lies below the start's", 7, {{2, 9}, {3, 5}}, 7, 5},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const boundary_case *c = &cases[i];
        fixture *f = *state;
        print_message("%s\n", c->title);
        put_start(f, STARTED, c->at_start);
        for (const certificate *each = c->certificates; each->epoch != 0; each++) {
            put_certificate(f, each->epoch, each->boundary);
        }

        assert_int_equal(read_boundary(f), c->expected);
        assert_false(c->not_read != 0 && was_read(f, c->not_read));
        (void)tear_down(state);
        (void)set_up(state);
    }
}

/* It was copied there by hand; the files that it names are elsewhere. */
static void the_manifest_of_a_savepoint_is_no_checkpoint(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO(cairn_buf) document = fixture_golden("manifest_v2_savepoint.json");
    CAIRN_AUTO(timeline) line = {0};

    put(f, layout_manifest(FIXTURE_ID).text, &document);
    ASSERT_OK(timeline_read(f->memory, NULL, FIXTURE_JOB, &line, &f->err), &f->err);

    assert_int_equal(line.count, 1);
    assert_null(line.entries[0].manifest);
    ASSERT_CODE(line.entries[0].code, CAIRN_E_INTEGRITY, &line.entries[0].problem);
    ASSERT_MESSAGE_HAS(&line.entries[0].problem, "savepoint");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_boundary_is_the_highest_of_the_started_epoch_whatever_others_stand_above, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(the_manifest_of_a_savepoint_is_no_checkpoint, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
