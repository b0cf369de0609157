/* What the files of the contract suite share. */
#ifndef CAIRN_TESTS_STORE_CONTRACT_CASES_H
#define CAIRN_TESTS_STORE_CONTRACT_CASES_H

#include "buf.h"
#include "check.h"
#include "store_contract.h"
#include "tmpdir.h"

/* The state of each case. */
typedef struct contract {
    store_contract_traits traits; /* with the defaults filled in */
    cairn_store *store;
    void *instance;
    tmpdir *scratch; /* for local files */
    cairn_error err;
} contract;

/* Fills `out` with `len` bytes that depend on `seed` and on their place. */
void contract_fill(uint8_t *out, size_t len, uint64_t seed);
/* The same in a new buffer; the caller releases it. */
cairn_buf contract_bytes(size_t len, uint64_t seed);

/* Puts `len` bytes of `seed` under `key`, which must be free. Asserts. */
void contract_put(contract *c, const char *key, size_t len, uint64_t seed);
/* The object at `key` holds `len` bytes of `seed`. Asserts. */
void contract_expect(contract *c, const char *key, size_t len, uint64_t seed);
/* No object at `key`. Asserts. */
void contract_expect_missing(contract *c, const char *key);
/* A new local file in the scratch folder with `len` bytes of `seed`; its path in `path`. Asserts.
 */
void contract_file(contract *c, const char *name, size_t len, uint64_t seed,
                   char path[TMPDIR_PATH_BYTES]);

/* A case and its name. */
typedef struct contract_case {
    const char *name;
    void (*run)(void **state);
} contract_case;

#define CONTRACT_CASE(run) \
    {                      \
#        run, run          \
    }

/* Each ends with an entry without a name. */
extern const contract_case contract_object_cases[];
extern const contract_case contract_call_cases[];
extern const contract_case contract_list_cases[];
extern const contract_case contract_parallel_cases[];
extern const contract_case contract_many_cases[];

#endif
