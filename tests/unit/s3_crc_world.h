/* An S3 world whose bodies may go with a CRC-32C: what the tests of that share. */
#ifndef CAIRN_TESTS_S3_CRC_WORLD_H
#define CAIRN_TESTS_S3_CRC_WORLD_H

#include "digest.h"
#include "s3_world.h"

#define CRC_LARGE_BYTES ((uint64_t)11 << 20)  /* three parts, of 5, 5 and 1 MiB */
#define CRC_ONE_BYTES   ((uint64_t)256 << 10) /* one put */

/* So much was signed that a proof pays. */
void crc_let_it_pay(s3_world *w);

/* A file of so many bytes, made and removed; `known` is its SHA-256, or NULL. */
cairn_code crc_put_bytes(s3_world *w, const char *key, uint64_t length, const sha256 *known,
                         cairn_put_mode mode);
/* "big", and "one". */
cairn_code crc_put_large(s3_world *w);
cairn_code crc_put_one(s3_world *w, cairn_put_mode mode);

/* The CRC-32C of "big" as an object in parts. */
#define CRC_TEXT_SIZE 32
void crc_of_large(s3_world *w, char out[CRC_TEXT_SIZE]);

/* Did its body go with a CRC-32C? Fails the test if it went with neither, or both. */
bool crc_is_unsigned(const script_request *request);
/* The last request of this kind. */
const script_request *crc_last(s3_world *w, const char *method, const char *path);

/* No upload is open, and no body had another SHA-256 than the signed one. */
void crc_assert_nothing_is_left(s3_world *w);
/* Changes what the fake does, and empties it. */
void crc_change_fake(s3_world *w, s3_world_crc crc);

#endif
