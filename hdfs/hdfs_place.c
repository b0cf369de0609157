#include <cairn/hdfs.h>

#include "check.h"

void cairn_hdfs_place_release(cairn_hdfs_place *place)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(place->namenodes); i++) {
        mem_free(place->namenodes[i]);
    }
    mem_free(place->root);
    *place = (cairn_hdfs_place){.root = NULL};
}
