#include "decide.h"

#include "bounds.h"
#include "errors.h"

void decision_release(decision *self)
{
    cairn_buf_release(&self->standing);
}

cairn_code decide(cairn_store *root, const cairn_call *call, const char *key, cairn_slice document,
                  decision *out, cairn_error *err)
{
    cairn_error problem = {0};
    cairn_code code = cairn_store_put(root, call, key, document, CAIRN_PUT_CREATE, &problem);

    if (code == CAIRN_OK) {
        out->ours = true;
        return CAIRN_OK;
    }
    if (code != CAIRN_E_EXISTS) {
        return error_set(err, code, "%s", problem.message);
    }
    CAIRN_TRY(cairn_store_get(root, call, key, CAIRN_MANIFEST_BYTES_MAX, &out->standing, err));
    out->ours = cairn_slice_equal(cairn_buf_slice(&out->standing), document);
    return CAIRN_OK;
}
