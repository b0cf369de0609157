#include "hdfs_namenodes.h"

#include "check.h"
#include "errors.h"

#include <stdatomic.h>
#include <string.h>

static cairn_code add(hdfs_namenodes *nodes, const char *address, cairn_error *err)
{
    hdfs_namenode *node = &nodes->items[nodes->count];
    size_t len = strlen(address);

    while (len > 0 && address[len - 1] == '/') {
        len--;
    }
    node->base = mem_strndup(address, len);
    if (node->base == NULL) {
        return error_no_memory(err, "the address of a NameNode");
    }
    nodes->count++;
    const cairn_code code = webhdfs_url_parse(cairn_slice_of(node->base), &node->url, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "NameNode %zu", nodes->count);
    }
    if (node->url.rest.len > 0) {
        return error_set(err, CAIRN_E_INVALID,
                         "NameNode %zu: only http://host:port, the path is an option of its own",
                         nodes->count);
    }
    return CAIRN_OK;
}

cairn_code hdfs_namenodes_init(hdfs_namenodes *nodes, const char *const *addresses,
                               cairn_error *err)
{
    *nodes = (hdfs_namenodes){.count = 0};
    if (addresses == NULL || addresses[0] == NULL) {
        return error_set(err, CAIRN_E_INVALID, "no NameNode is given");
    }
    for (; *addresses != NULL; addresses++) {
        if (nodes->count == CAIRN_HDFS_NAMENODES_MAX) {
            return error_set(err, CAIRN_E_INVALID, "more than %d NameNodes",
                             CAIRN_HDFS_NAMENODES_MAX);
        }
        CAIRN_TRY(add(nodes, *addresses, err));
    }
    return CAIRN_OK;
}

void hdfs_namenodes_release(hdfs_namenodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++) {
        mem_free(nodes->items[i].base);
    }
    nodes->count = 0;
}

size_t hdfs_namenodes_current(const hdfs_namenodes *nodes)
{
    return atomic_load(&nodes->current);
}

void hdfs_namenodes_move(hdfs_namenodes *nodes, size_t from)
{
    size_t expected = from;

    (void)atomic_compare_exchange_strong(&nodes->current, &expected, (from + 1) % nodes->count);
}
