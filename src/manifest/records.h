/*
 * The small sealed documents of the protocol (DESIGN: epochs and certificates): claim, start,
 * certificate. Same seal and strictness as manifests. All pure.
 */
#ifndef CAIRN_MANIFEST_RECORDS_H
#define CAIRN_MANIFEST_RECORDS_H

#include <cairn/manifest.h>

#include "buf.h"

/* epochs/<e>/claim.json, format "cairn-claim" */
typedef struct record_claim {
    char *job;
    uint64_t epoch;
    char attempt[CAIRN_ATTEMPT_ID_SIZE]; /* random: its writer knows it again by it */
    uint64_t claimed_ms;
    uint32_t parallelism;
    uint32_t max_parallelism;
    char *worker; /* host:pid, for humans */
} record_claim;
void record_claim_release(record_claim *claim);
CAIRN_DEFINE_AUTO(record_claim, record_claim_release)
cairn_code record_claim_print(const record_claim *claim, cairn_buf *out, cairn_error *err);
cairn_code record_claim_read(cairn_slice document, record_claim *out, cairn_error *err);

/* A savepoint that an epoch starts from, in place of a checkpoint. */
typedef struct record_savepoint {
    char *job;                          /* whose it is */
    char *name;                         /* NULL: there is none */
    char sha256[CAIRN_SHA256_HEX_SIZE]; /* of its manifest */
} record_savepoint;

/* epochs/<e>/start.json, format "cairn-start"; of version 2 if it names a savepoint, else 1 */
typedef struct record_start {
    char *job;
    uint64_t epoch;
    char attempt[CAIRN_ATTEMPT_ID_SIZE];
    uint64_t started_ms;
    uint64_t checkpoint_id;                        /* that this epoch starts from; 0: none */
    char checkpoint_sha256[CAIRN_SHA256_HEX_SIZE]; /* of its manifest; "" if none */
    uint64_t boundary; /* retirement boundary in force when the attempt read, after its claim */
    uint64_t first_id; /* lowest checkpoint id that this epoch may use; ids are never used again */
    record_savepoint savepoint; /* only without a checkpoint */
} record_start;
void record_start_release(record_start *start);
CAIRN_DEFINE_AUTO(record_start, record_start_release)
cairn_code record_start_print(const record_start *start, cairn_buf *out, cairn_error *err);
cairn_code record_start_read(cairn_slice document, record_start *out, cairn_error *err);

/* gc/<boundary>-<id>.json, format "cairn-certificate": a deletion plan, kept */
typedef struct record_certificate {
    char *job;
    uint64_t epoch; /* highest claim when it was made */
    char id[CAIRN_ATTEMPT_ID_SIZE];
    uint64_t made_ms;
    uint64_t boundary;        /* checkpoints below it no longer count */
    uint64_t head;            /* when it was made; 0: none */
    uint64_t *manifests_read; /* ids */
    size_t manifests_read_count;
    char **victims; /* object keys, in the order in which they are deleted */
    size_t victim_count;
} record_certificate;
void record_certificate_release(record_certificate *certificate);
CAIRN_DEFINE_AUTO(record_certificate, record_certificate_release)
cairn_code record_certificate_print(const record_certificate *certificate, cairn_buf *out,
                                    cairn_error *err);
cairn_code record_certificate_read(cairn_slice document, record_certificate *out, cairn_error *err);

#endif
