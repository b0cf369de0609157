/* What held a secret is wiped before its memory is given back. */
#include "test.h"

#include "s3_world.h"

#include <pthread.h>

#define TOKEN       "canary-token"
#define TOKEN_LINE  "x-amz-security-token: " TOKEN
#define SIGNATURE   "AWS4-HMAC-SHA256 "
#define SIGNED_LINE "authorization: " SIGNATURE

typedef struct wipes {
    const char *begin; /* of what was wiped */
    unsigned count;
} wipes;

static wipes seen[] = {{TOKEN, 0}, {TOKEN_LINE, 0}, {SIGNATURE, 0}, {SIGNED_LINE, 0}};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void look_and_wipe(void *bytes, size_t len) __asm__("explicit_bzero");

/* Stands in for libc's. */
void look_and_wipe(void *bytes, size_t len)
{
    volatile char *at = bytes;

    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        const size_t begin = strlen(seen[i].begin);
        seen[i].count += len >= begin && memcmp(bytes, seen[i].begin, begin) == 0 ? 1 : 0;
    }
    (void)pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < len; i++) {
        at[i] = 0;
    }
}

/* The keys, the lines of the request, the copies of them that libcurl was given. */
static void a_request_leaves_no_copy_of_token_and_signature(void **state)
{
    s3_world *w = *state;

    w->options.session_token = TOKEN;
    s3_world_restart(w);
    s3_world_serve(w);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(seen); i++) {
        seen[i].count = 0;
    }
    ASSERT_OK(cairn_store_put(w->store, &w->call, "k", cairn_slice_of("hello"), CAIRN_PUT_REPLACE,
                              &w->err),
              &w->err);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(seen); i++) {
        assert_true(seen[i].count >= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_leaves_no_copy_of_token_and_signature,
                                        s3_world_setup, s3_world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
