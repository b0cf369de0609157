/* Counts its own runs: cc quickstart.c -o quickstart $(pkg-config --cflags --libs cairn) */
#include <cairn/cairn.h>

#include <inttypes.h>
#include <stdio.h>

static cairn_code count(cairn_backend *backend, uint64_t *out_total, cairn_error *err)
{
    cairn_state_descriptor visits = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint *checkpoint = NULL;
    cairn_value_state *state = NULL;
    uint64_t total = 0;
    bool found = false;
    cairn_code code;

    visits.name = "visits"; /* create state */
    visits.value_serializer = "u64";
    if ((code = cairn_value_state_open(backend, &visits, &state, err)) != CAIRN_OK ||
        /* read and update it under a key */
        (code = cairn_backend_set_key(backend, cairn_slice_of("alice"), err)) != CAIRN_OK ||
        (code = cairn_value_get_u64(state, &total, &found, err)) != CAIRN_OK ||
        (code = cairn_value_update_u64(state, total + 1, err)) != CAIRN_OK ||
        /* a checkpoint: what is not in one is gone when the process is */
        (code = cairn_checkpoint_begin(backend, &request, &checkpoint, err)) != CAIRN_OK) {
        return code;
    }
    code = cairn_checkpoint_wait(checkpoint, 60000, err);
    cairn_checkpoint_free(checkpoint);
    *out_total = total + 1;
    return code;
}

int main(void)
{
    cairn_backend_options options = CAIRN_BACKEND_OPTIONS_INIT;
    cairn_backend *backend = NULL;
    cairn_store *store = NULL;
    cairn_error err = {0};
    uint64_t total = 0;

    cairn_code code = cairn_dir_store_new("checkpoints", NULL, &store, &err);
    if (code == CAIRN_OK) {
        options.store = store;
        options.job = "quickstart";
        options.operator_uid = "visits";
        options.local_dir = "local";
        code = cairn_backend_open(&options, &backend, &err); /* initialise, or restore */
    }
    if (code == CAIRN_OK && (code = count(backend, &total, &err)) == CAIRN_OK) {
        printf("visit %" PRIu64 "\n", total);
    }
    cairn_backend_close(backend);
    cairn_store_free(store);
    if (code != CAIRN_OK) {
        (void)fprintf(stderr, "%s\n", err.message);
    }
    return cairn_exit_code(code);
}
