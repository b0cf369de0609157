#include "operator_file.h"

#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "state_elements.h"

#include <string.h>

#define MAGIC       "cairn-os"
#define MAGIC_BYTES 8
#define VERSION     1

#define U32_BYTES sizeof(uint32_t)
#define U64_BYTES sizeof(uint64_t)
#define BYTE_BITS 8

/* Three names with their lengths, the mode, two versions, two numbers. */
_Static_assert(3 * (CAIRN_NAME_BYTES_MAX + 2) + 1 + 2 * U32_BYTES + 2 * U64_BYTES + MAGIC_BYTES +
                       2 * U32_BYTES <=
                   CAIRN_OPERATOR_HEAD_BYTES,
               "the head of one state, and that of the file, fit");

void operator_image_release(operator_image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        operator_state_info_release(&image->states[i].info);
        cairn_buf_release(&image->states[i].bytes);
    }
    mem_free(image->states);
    *image = (operator_image){0};
}

operator_image operator_image_take(operator_image *image)
{
    const operator_image taken = *image;

    *image = (operator_image){0};
    return taken;
}

/* --- writing ---------------------------------------------------------------------------------- */

static cairn_code put_number(cairn_buf *out, uint64_t number, size_t bytes, cairn_error *err)
{
    for (size_t shift = BYTE_BITS * bytes; shift > 0; shift -= BYTE_BITS) {
        CAIRN_TRY(buf_append_byte(out, (uint8_t)(number >> (shift - BYTE_BITS)), err));
    }
    return CAIRN_OK;
}

static cairn_code put_serializer(cairn_buf *out, const cairn_serializer_id *serializer,
                                 cairn_error *err)
{
    CAIRN_TRY(element_append(out, cairn_slice_of(serializer->id), err));
    return put_number(out, serializer->version, U32_BYTES, err);
}

cairn_code operator_file_begin(cairn_buf *out, size_t state_count, cairn_error *err)
{
    cairn_buf_release(out);
    cairn_buf_init(out, CAIRN_OPERATOR_FILE_BYTES_MAX);
    CAIRN_TRY(buf_append(out, MAGIC, MAGIC_BYTES, err));
    CAIRN_TRY(put_number(out, VERSION, U32_BYTES, err));
    return put_number(out, state_count, U32_BYTES, err);
}

