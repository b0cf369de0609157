#include "state_descriptor.h"

#include "encode.h"
#include "errors.h"
#include "state_handle.h"

#include <string.h>

static cairn_code check_name(const char *what, const char *name, cairn_error *err)
{
    if (name == NULL || !is_safe_name(cairn_slice_of(name))) {
        return error_set(err, CAIRN_E_INVALID,
                         "open state: the %s must match ^[A-Za-z0-9._-]{1,255}$", what);
    }
    return CAIRN_OK;
}

cairn_code state_descriptor_check(const cairn_state_descriptor *descriptor, cairn_error *err)
{
    if (descriptor == NULL || descriptor->version != CAIRN_STATE_DESCRIPTOR_VERSION) {
        return error_set(err, CAIRN_E_INVALID, "open state: no descriptor of version %d",
                         CAIRN_STATE_DESCRIPTOR_VERSION);
    }
    CAIRN_TRY(check_name("name", descriptor->name, err));
    CAIRN_TRY(check_name("key serializer", descriptor->key_serializer, err));
    return check_name("value serializer", descriptor->value_serializer, err);
}

static cairn_code compare_serializer(const char *state, const char *what,
                                     const cairn_serializer_id *stored, const char *id,
                                     uint32_t version, cairn_error *err)
{
    if (strcmp(stored->id, id) != 0 || stored->version != version) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "open state '%s': its %s serializer is %s version %u, not %s version %u",
                         state, what, stored->id, stored->version, id, version);
    }
    return CAIRN_OK;
}

cairn_code state_descriptor_compare(const cairn_state_info *stored, cairn_state_kind kind,
                                    const cairn_state_descriptor *descriptor, cairn_error *err)
{
    if (stored->kind != kind) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "open state '%s': its kind is %s, not %s",
                         stored->name, state_kind_name(stored->kind), state_kind_name(kind));
    }
    CAIRN_TRY(compare_serializer(stored->name, "key", &stored->key_serializer,
                                 descriptor->key_serializer, descriptor->key_serializer_version,
                                 err));
    return compare_serializer(stored->name, "value", &stored->value_serializer,
                              descriptor->value_serializer, descriptor->value_serializer_version,
                              err);
}

static cairn_code text_copy(const char *text, char **out, cairn_error *err)
{
    *out = mem_strdup(text);
    return *out == NULL ? error_no_memory(err, "state descriptor") : CAIRN_OK;
}

cairn_code state_descriptor_describe(const cairn_state_descriptor *descriptor,
                                     cairn_state_kind kind, cairn_state_info *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_state_info)
    info = {
        .kind = kind,
        .key_serializer = {NULL, descriptor->key_serializer_version},
        .value_serializer = {NULL, descriptor->value_serializer_version},
    };

    CAIRN_TRY(text_copy(descriptor->name, &info.name, err));
    CAIRN_TRY(text_copy(descriptor->key_serializer, &info.key_serializer.id, err));
    CAIRN_TRY(text_copy(descriptor->value_serializer, &info.value_serializer.id, err));
    state_info_move(&info, out);
    return CAIRN_OK;
}
