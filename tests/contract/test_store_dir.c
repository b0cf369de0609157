/* The directory store, with and without named temporaries, keeps the contract. */
#include "test.h"

#include <cairn/dir.h>

#include "store_contract.h"
#include "store_dir.h"
#include "tmpdir.h"

static cairn_code make(cairn_store **out, void **out_instance, cairn_error *err)
{
    tmpdir *dir = tmpdir_new();

    *out_instance = dir;
    return dir == NULL ? CAIRN_E_FAILED : cairn_dir_store_new(dir->path, NULL, out, err);
}

static cairn_code make_named(cairn_store **out, void **out_instance, cairn_error *err)
{
    CAIRN_TRY(make(out, out_instance, err));
    store_dir_force_named(*out);
    return CAIRN_OK;
}

static void destroy(cairn_store *store, void *instance)
{
    cairn_store_free(store);
    tmpdir_free(instance);
}

int main(void)
{
    static const store_contract_factory directory = {
        .name = "directory", .make = make, .destroy = destroy, .traits = {.copies = true}};
    static const store_contract_factory named = {
        .name = "directory with named temporaries",
        .make = make_named,
        .destroy = destroy,
        .traits = {.race_rounds = 50, .listed_objects = 1100, .copies = true}};

    return store_contract_run(&directory) + store_contract_run(&named);
}
