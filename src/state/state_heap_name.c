/* The names of group files: the key group, and how often it was changed when it was written. */
#include "encode.h"
#include "state_heap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FILE_PREFIX "kg-"
#define FILE_SUFFIX ".heap"

/* In the form that state_heap_name_file writes: no leading zeros. */
static bool read_number(const char **at, uint64_t *out)
{
    const size_t digits = strspn(*at, "0123456789");

    if ((*at)[0] == '0' && digits > 1) {
        return false;
    }
    if (!parse_u64((cairn_slice){*at, digits}, out)) {
        return false;
    }
    *at += digits;
    return true;
}

static bool skip(const char **at, const char *text)
{
    const size_t length = strlen(text);

    if (strncmp(*at, text, length) != 0) {
        return false;
    }
    *at += length;
    return true;
}

bool state_heap_is_group_file(const char *name, uint32_t *out_key_group, uint64_t *out_changes)
{
    uint64_t key_group = 0;
    uint64_t changes = 0;

    if (!skip(&name, FILE_PREFIX) || !read_number(&name, &key_group) || key_group > UINT32_MAX ||
        !skip(&name, "-") || !read_number(&name, &changes) || strcmp(name, FILE_SUFFIX) != 0) {
        return false;
    }
    *out_key_group = (uint32_t)key_group;
    *out_changes = changes;
    return true;
}

void state_heap_name_file(uint32_t key_group, uint64_t changes, char out[STATE_HEAP_NAME_BYTES])
{
    (void)snprintf(out, STATE_HEAP_NAME_BYTES, FILE_PREFIX "%" PRIu32 "-%" PRIu64 FILE_SUFFIX,
                   key_group, changes);
}
