/*
 * The store contract on a real HDFS. CAIRN_HDFS_URI names it ("webhdfs://host:port/folder"); each
 * case has a new folder below that one, which is deleted afterwards. Further, all optional:
 * CAIRN_HDFS_CONF (folder of core-site.xml), CAIRN_HDFS_NAMENODES (URLs with commas between, in
 * place of the URI's), CAIRN_HDFS_USER, CAIRN_HDFS_AUTH (simple, kerberos, token),
 * CAIRN_HDFS_TOKEN, CAIRN_HDFS_CA, CAIRN_HDFS_PREFIX, CAIRN_HDFS_MAP, CAIRN_HDFS_REPLICATION,
 * CAIRN_HDFS_RACES, CAIRN_HDFS_LISTED (objects of the large listing), CAIRN_LIVE_FULL (1: the
 * counts of a release). A server of ours has pages of five entries.
 */
#include "test.h"

#include <cairn/hdfs.h>

#include "encode.h"
#include "errors.h"
#include "random.h"
#include "store_contract.h"

#include <stdio.h>
#include <stdlib.h>

#define NAMENODES_MAX 8

static const char *setting(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static unsigned number(const char *name, unsigned otherwise)
{
    uint64_t value = 0;

    return parse_u64(cairn_slice_of(setting(name)), &value) && value < 1000000 ? (unsigned)value
                                                                               : otherwise;
}

static cairn_hdfs_auth auth_kind(void)
{
    const char *kind = setting("CAIRN_HDFS_AUTH");

    if (kind != NULL && strcmp(kind, "kerberos") == 0) {
        return CAIRN_HDFS_AUTH_KERBEROS;
    }
    return kind != NULL && strcmp(kind, "token") == 0 ? CAIRN_HDFS_AUTH_TOKEN
                                                      : CAIRN_HDFS_AUTH_SIMPLE;
}

/* Splits at commas, in place. */
static void split(char *text, const char *parts[NAMENODES_MAX + 1])
{
    size_t count = 0;

    for (char *at = text; at != NULL && count < NAMENODES_MAX;) {
        char *comma = strchr(at, ',');
        parts[count++] = at;
        if (comma != NULL) {
            *comma++ = '\0';
        }
        at = comma;
    }
}

static cairn_code open_store(const cairn_hdfs_place *place, const char *root, cairn_store **out,
                             cairn_error *err)
{
    char *list CAIRN_AUTO_FREE = NULL;
    const char *namenodes[NAMENODES_MAX + 1] = {NULL};
    cairn_hdfs_options options = CAIRN_HDFS_OPTIONS_INIT;

    for (size_t i = 0; i < NAMENODES_MAX; i++) {
        namenodes[i] = place->namenodes[i];
    }
    if (setting("CAIRN_HDFS_NAMENODES") != NULL) {
        list = mem_strdup(setting("CAIRN_HDFS_NAMENODES"));
        memset(namenodes, 0, sizeof(namenodes));
        split(list, namenodes);
    }
    options.namenodes = namenodes;
    options.root = root;
    options.auth = auth_kind();
    options.user = setting("CAIRN_HDFS_USER");
    options.token = setting("CAIRN_HDFS_TOKEN");
    options.ca_file = setting("CAIRN_HDFS_CA");
    options.path_prefix = setting("CAIRN_HDFS_PREFIX") != NULL ? setting("CAIRN_HDFS_PREFIX")
                                                               : options.path_prefix;
    options.datanode_map = setting("CAIRN_HDFS_MAP");
    options.replication = number("CAIRN_HDFS_REPLICATION", 0);
    return cairn_hdfs_store_new(&options, out, err);
}

static cairn_code make(cairn_store **out, void **out_instance, cairn_error *err)
{
    cairn_hdfs_place place = {.root = NULL};
    char id[RANDOM_ID_SIZE];
    char root[4096];

    if (setting("CAIRN_HDFS_URI") == NULL) {
        return error_set(err, CAIRN_E_INVALID, "CAIRN_HDFS_URI is not set");
    }
    CAIRN_TRY(
        cairn_hdfs_locate(setting("CAIRN_HDFS_URI"), setting("CAIRN_HDFS_CONF"), &place, err));
    random_id(id);
    (void)snprintf(root, sizeof(root), "%s/contract-%s",
                   strcmp(place.root, "/") == 0 ? "" : place.root, id);
    const cairn_code code = open_store(&place, root, out, err);
    cairn_hdfs_place_release(&place);
    *out_instance = NULL;
    return code;
}

static cairn_code delete_it(void *context, const char *key, const cairn_object_info *info,
                            cairn_error *err)
{
    (void)info;
    return cairn_store_delete(context, NULL, key, err);
}

/* Deleting the last object deletes the folders too. */
static void destroy(cairn_store *store, void *instance)
{
    uint64_t removed = 0;
    cairn_error err = {0};

    (void)instance;
    if (store == NULL) {
        return;
    }
    if (cairn_store_list(store, NULL, "", delete_it, store, &err) != CAIRN_OK ||
        cairn_hdfs_sweep(store, NULL, 0, &removed, &err) != CAIRN_OK) {
        print_error("the folder of a case stays: %s\n", err.message);
    }
    cairn_store_free(store);
}

int main(void)
{
    const bool full = setting("CAIRN_LIVE_FULL") != NULL;
    const store_contract_factory factory = {
        .name = "HDFS",
        .traits = {.race_rounds = number("CAIRN_HDFS_RACES", full ? 200 : 10),
                   .listed_objects = number("CAIRN_HDFS_LISTED", full ? 0 : 200),
                   .mixed_rounds = full ? 60 : 10,
                   .key_bytes = 900},
        .make = make,
        .destroy = destroy,
    };

    return store_contract_run(&factory);
}
