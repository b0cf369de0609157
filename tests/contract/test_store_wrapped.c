/* The store decorators of the product keep the contract of what they wrap. */
#include "test.h"

#include "store_contract.h"
#include "store_mem.h"
#include "stores.h"

typedef cairn_code (*wrap_fn)(cairn_store *inner, cairn_store **out, cairn_error *err);

static cairn_code make(wrap_fn wrap, cairn_store **out, void **out_instance, cairn_error *err)
{
    cairn_store *inner = NULL;

    CAIRN_TRY(store_mem_new(&inner, err));
    *out_instance = inner;
    store_mem_set_page(inner, 7);
    return wrap(inner, out, err);
}

static cairn_code wrap_prefix(cairn_store *inner, cairn_store **out, cairn_error *err)
{
    return store_prefixed_new(inner, "p", out, err);
}

static cairn_code make_prefixed(cairn_store **out, void **out_instance, cairn_error *err)
{
    return make(wrap_prefix, out, out_instance, err);
}

static cairn_code make_retrying(cairn_store **out, void **out_instance, cairn_error *err)
{
    return make(store_retrying_new, out, out_instance, err);
}

static void destroy(cairn_store *store, void *instance)
{
    cairn_store_free(store);
    cairn_store_free(instance);
}

int main(void)
{
    static const store_contract_factory retrying = {
        .name = "retrying", .make = make_retrying, .destroy = destroy, .traits = {.copies = true}};
    static const store_contract_factory prefixed = {
        .name = "prefixed",
        .make = make_prefixed,
        .destroy = destroy,
        .traits = {.key_bytes = 1024 - 2, .copies = true}};

    return store_contract_run(&prefixed) + store_contract_run(&retrying);
}
