#include "state_elements.h"

#include "bounds.h"
#include "errors.h"

#define LOW_BITS         7
#define LOW_MASK         0x7f
#define MORE             0x80
#define LENGTH_BYTES_MAX 5 /* of CAIRN_LIST_BYTES_MAX */

_Static_assert(CAIRN_LIST_BYTES_MAX >> (LOW_BITS * LENGTH_BYTES_MAX) == 0, "a length fits");

static size_t write_length(size_t length, uint8_t to[LENGTH_BYTES_MAX])
{
    size_t count = 0;

    while (length > LOW_MASK) {
        to[count++] = (uint8_t)((length & LOW_MASK) | MORE);
        length >>= LOW_BITS;
    }
    to[count++] = (uint8_t)length;
    return count;
}

size_t element_bytes(cairn_slice element)
{
    size_t bytes = 1 + element.len;

    for (size_t left = element.len >> LOW_BITS; left > 0; left >>= LOW_BITS) {
        bytes++;
    }
    return bytes;
}

cairn_code element_append_length(cairn_buf *out, size_t length, cairn_error *err)
{
    uint8_t bytes[LENGTH_BYTES_MAX];

    CAIRN_ASSERT(length <= CAIRN_LIST_BYTES_MAX);
    return buf_append(out, bytes, write_length(length, bytes), err);
}

cairn_code element_append(cairn_buf *out, cairn_slice element, cairn_error *err)
{
    CAIRN_TRY(buf_reserve(out, element_bytes(element), err));
    CAIRN_TRY(element_append_length(out, element.len, err));
    return buf_append(out, element.data, element.len, err);
}

/* Bytes of the length at the start of `from`; 0 if it is cut, too long, or has needless zeros. */
static size_t read_length(cairn_slice from, size_t *out)
{
    const uint8_t *bytes = from.data;
    size_t length = 0;

    for (size_t i = 0; i < from.len && i < LENGTH_BYTES_MAX; i++) {
        length |= (size_t)(bytes[i] & LOW_MASK) << (LOW_BITS * i);
        if ((bytes[i] & MORE) == 0) {
            *out = length;
            return i > 0 && bytes[i] == 0 ? 0 : i + 1;
        }
    }
    return 0;
}

bool element_next(cairn_slice *rest, cairn_slice *out)
{
    const uint8_t *bytes = rest->data;
    size_t length = 0;
    const size_t head = read_length(*rest, &length);

    if (head == 0 || length > rest->len - head) {
        return false;
    }
    *out = (cairn_slice){bytes + head, length};
    *rest = (cairn_slice){bytes + head + length, rest->len - head - length};
    return true;
}

cairn_code elements_check(cairn_slice stored, cairn_error *err)
{
    cairn_slice rest = stored;
    cairn_slice element;

    while (element_next(&rest, &element)) {
    }
    if (rest.len > 0) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "read a list: no element begins at byte %zu of its %zu",
                         stored.len - rest.len, stored.len);
    }
    return CAIRN_OK;
}
