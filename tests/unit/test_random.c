#include "test.h"

#include "random.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDS 10000

static int compare(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static void numbers_do_not_repeat(void **state)
{
    (void)state;
    static uint64_t values[IDS];

    for (size_t i = 0; i < IDS; i++) {
        values[i] = random_u64();
    }
    qsort(values, IDS, sizeof(values[0]), compare);

    for (size_t i = 1; i < IDS; i++) {
        assert_true(values[i - 1] != values[i]);
    }
}

static void an_id_is_sixteen_hex_digits(void **state)
{
    (void)state;

    for (int i = 0; i < 100; i++) {
        char id[RANDOM_ID_SIZE];

        random_id(id);
        assert_int_equal(strspn(id, "0123456789abcdef"), RANDOM_ID_SIZE - 1);
        assert_int_equal(id[RANDOM_ID_SIZE - 1], '\0');
    }
}

static void a_forked_child_draws_other_numbers(void **state)
{
    (void)state;
    int ends[2];
    uint64_t theirs = 0;

    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    const uint64_t ours = random_u64();
    if (child == 0) {
        _exit(write(ends[1], &ours, sizeof(ours)) == sizeof(ours) ? 0 : 1);
    }
    assert_int_equal(read(ends[0], &theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(ends[0]);
    (void)close(ends[1]);

    assert_true(ours != theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_do_not_repeat),
        cmocka_unit_test(an_id_is_sixteen_hex_digits),
        cmocka_unit_test(a_forked_child_draws_other_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
