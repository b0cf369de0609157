/*
 * The S3 store keeps the store contract, on a server that runs: CAIRN_S3_ENDPOINT, CAIRN_S3_BUCKET,
 * and the AWS_ variables for keys, region and CA. Each case has a prefix of its own, and leaves its
 * objects there. CAIRN_S3_RACY: the server's create-only is known to be no more than a look before
 * the write.
 */
#include "test.h"

#include <cairn/s3.h>

#include "check.h"
#include "random.h"
#include "store_contract.h"

#include <stdio.h>
#include <stdlib.h>

static cairn_code make_with(cairn_s3_options options, cairn_store **out, cairn_error *err)
{
    char prefix[64];
    char id[RANDOM_ID_SIZE];

    random_id(id);
    (void)snprintf(prefix, sizeof(prefix), "contract/%s", id);
    options.bucket = getenv("CAIRN_S3_BUCKET");
    options.endpoint = getenv("CAIRN_S3_ENDPOINT");
    options.prefix = prefix;
    return cairn_s3_store_new(&options, out, err);
}

static cairn_code make(cairn_store **out, void **out_instance, cairn_error *err)
{
    cairn_s3_options options = CAIRN_S3_OPTIONS_INIT;

    *out_instance = NULL;
    return make_with(options, out, err);
}

/* Everything above 5 MiB goes in parts. */
static cairn_code make_small_parts(cairn_store **out, void **out_instance, cairn_error *err)
{
    cairn_s3_options options = CAIRN_S3_OPTIONS_INIT;

    *out_instance = NULL;
    options.multipart_bytes = (uint64_t)5 << 20;
    options.part_bytes = (uint64_t)5 << 20;
    options.parallel_parts = 3;
    return make_with(options, out, err);
}

static void destroy(cairn_store *store, void *instance)
{
    (void)instance;
    cairn_store_free(store);
}

int main(void)
{
    const bool racy = getenv("CAIRN_S3_RACY") != NULL;
    /* Key bytes: 1,024 less those of the prefix. */
    const store_contract_traits traits = {.race_rounds = 20,
                                          .listed_objects = 2100,
                                          .mixed_rounds = 10,
                                          .key_bytes = 900,
                                          .copies = true,
                                          .racy_create = racy};
    const store_contract_factory whole = {
        .name = "S3", .traits = traits, .make = make, .destroy = destroy};
    const store_contract_factory parts = {.name = "S3 with small parts",
                                          .traits = traits,
                                          .make = make_small_parts,
                                          .destroy = destroy};

    if (getenv("CAIRN_S3_BUCKET") == NULL || getenv("CAIRN_S3_ENDPOINT") == NULL) {
        (void)fprintf(stderr, "set CAIRN_S3_ENDPOINT and CAIRN_S3_BUCKET\n");
        return 1;
    }
    return store_contract_run(&whole) + store_contract_run(&parts);
}
