#include "state_info.h"

#include "alloc.h"
#include "errors.h"

void state_info_release(cairn_state_info *info)
{
    mem_free(info->name);
    mem_free(info->key_serializer.id);
    mem_free(info->value_serializer.id);
    *info = (cairn_state_info){0};
}

void state_info_move(cairn_state_info *from, cairn_state_info *to)
{
    *to = *from;
    *from = (cairn_state_info){0};
}

static cairn_code text_copy(const char *text, char **out, cairn_error *err)
{
    *out = mem_strdup(text);
    return *out == NULL ? error_no_memory(err, "state") : CAIRN_OK;
}

cairn_code state_info_copy(const cairn_state_info *from, cairn_state_info *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_state_info) copy = *from;

    copy.name = NULL;
    copy.key_serializer.id = NULL;
    copy.value_serializer.id = NULL;
    CAIRN_TRY(text_copy(from->name, &copy.name, err));
    CAIRN_TRY(text_copy(from->key_serializer.id, &copy.key_serializer.id, err));
    CAIRN_TRY(text_copy(from->value_serializer.id, &copy.value_serializer.id, err));
    state_info_move(&copy, out);
    return CAIRN_OK;
}

void operator_state_info_release(cairn_operator_state_info *info)
{
    mem_free(info->name);
    mem_free(info->key_serializer.id);
    mem_free(info->value_serializer.id);
    *info = (cairn_operator_state_info){0};
}

void operator_state_infos_free(cairn_operator_state_info *infos, size_t count)
{
    for (size_t i = 0; infos != NULL && i < count; i++) {
        operator_state_info_release(&infos[i]);
    }
    mem_free(infos);
}

void operator_state_info_move(cairn_operator_state_info *from, cairn_operator_state_info *to)
{
    *to = *from;
    *from = (cairn_operator_state_info){0};
}

cairn_code operator_state_info_copy(const cairn_operator_state_info *from,
                                    cairn_operator_state_info *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_operator_state_info) copy = *from;

    copy.name = NULL;
    copy.key_serializer.id = NULL;
    copy.value_serializer.id = NULL;
    CAIRN_TRY(text_copy(from->name, &copy.name, err));
    CAIRN_TRY(text_copy(from->key_serializer.id, &copy.key_serializer.id, err));
    CAIRN_TRY(text_copy(from->value_serializer.id, &copy.value_serializer.id, err));
    operator_state_info_move(&copy, out);
    return CAIRN_OK;
}

const char *const state_kind_names[] = {
    [CAIRN_STATE_VALUE] = "value",
    [CAIRN_STATE_LIST] = "list",
    [CAIRN_STATE_MAP] = "map",
    [CAIRN_STATE_REDUCING] = "reducing",
    [CAIRN_STATE_AGGREGATING] = "aggregating",
    [CAIRN_STATE_TIMERS] = "timers",
    NULL,
};

const char *state_kind_name(cairn_state_kind kind)
{
    return (size_t)kind < CAIRN_ARRAY_LEN(state_kind_names) - 1 ? state_kind_names[kind]
                                                                : "unknown";
}

const char *operator_mode_name(cairn_operator_mode mode)
{
    switch (mode) {
    case CAIRN_OPERATOR_LIST:
        return "list";
    case CAIRN_OPERATOR_UNION:
        return "union";
    case CAIRN_OPERATOR_BROADCAST:
        return "broadcast";
    }
    return NULL;
}
