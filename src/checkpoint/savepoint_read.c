#include "errors.h"
#include "savepoint_store.h"

#include <string.h>

static cairn_code check_files(const cairn_file_info *files, size_t count, const char *folder,
                              cairn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(files[i].key, folder, strlen(folder)) != 0) {
            return error_set(err, CAIRN_E_INTEGRITY, "it names %s, which is not below %s",
                             files[i].key, folder);
        }
    }
    return CAIRN_OK;
}

static cairn_code check_subtask(const cairn_subtask_info *subtask, const char *folder,
                                cairn_error *err)
{
    CAIRN_TRY(check_files(subtask->files, subtask->file_count, folder, err));
    CAIRN_TRY(check_files(subtask->outputs, subtask->output_count, folder, err));
    return subtask->operator_states == NULL
               ? CAIRN_OK
               : check_files(&subtask->operator_states->file, 1, folder, err);
}

/* It stands by itself: it may be copied, and deleted, as a folder. */
static cairn_code check_place(const cairn_manifest *manifest, const char *name, cairn_error *err)
{
    const layout_key folder = layout_savepoint_folder(name);

    if (manifest->kind != CAIRN_MANIFEST_SAVEPOINT) {
        return error_set(err, CAIRN_E_INTEGRITY, "it is not a savepoint's");
    }
    for (size_t i = 0; i < manifest->operator_count; i++) {
        const cairn_operator_info *op = &manifest->operators[i];

        for (size_t j = 0; j < op->subtask_count; j++) {
            CAIRN_TRY(check_subtask(&op->subtasks[j], folder.text, err));
        }
    }
    return CAIRN_OK;
}

static cairn_code get_document(cairn_store *root, const cairn_call *call,
                               const savepoint_place *place, cairn_buf *out, cairn_error *err)
{
    const layout_key key = layout_savepoint(place->name);
    const cairn_code code =
        cairn_store_get(root, call, key.text, CAIRN_MANIFEST_BYTES_MAX, out, err);

    if (code == CAIRN_E_NOT_FOUND) {
        return error_set(err, code, "job %s has no savepoint %s in %s", place->job, place->name,
                         cairn_store_uri(root));
    }
    if (code == CAIRN_E_LIMIT) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s is larger than %zu bytes", key.text,
                         CAIRN_MANIFEST_BYTES_MAX);
    }
    return code;
}

cairn_code savepoint_read(cairn_store *root, const cairn_call *call, const savepoint_place *place,
                          cairn_buf *document, cairn_manifest **out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    const layout_key key = layout_savepoint(place->name);

    CAIRN_TRY(get_document(root, call, place, &bytes, err));
    cairn_code code = cairn_manifest_read(cairn_buf_slice(&bytes), place->job, 0, &manifest, err);
    if (code == CAIRN_OK) {
        code = check_place(manifest, place->name, err);
    }
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "%s", key.text);
    }
    *out = CAIRN_TAKE(manifest);
    if (document != NULL) {
        cairn_buf_release(document);
        *document = buf_take(&bytes);
    }
    return CAIRN_OK;
}
