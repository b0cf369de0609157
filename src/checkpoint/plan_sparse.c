/* Objects of group files that are mostly dead: what no checkpoint names any more keeps its room as
 * long as one file beside it is named. */
#include "errors.h"
#include "plan.h"

#include <stdlib.h>
#include <string.h>

static int by_key(const void *a, const void *b)
{
    const engine_file *const *first = a;
    const engine_file *const *second = b;

    return strcmp((*first)->info.key, (*second)->info.key);
}

/* How many of the files, which are sorted, share the object of the first. */
static size_t count_sharing(engine_file *const *files, size_t count)
{
    size_t sharing = 1;

    while (sharing < count && strcmp(files[sharing]->info.key, files[0]->info.key) == 0) {
        sharing++;
    }
    return sharing;
}

/*
 * An object's size stands in no manifest, but all its files are named by the checkpoint that stored
 * it: the end of the last one, remembered from there on. After a restore it is the end of the last
 * one that is still named.
 */
static void mark_object(engine_file **files, size_t count)
{
    uint64_t named = 0;
    uint64_t object_bytes = 0;

    for (size_t i = 0; i < count; i++) {
        const uint64_t end = files[i]->info.offset + files[i]->info.size;
        const uint64_t known = files[i]->object_bytes > end ? files[i]->object_bytes : end;

        named += files[i]->info.size;
        object_bytes = known > object_bytes ? known : object_bytes;
    }
    for (size_t i = 0; i < count; i++) {
        files[i]->object_bytes = object_bytes;
        files[i]->sparse = named < object_bytes - named;
    }
}

cairn_code plan_mark_sparse(engine_files *base, cairn_error *err)
{
    CAIRN_AUTO_FREE engine_file **packed = mem_calloc(base->count, sizeof(engine_file *));
    size_t count = 0;

    if (packed == NULL) {
        return error_no_memory(err, "plan of a checkpoint");
    }
    for (size_t i = 0; i < base->count; i++) {
        if (plan_is_packed(base->items[i].info.name)) {
            packed[count++] = &base->items[i];
        }
    }
    if (count > 0) {
        qsort(packed, count, sizeof(engine_file *), by_key);
    }
    for (size_t first = 0; first < count;) {
        const size_t sharing = count_sharing(packed + first, count - first);

        mark_object(packed + first, sharing);
        first += sharing;
    }
    return CAIRN_OK;
}
