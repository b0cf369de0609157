/* The decorator of stores.h that users of the library may put around a store themselves. */
#include "errors.h"
#include "stores.h"

cairn_code cairn_store_retrying(cairn_store *inner, cairn_store **out, cairn_error *err)
{
    if (inner == NULL) {
        return error_set(err, CAIRN_E_INVALID, "repeat calls of a store: no store is given");
    }
    return store_retrying_new(inner, out, err);
}
