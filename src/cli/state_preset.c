#include "state_preset.h"

#include "buf.h"
#include "errors.h"
#include "store_uri.h"

#include <string.h>

typedef struct state_preset {
    const char *name;
    cairn_state_backend engine;
    bool in_folder;      /* may its checkpoints be in a folder */
    bool in_store;       /* and in S3 or HDFS */
    const char *wanted;  /* where they may be; of presets that don't take both */
    const char *instead; /* the preset of the other places */
} state_preset;

static const state_preset presets[] = {
    {"rocksdb", CAIRN_STATE_BACKEND_ROCKSDB, true, true, NULL, NULL},
    {"hashmap", CAIRN_STATE_BACKEND_HASHMAP, true, true, NULL, NULL},
    {"DiskStateBackend", CAIRN_STATE_BACKEND_HASHMAP, true, false, "in a folder (file:///path)",
     "FsStateBackend"},
    {"FsStateBackend", CAIRN_STATE_BACKEND_HASHMAP, false, true,
     "in S3 or HDFS (s3://, webhdfs://, hdfs://)", "DiskStateBackend"},
    {"RocksDBStateBackend", CAIRN_STATE_BACKEND_ROCKSDB, true, true, NULL, NULL},
};

static const state_preset *find(const char *name)
{
    size_t i = 0;

    while (i + 1 < CAIRN_ARRAY_LEN(presets) && strcmp(presets[i].name, name) != 0) {
        i++;
    }
    CAIRN_ASSERT(strcmp(presets[i].name, name) == 0);
    return &presets[i];
}

cairn_state_backend state_preset_engine(const char *name)
{
    return find(name)->engine;
}

cairn_code state_preset_check(const char *name, const char *checkpoints, cairn_error *err)
{
    const state_preset *preset = find(name);
    CAIRN_AUTO(cairn_buf) shown = {0};
    store_kind kind = CAIRN_STORE_KIND_DIR;

    CAIRN_TRY(store_uri_kind(checkpoints, "checkpoints: store", &kind, err));
    if (kind == CAIRN_STORE_KIND_DIR ? preset->in_folder : preset->in_store) {
        return CAIRN_OK;
    }
    CAIRN_TRY(store_uri_show(checkpoints, &shown, err));
    return error_set(err, CAIRN_E_INVALID,
                     "run: state.backend.type %s keeps its checkpoints %s, not in %s: name such a "
                     "place, or choose %s",
                     preset->name, preset->wanted, buf_text(&shown), preset->instead);
}
