/* The serializers of cairn itself. */
#include <cairn/serializer.h>

#include "buf.h"
#include "errors.h"
#include "state_handle.h"
#include "state_number.h"
#include "utf8.h"

#include <string.h>

#define ASCII_END 0x80

cairn_code cairn_buf_append(cairn_buf *buf, cairn_slice bytes, cairn_error *err)
{
    if (buf == NULL || !state_slice_is_valid(bytes)) {
        return error_set(err, CAIRN_E_INVALID, "add to a buffer: it or the bytes are NULL");
    }
    return buf_append(buf, bytes.data, bytes.len, err);
}

/* --- numbers: their 64 bits, with those of `context` flipped ---------------------------------- */

static uint64_t flipped_bits(const void *context)
{
    return context == NULL ? 0 : *(const uint64_t *)context;
}

static cairn_code number_serialize(void *context, const void *value, cairn_buf *out,
                                   cairn_error *err)
{
    uint8_t bytes[STATE_NUMBER_BYTES];
    uint64_t bits;

    memcpy(&bits, value, sizeof(bits));
    state_number_write(bits ^ flipped_bits(context), bytes);
    return buf_append(out, bytes, sizeof(bytes), err);
}

static cairn_code number_deserialize(void *context, cairn_slice bytes, void *out_value,
                                     cairn_error *err)
{
    if (bytes.len != STATE_NUMBER_BYTES) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "read a number: it has %zu bytes, not %d",
                         bytes.len, STATE_NUMBER_BYTES);
    }
    const uint64_t bits = state_number_read(bytes.data) ^ flipped_bits(context);
    memcpy(out_value, &bits, sizeof(bits));
    return CAIRN_OK;
}

_Static_assert(sizeof(double) == STATE_NUMBER_BYTES, "a double is an IEEE-754 binary64");

/* --- bytes and text --------------------------------------------------------------------------- */

static cairn_code bytes_serialize(void *context, const void *value, cairn_buf *out,
                                  cairn_error *err)
{
    (void)context;
    return cairn_buf_append(out, *(const cairn_slice *)value, err);
}

static cairn_code bytes_deserialize(void *context, cairn_slice bytes, void *out_value,
                                    cairn_error *err)
{
    (void)context;
    (void)err;
    *(cairn_slice *)out_value = bytes;
    return CAIRN_OK;
}

/* The place of the first byte that is not UTF-8; the length if all is. */
static size_t utf8_end(cairn_slice text)
{
    const uint8_t *const bytes = text.data;
    size_t at = 0;

    while (at < text.len) {
        const size_t length = bytes[at] < ASCII_END ? 1 : utf8_sequence(bytes + at, text.len - at);

        if (length == 0) {
            break;
        }
        at += length;
    }
    return at;
}

static cairn_code check_text(cairn_slice text, cairn_code code, const char *call, cairn_error *err)
{
    const size_t end = utf8_end(text);

    if (end < text.len) {
        return error_set(err, code, "%s a string: byte %zu of %zu is not UTF-8", call, end + 1,
                         text.len);
    }
    return CAIRN_OK;
}

static cairn_code string_serialize(void *context, const void *value, cairn_buf *out,
                                   cairn_error *err)
{
    const cairn_slice *const text = value;

    if (state_slice_is_valid(*text)) {
        CAIRN_TRY(check_text(*text, CAIRN_E_INVALID, "write", err));
    }
    return bytes_serialize(context, value, out, err);
}

static cairn_code string_deserialize(void *context, cairn_slice bytes, void *out_value,
                                     cairn_error *err)
{
    CAIRN_TRY(check_text(bytes, CAIRN_E_INCOMPATIBLE, "read", err));
    return bytes_deserialize(context, bytes, out_value, err);
}

/* --- what the header names -------------------------------------------------------------------- */

const cairn_serializer *cairn_u64_serializer(void)
{
    static const cairn_serializer type = {"u64", 1, number_serialize, number_deserialize, NULL};

    return &type;
}

const cairn_serializer *cairn_i64_serializer(void)
{
    static uint64_t sign = STATE_SIGN_BIT; /* never written: context has no const */
    static const cairn_serializer type = {"i64", 1, number_serialize, number_deserialize, &sign};

    return &type;
}

const cairn_serializer *cairn_double_serializer(void)
{
    static const cairn_serializer type = {"double", 1, number_serialize, number_deserialize, NULL};

    return &type;
}

const cairn_serializer *cairn_string_serializer(void)
{
    static const cairn_serializer type = {"string", 1, string_serialize, string_deserialize, NULL};

    return &type;
}

const cairn_serializer *cairn_bytes_serializer(void)
{
    static const cairn_serializer type = {"bytes", 1, bytes_serialize, bytes_deserialize, NULL};

    return &type;
}
