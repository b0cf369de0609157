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
