/*
 * What protects a body whose SHA-256 is not known in advance. Over plain http to another machine it
 * is hashed and signed. Where no stranger is on the line (https, or http to a loopback address
 * without a proxy) it goes unsigned with its CRC-32C, which costs a fifth of that on both sides,
 * once the server has proved that it checks it: the CRC finds what is damaged behind the line.
 * Servers exist that take the header and look at nothing, so none is believed before.
 *
 * The proof: in an upload of its own, aborted in the end, a part with a wrong CRC must be refused
 * for just that, and one with the right CRC taken and its CRC repeated; then a whole put with a
 * wrong CRC, to a name beside the caller's that readers skip, must be refused likewise. In that
 * order: who does not look is found by the part, and keeps no object. That a right whole put is
 * taken, each of them shows. It is made once per store and place of its bucket, by a put of a file
 * or in parts, when enough bytes had to be hashed for its requests to pay. It asks within
 * CAIRN_S3_PROOF_MS and a quarter of what the caller has left, has removed its traces within twice
 * that, and ends with the caller's cancel. No answer, or none that is clear: bodies stay signed.
 *
 * Thread-safe: one thread asks, the others go on signing meanwhile.
 */
#ifndef CAIRN_S3_S3_CHECKSUM_H
#define CAIRN_S3_S3_CHECKSUM_H

#include "s3_body.h"
#include "s3_store.h"

/* May a body of this length go unsigned with its CRC-32C? Counts it if not, and may ask the server
 * by an upload at `key`. */
bool s3_crc_serves(s3_store *store, const cairn_call *call, const char *key, uint64_t length);

/* The same by what is known: asks and counts nothing. */
bool s3_crc_is_proved(const s3_store *store, uint64_t length);

/*
 * After a success: the reply must repeat the CRC-32C that was sent. If it does not, what the server
 * has is unknown: CAIRN_E_UNAVAILABLE, and the store signs from now on.
 */
cairn_code s3_crc_check(s3_store *store, const http_reply *reply, const char sent[S3_CRC32C_SIZE],
                        cairn_error *err);

/* The same for what a HEAD told, "" if nothing: when the reply to the put was lost. */
cairn_code s3_crc_compare(s3_store *store, cairn_slice told, const char sent[S3_CRC32C_SIZE],
                          cairn_error *err);

/* The bucket is elsewhere than was thought: what was proved, or is being proved, was of another
 * server. A request that this mends is sent once more as it is: its reply is checked. */
void s3_crc_forget(s3_store *store);

/* No body goes with a CRC-32C alone any more; `why` is for the log. */
void s3_crc_distrust(s3_store *store, const char *why);

#endif
