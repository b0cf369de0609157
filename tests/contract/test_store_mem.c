/* The memory store keeps the contract: it may then stand for any other in tests. */
#include "test.h"

#include "store_contract.h"
#include "store_mem.h"

static cairn_code make(cairn_store **out, void **out_instance, cairn_error *err)
{
    *out_instance = NULL;
    return store_mem_new(out, err);
}

static void destroy(cairn_store *store, void *instance)
{
    (void)instance;
    cairn_store_free(store);
}

int main(void)
{
    static const store_contract_factory factory = {
        .name = "memory", .make = make, .destroy = destroy, .traits = {.copies = true}};

    return store_contract_run(&factory);
}
