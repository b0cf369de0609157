#include "test.h"

#include "check.h"
#include "run_places.h"

static void places_in_stores_are_compared_by_what_they_mean(void **state)
{
    static const struct {
        run_places places;
        const char *message; /* NULL: fine */
    } cases[] = {
        {{NULL, "s3://b/out", "s3://b/ck", NULL, "job"}, NULL},
        {{"s3://b/ck/job/in", "s3://b/out", "s3://b/ck", NULL, "job"}, NULL},
        {{NULL, "s3://b/ck/jobs", "s3://b/ck", NULL, "job"}, NULL},
        {{NULL, "s3://b/ck", "s3://b/ck", NULL, "job"}, NULL},
        {{NULL, "s3://c/ck/job", "s3://b/ck", NULL, "job"}, NULL},
        {{NULL, "webhdfs://b/ck/job", "s3://b/ck", NULL, "job"}, NULL},
        {{NULL, "/data/s3:/b/ck/job", "s3://b/ck", "/data/l", "job"}, NULL},
        {{NULL, "s3://b/out", "s3://b/ck", "/", "job"}, NULL},
        {{NULL, "s3://b/ck/job", "s3://b/ck", NULL, "job"}, "own folder s3://b/ck/job"},
        {{NULL, "s3://b/ck/job/out", "s3://b/ck/", NULL, "job"}, "own folder"},
        {{NULL, "s3a://b/ck//job/", "s3n://b/./ck", NULL, "job"}, "own folder"},
        {{NULL, "s3://b/job", "s3://b", NULL, "job"}, "own folder s3://b/job"},
        {{NULL, "webhdfs://NN:9870/c/job/x", "webhdfs://nn:9870/c", NULL, "job"}, "own folder"},
        {{NULL, "gs://b/out", "s3://b/ck", NULL, "job"}, "output: store: there is no store"},
        {{NULL, "s3://b/out", "gs://b/ck", NULL, "job"}, "checkpoints: store: there is no store"},
        {{"/in", "s3://b/out", "s3://b/ck", "/", "job"}, "the input"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cairn_error err = {0};

        if (cases[i].message == NULL) {
            ASSERT_OK(run_places_check(&cases[i].places, &err), &err);
        } else {
            ASSERT_CODE(run_places_check(&cases[i].places, &err), CAIRN_E_INVALID, &err);
            ASSERT_MESSAGE_HAS(&err, cases[i].message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_in_stores_are_compared_by_what_they_mean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
