/*
 * One create-only put into HDFS, without the retries that a job has around its store:
 *
 *     put_once URI KEY BYTES [MAP]    prints "ok" or the name of what went wrong; byte i is i mod
 * 251 put_once URI --sweep            removes all temporaries
 *
 * MAP is cairn_hdfs_options.datanode_map.
 */
#include <cairn/hdfs.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cairn_code open_store(const char *uri, const char *map, cairn_store **out, cairn_error *err)
{
    cairn_hdfs_options options = CAIRN_HDFS_OPTIONS_INIT;
    cairn_hdfs_place place = {.root = NULL};
    cairn_code code = cairn_hdfs_locate(uri, NULL, &place, err);

    if (code == CAIRN_OK) {
        options.namenodes = (const char *const *)place.namenodes;
        options.root = place.root;
        options.datanode_map = map;
        code = cairn_hdfs_store_new(&options, out, err);
    }
    cairn_hdfs_place_release(&place);
    return code;
}

static cairn_code put(cairn_store *store, const char *key, size_t size, cairn_error *err)
{
    const cairn_call call = {cairn_deadline_in(60000), NULL};
    unsigned char *bytes = malloc(size + 1);

    if (bytes == NULL) {
        return CAIRN_E_NO_MEMORY;
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(i % 251);
    }
    const cairn_code code =
        cairn_store_put(store, &call, key, (cairn_slice){bytes, size}, CAIRN_PUT_CREATE, err);
    free(bytes);
    return code;
}

int main(int argc, char **argv)
{
    cairn_store *store = NULL;
    cairn_error err = {0};
    const bool sweep = argc == 3 && strcmp(argv[2], "--sweep") == 0;

    if (!sweep && argc != 4 && argc != 5) {
        (void)fprintf(stderr, "usage: put_once URI KEY BYTES [MAP]\n");
        return 2;
    }
    cairn_code code = open_store(argv[1], argc == 5 ? argv[4] : NULL, &store, &err);
    if (code == CAIRN_OK) {
        code = sweep ? cairn_hdfs_sweep(store, NULL, 0, NULL, &err)
                     : put(store, argv[2], strtoul(argv[3], NULL, 10), &err);
    }
    (void)printf("%s\n", code == CAIRN_OK ? "ok" : cairn_code_name(code));
    (void)fprintf(stderr, "%s\n", code == CAIRN_OK ? "" : err.message);
    cairn_store_free(store);
    return 0;
}