cairn_code operator_file_add(cairn_buf *out, const cairn_operator_state_info *info,
                             cairn_slice bytes, cairn_error *err)
{
    CAIRN_TRY(buf_reserve(out, bytes.len + CAIRN_OPERATOR_HEAD_BYTES, err));
    CAIRN_TRY(element_append(out, cairn_slice_of(info->name), err));
    CAIRN_TRY(put_number(out, (uint64_t)info->mode, 1, err));
    CAIRN_TRY(put_serializer(out, &info->key_serializer, err));
    CAIRN_TRY(put_serializer(out, &info->value_serializer, err));
    CAIRN_TRY(put_number(out, info->elements, U64_BYTES, err));
    CAIRN_TRY(put_number(out, bytes.len, U64_BYTES, err));
    return buf_append(out, bytes.data, bytes.len, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

static cairn_code damaged(const char *what, cairn_error *err)
{
    return error_set(err, CAIRN_E_INTEGRITY, "file of operator state: %s", what);
}

/* Takes `bytes` off the front of *rest. */
static cairn_code take(cairn_slice *rest, size_t bytes, cairn_slice *out, cairn_error *err)
{
    if (rest->len < bytes) {
        return damaged("it ends too early", err);
    }
    *out = (cairn_slice){rest->data, bytes};
    *rest = (cairn_slice){(const uint8_t *)rest->data + bytes, rest->len - bytes};
    return CAIRN_OK;
}

static cairn_code take_number(cairn_slice *rest, size_t bytes, uint64_t max, uint64_t *out,
                              cairn_error *err)
{
    cairn_slice digits = {NULL, 0};
    uint64_t number = 0;

    CAIRN_TRY(take(rest, bytes, &digits, err));
    for (size_t i = 0; i < bytes; i++) {
        number = number << BYTE_BITS | ((const uint8_t *)digits.data)[i];
    }
    if (number > max) {
        return damaged("a number is beyond its bound", err);
    }
    *out = number;
    return CAIRN_OK;
}

static cairn_code take_name(cairn_slice *rest, char **out, cairn_error *err)
{
    cairn_slice name;

    if (!element_next(rest, &name) || !is_safe_name(name)) {
        return damaged("a name is not [A-Za-z0-9._-]{1,255}", err);
    }
    *out = mem_strndup(name.data, name.len);
    return *out == NULL ? error_no_memory(err, "operator state") : CAIRN_OK;
}

static cairn_code take_serializer(cairn_slice *rest, cairn_serializer_id *out, cairn_error *err)
{
    uint64_t version = 0;

    CAIRN_TRY(take_name(rest, &out->id, err));
    CAIRN_TRY(take_number(rest, U32_BYTES, UINT32_MAX, &version, err));
    out->version = (uint32_t)version;
    return CAIRN_OK;
}

static cairn_code check_list(cairn_slice rest, uint64_t elements, cairn_error *err)
{
    uint64_t count = 0;
    cairn_slice element;

    while (element_next(&rest, &element)) {
        count++;
    }
    if (rest.len > 0) {
        return damaged("an element ends too late", err);
    }
    return count == elements ? CAIRN_OK
                             : damaged("it has another number of elements than it says", err);
}

static int compare(cairn_slice a, cairn_slice b)
{
    const size_t common = a.len < b.len ? a.len : b.len;
    const int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static cairn_code check_broadcast(cairn_slice rest, uint64_t elements, cairn_error *err)
{
    uint64_t count = 0;
    cairn_slice last = {NULL, 0};
    cairn_slice key;
    cairn_slice value;

    while (element_next(&rest, &key)) {
        if (!element_next(&rest, &value)) {
            return damaged("a key has no value", err);
        }
        if (count > 0 && compare(last, key) >= 0) {
            return damaged("the keys are not sorted or not unique", err);
        }
        last = key;
        count++;
    }
    return rest.len == 0 && count == elements
               ? CAIRN_OK
               : damaged("it has another number of entries than it says", err);
}

static cairn_code take_bytes(cairn_slice *rest, operator_image_state *state, cairn_error *err)
{
    uint64_t bytes = 0;
    cairn_slice content = {NULL, 0};

    CAIRN_TRY(
        take_number(rest, U64_BYTES, CAIRN_OPERATOR_ELEMENTS_MAX, &state->info.elements, err));
    CAIRN_TRY(take_number(rest, U64_BYTES, CAIRN_OPERATOR_BYTES_MAX, &bytes, err));
    CAIRN_TRY(take(rest, (size_t)bytes, &content, err));
    CAIRN_TRY(state->info.mode == CAIRN_OPERATOR_BROADCAST
                  ? check_broadcast(content, state->info.elements, err)
                  : check_list(content, state->info.elements, err));
    cairn_buf_init(&state->bytes, CAIRN_OPERATOR_BYTES_MAX);
    return buf_append(&state->bytes, content.data, content.len, err);
}

static cairn_code take_state(cairn_slice *rest, operator_image_state *state, cairn_error *err)
{
    uint64_t mode = 0;

    CAIRN_TRY(take_name(rest, &state->info.name, err));
    CAIRN_TRY(take_number(rest, 1, CAIRN_OPERATOR_BROADCAST, &mode, err));
    state->info.mode = (cairn_operator_mode)mode;
    CAIRN_TRY(take_serializer(rest, &state->info.key_serializer, err));
    CAIRN_TRY(take_serializer(rest, &state->info.value_serializer, err));
    return take_bytes(rest, state, err);
}

static cairn_code take_head(cairn_slice *rest, uint64_t *out_count, cairn_error *err)
{
    cairn_slice magic = {NULL, 0};
    uint64_t version = 0;

    CAIRN_TRY(take(rest, MAGIC_BYTES, &magic, err));
    if (memcmp(magic.data, MAGIC, MAGIC_BYTES) != 0) {
        return damaged("it begins otherwise", err);
    }
    CAIRN_TRY(take_number(rest, U32_BYTES, UINT32_MAX, &version, err));
    if (version != VERSION) {
        return error_set(err, version == 0 ? CAIRN_E_INTEGRITY : CAIRN_E_INCOMPATIBLE,
                         "file of operator state: version %llu; this cairn reads version %d",
                         (unsigned long long)version, VERSION);
    }
    return take_number(rest, U32_BYTES, CAIRN_STATES_MAX, out_count, err);
}

cairn_code operator_file_read(cairn_slice file, operator_image *out, cairn_error *err)
{
    CAIRN_AUTO(operator_image) image = {0};
    cairn_slice rest = file;
    uint64_t count = 0;

    CAIRN_TRY(take_head(&rest, &count, err));
    image.states = mem_calloc((size_t)count, sizeof(*image.states));
    if (image.states == NULL) {
        return error_no_memory(err, "operator state");
    }
    for (; image.count < count;) {
        operator_image_state *state = &image.states[image.count++];

        CAIRN_TRY(take_state(&rest, state, err));
        if (image.count > 1 && strcmp(state[-1].info.name, state->info.name) >= 0) {
            return damaged("the names are not sorted or not unique", err);
        }
    }
    if (rest.len > 0) {
        return damaged("something stands behind its end", err);
    }
    *out = operator_image_take(&image);
    return CAIRN_OK;
}

static bool same_serializer(const cairn_serializer_id *a, const cairn_serializer_id *b)
{
    return a->version == b->version && strcmp(a->id, b->id) == 0;
}

static bool same_info(const cairn_operator_state_info *a, const cairn_operator_state_info *b)
{
    return strcmp(a->name, b->name) == 0 && a->mode == b->mode && a->elements == b->elements &&
           same_serializer(&a->key_serializer, &b->key_serializer) &&
           same_serializer(&a->value_serializer, &b->value_serializer);
}

cairn_code operator_image_check(const operator_image *image, const cairn_operator_states_info *told,
                                cairn_error *err)
{
    bool same = image->count == told->state_count;

    for (size_t i = 0; same && i < image->count; i++) {
        same = same_info(&image->states[i].info, &told->states[i]);
    }
    return same ? CAIRN_OK : damaged("it holds other states than its manifest says", err);
}
