#include "state_key.h"

#include "bounds.h"
#include "errors.h"

#include <string.h>

/*
 * Within a part 0x00 is only ever followed by ESCAPED (a literal zero) or END. END is below ESCAPED
 * and below every other byte that may follow in a longer part, so "a" sorts before "a\0" and "ab".
 */
#define ZERO    0x00
#define ESCAPED 0xff
#define END     0x01
#define PAIR    2 /* bytes of an escape or of the end */

#define GROUP_BYTES_MAX     2
#define ONE_BYTE_GROUPS_MAX 128

uint32_t state_key_group_bytes(uint32_t max_parallelism)
{
    return max_parallelism <= ONE_BYTE_GROUPS_MAX ? 1 : GROUP_BYTES_MAX;
}

/* Escapes `part` to `to` and ends it; gives the first free byte. Room: 2 * len + PAIR. */
static uint8_t *write_part(uint8_t *to, cairn_slice part)
{
    const uint8_t *from = part.data;
    size_t left = part.len;

    while (left > 0) {
        const uint8_t *zero = memchr(from, ZERO, left);
        size_t plain = zero == NULL ? left : (size_t)(zero - from);

        memcpy(to, from, plain);
        to += plain;
        if (zero == NULL) {
            break;
        }
        *to++ = ZERO;
        *to++ = ESCAPED;
        from = zero + 1;
        left -= plain + 1;
    }
    *to++ = ZERO;
    *to++ = END;
    return to;
}

cairn_code state_key_begin(cairn_buf *out, uint32_t key_group, uint32_t max_parallelism,
                           cairn_slice key, cairn_error *err)
{
    size_t prefix = state_key_group_bytes(max_parallelism);
    uint8_t *to;

    CAIRN_ASSERT(max_parallelism <= CAIRN_PARALLELISM_MAX && key_group < max_parallelism);
    if (key.len > CAIRN_KEY_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "key of %zu bytes: at most %zu are allowed", key.len,
                         CAIRN_KEY_BYTES_MAX);
    }
    buf_clear(out);
    CAIRN_TRY(buf_reserve(out, GROUP_BYTES_MAX + 2 * key.len + PAIR, err));
    to = out->data;
    if (prefix > 1) {
        *to++ = (uint8_t)(key_group >> 8);
    }
    *to++ = (uint8_t)(key_group & 0xff);
    out->len = (size_t)(write_part(to, key) - out->data);
    return CAIRN_OK;
}

cairn_code state_key_check_namespace(cairn_slice name_space, cairn_error *err)
{
    if (name_space.len > CAIRN_NAMESPACE_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "namespace of %zu bytes: at most %zu are allowed",
                         name_space.len, CAIRN_NAMESPACE_BYTES_MAX);
    }
    return CAIRN_OK;
}

cairn_code state_key_append_namespace(cairn_buf *out, cairn_slice name_space, cairn_error *err)
{
    CAIRN_TRY(state_key_check_namespace(name_space, err));
    CAIRN_TRY(buf_reserve(out, 2 * name_space.len + PAIR, err));
    out->len = (size_t)(write_part(out->data + out->len, name_space) - out->data);
    return CAIRN_OK;
}

void state_key_parts_release(state_key_parts *parts)
{
    cairn_buf_release(&parts->key);
    cairn_buf_release(&parts->name_space);
    parts->user_key = (cairn_slice){NULL, 0};
}

static void parts_move(state_key_parts *from, state_key_parts *to)
{
    *to = *from;
    *from = (state_key_parts){0};
}

static cairn_code damaged(const char *why, cairn_error *err)
{
    return error_set(err, CAIRN_E_INTEGRITY, "composite key: %s", why);
}

/* Decodes one part from the start of *rest and moves *rest behind its end. */
static cairn_code read_part(cairn_slice *rest, size_t max, cairn_buf *out, cairn_error *err)
{
    const uint8_t *from = rest->data;
    const uint8_t *end = from + rest->len;
    const uint8_t *zero;

    for (;;) {
        zero = from == end ? NULL : memchr(from, ZERO, (size_t)(end - from));
        if (zero == NULL || zero + 1 == end) {
            return damaged("a part has no end", err);
        }
        CAIRN_TRY(buf_append(out, from, (size_t)(zero - from), err));
        from = zero + PAIR;
        if (zero[1] == END) {
            break;
        }
        if (zero[1] != ESCAPED) {
            return damaged("0x00 is followed by neither 0x01 nor 0xff", err);
        }
        CAIRN_TRY(buf_append_byte(out, ZERO, err));
    }
    *rest = (cairn_slice){from, (size_t)(end - from)};
    return out->len > max ? damaged("a part is too long", err) : CAIRN_OK;
}

cairn_code state_key_decode(cairn_slice encoded, uint32_t max_parallelism, state_key_parts *out,
                            cairn_error *err)
{
    CAIRN_AUTO(state_key_parts) parts = {0};
    size_t prefix = state_key_group_bytes(max_parallelism);
    cairn_slice rest;

    if (!state_key_group(encoded, max_parallelism, &parts.key_group)) {
        return damaged("no key group", err);
    }
    if (parts.key_group >= max_parallelism) {
        return error_set(err, CAIRN_E_INTEGRITY, "composite key: key group %u of %u",
                         parts.key_group, max_parallelism);
    }
    rest = (cairn_slice){(const uint8_t *)encoded.data + prefix, encoded.len - prefix};
    CAIRN_TRY(read_part(&rest, CAIRN_KEY_BYTES_MAX, &parts.key, err));
    CAIRN_TRY(read_part(&rest, CAIRN_NAMESPACE_BYTES_MAX, &parts.name_space, err));
    parts.user_key = rest;
    parts_move(&parts, out);
    return CAIRN_OK;
}

bool state_key_group(cairn_slice encoded, uint32_t max_parallelism, uint32_t *out)
{
    const uint8_t *bytes = encoded.data;
    size_t prefix = state_key_group_bytes(max_parallelism);

    if (encoded.len < prefix) {
        return false;
    }
    *out = prefix == 1 ? bytes[0] : (uint32_t)bytes[0] << 8 | bytes[1];
    return true;
}
