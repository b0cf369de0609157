#include "entry_filter.h"

#include "bounds.h"
#include "buf.h"

entry_fate entry_filter_apply(entry_filter_run *run, cairn_slice *value)
{
    entry_fate fate;

    if (run->filter.judge == NULL) {
        return CAIRN_ENTRY_KEEP;
    }
    if (!run->fixed && run->left-- == 0) {
        run->now_ms = entry_clock_now(&run->filter.clock);
        run->left = CAIRN_FILTER_CLOCK_ENTRIES - 1;
    }
    buf_clear(&run->bytes);
    fate = run->filter.judge(run->filter.ttl_ms, run->now_ms, *value, &run->bytes);
    if (fate == CAIRN_ENTRY_REPLACE) {
        *value = cairn_buf_slice(&run->bytes);
    }
    return fate;
}

void entry_filter_run_release(entry_filter_run *run)
{
    cairn_buf_release(&run->bytes);
}
