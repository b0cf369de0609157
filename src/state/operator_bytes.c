#include "operator_bytes.h"

#include "errors.h"

#include <stdatomic.h>
#include <string.h>

#define FIRST_BYTES 256

struct operator_block {
    atomic_size_t holders;
    size_t capacity;
    uint8_t data[];
};

static operator_block *block_new(size_t capacity)
{
    operator_block *block = mem_alloc(sizeof(*block) + capacity);

    if (block != NULL) {
        atomic_init(&block->holders, 1);
        block->capacity = capacity;
    }
    return block;
}

cairn_code operator_bytes_reserve(operator_bytes *bytes, size_t extra, cairn_error *err)
{
    const size_t need = bytes->len + extra;
    size_t capacity = bytes->len < FIRST_BYTES / 2 ? FIRST_BYTES : 2 * bytes->len;
    operator_bytes grown = {.len = bytes->len};

    if (bytes->block != NULL && bytes->block->capacity >= need) {
        return CAIRN_OK;
    }
    capacity = capacity < need ? need : capacity;
    grown.block = block_new(capacity);
    if (grown.block == NULL) {
        return error_no_memory(err, "operator state");
    }
    if (bytes->block != NULL) {
        memcpy(grown.block->data, bytes->block->data, bytes->len);
    }
    operator_bytes_release(bytes);
    *bytes = grown;
    return CAIRN_OK;
}

void operator_bytes_append(operator_bytes *bytes, cairn_slice more)
{
    CAIRN_ASSERT(bytes->block != NULL && bytes->block->capacity - bytes->len >= more.len);
    if (more.len > 0) {
        memcpy(bytes->block->data + bytes->len, more.data, more.len);
    }
    bytes->len += more.len;
}

operator_bytes operator_bytes_share(const operator_bytes *bytes)
{
    if (bytes->block != NULL) {
        atomic_fetch_add_explicit(&bytes->block->holders, 1, memory_order_relaxed);
    }
    return *bytes;
}

cairn_slice operator_bytes_slice(const operator_bytes *bytes)
{
    return (cairn_slice){bytes->block == NULL ? NULL : bytes->block->data, bytes->len};
}

void operator_bytes_release(operator_bytes *bytes)
{
    operator_block *block = bytes->block;

    *bytes = (operator_bytes){0};
    if (block != NULL && atomic_fetch_sub_explicit(&block->holders, 1, memory_order_acq_rel) == 1) {
        mem_free(block);
    }
}
