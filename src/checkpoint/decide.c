#include "decide.h"

#include "limits.h"

cairn_code decide(cairn_store *root, const cairn_call *call, const char *key, cairn_slice document,
                  decision *out, cairn_buf *out_standing, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) standing = {0};

    cairn_code code = cairn_store_put(root, call, key, document, CAIRN_PUT_CREATE, err);
    if (code == CAIRN_OK) {
        *out = DECISION_OURS;
        return CAIRN_OK;
    }
    if (code != CAIRN_E_EXISTS) {
        return code;
    }
    CAIRN_TRY(cairn_store_get(root, call, key, CAIRN_MANIFEST_BYTES_MAX, &standing, err));
    *out = cairn_slice_equal(cairn_buf_slice(&standing), document) ? DECISION_OURS : DECISION_OTHER;
    if (*out == DECISION_OTHER && out_standing != NULL) {
        cairn_buf_release(out_standing);
        *out_standing = standing;
        standing = (cairn_buf){0};
    }
    return CAIRN_OK;
}
