#include "test.h"

#include "alloc_sweep.h"

#include "alloc.h"

void alloc_sweep(alloc_sweep_fn work, void *context)
{
    uint64_t needed = 0;
    uint64_t nth = 1;

    for (;; nth++) {
        cairn_error err = {0};

        mem_fail_nth(nth, 0);
        const cairn_code code = work(context, &err);
        needed = mem_alloc_count();
        mem_fail_nth(0, 0);
        if (needed < nth) {
            ASSERT_OK(code, &err);
            break;
        }
        ASSERT_CODE(code, CAIRN_E_NO_MEMORY, &err);
        ASSERT_MESSAGE_HAS(&err, "out of memory");
    }
    assert_true(nth > 1);
}
