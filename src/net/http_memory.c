#include "errors.h"
#include "http_impl.h"

/* A failed allocation reaches us as many CURLcodes; this flag tells it from a peer's fault. */
static _Thread_local bool allocation_failed;

static void *note(void *block)
{
    if (block == NULL) {
        allocation_failed = true;
    }
    return block;
}

static void *on_malloc(size_t size)
{
    return note(mem_alloc(size));
}

static void *on_realloc(void *block, size_t size)
{
    return note(mem_realloc_array(block, 1, size));
}

static void *on_calloc(size_t count, size_t size)
{
    return note(mem_calloc(count, size));
}

static char *on_strdup(const char *text)
{
    return note(mem_strdup(text));
}

bool http_memory_failed(void)
{
    return allocation_failed;
}

void http_memory_forget(void)
{
    allocation_failed = false;
}

cairn_code http_curl_init(cairn_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool done;

    (void)pthread_mutex_lock(&lock);
    if (!done) {
        done = curl_global_init_mem(CURL_GLOBAL_DEFAULT, on_malloc, mem_free, on_realloc, on_strdup,
                                    on_calloc) == CURLE_OK;
    }
    const bool ready = done;
    (void)pthread_mutex_unlock(&lock);
    return ready ? CAIRN_OK : error_no_memory(err, "initialise libcurl");
}
