/*
 * The store contract of include/cairn/store.h as a suite that every driver runs:
 *
 *     static const store_contract_factory factory = {.name = "memory", .make = make, .destroy =
 * destroy}; int main(void) { return store_contract_run(&factory); }
 *
 * Each case gets a new, empty store. Cases use no more of a store than the contract promises.
 */
#ifndef CAIRN_TESTS_STORE_CONTRACT_H
#define CAIRN_TESTS_STORE_CONTRACT_H

#include <cairn/store.h>

/* For drivers whose server is slow; 0 means the value in brackets. */
typedef struct store_contract_traits {
    unsigned race_rounds;    /* keys that 16 threads race for [200] */
    unsigned listed_objects; /* in the large listing; more than two pages [2501] */
    unsigned mixed_rounds;   /* rounds of each of 8 threads in the mixed load [60] */
    unsigned key_bytes;      /* longest key, less than 1,024 for a store below a prefix [1024] */
    bool copies;             /* the store copies by itself [no] */
    bool racy_create;        /* the server looks, then writes: several racers may be told OK [no] */
} store_contract_traits;

typedef struct store_contract_factory {
    const char *name;
    store_contract_traits traits;
    /* Makes an empty store. `*out_instance` is the factory's own; called on the test's thread. */
    cairn_code (*make)(cairn_store **out, void **out_instance, cairn_error *err);
    /* Frees the store and whatever it stood on. Either may be NULL after a failure of make. */
    void (*destroy)(cairn_store *store, void *instance);
} store_contract_factory;

/* Runs all cases as a cmocka group; the number of failed ones. */
int store_contract_run(const store_contract_factory *factory);

#endif
