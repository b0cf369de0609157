/*
 * Object keys below the job root, and what a key says about its object. Pure.
 *
 *     epochs/<e>/claim.json, start.json
 *     chk-<n>/manifest.json
 *     chk-<n>/<operator>/<subtask>/<epoch>-<attempt>-<name>    part.json and files of n alone
 *     shared/<operator>/<epoch>-<attempt>-<seq>                files that others may reference
 *     gc/<boundary>-<id>.json
 *     probe/<id>/<n>                                           of a start that tries the store
 *     savepoints/<name>/manifest.json                          a savepoint, and its files:
 *     savepoints/<name>/<operator>/<subtask>/<epoch>-<attempt>-<seq>
 *
 * Beside private and shared files may lie _crc32c-<id>: of an S3 store that tries its server.
 */
#ifndef CAIRN_CHECKPOINT_LAYOUT_H
#define CAIRN_CHECKPOINT_LAYOUT_H

#include <cairn/manifest.h>

#include "bounds.h"

typedef struct layout_key {
    char text[CAIRN_OBJECT_KEY_BYTES_MAX + 1];
} layout_key;

layout_key layout_claim(uint64_t epoch);
layout_key layout_start(uint64_t epoch);
layout_key layout_manifest(uint64_t checkpoint_id);
layout_key layout_certificate(uint64_t boundary, const char *id);
/* No object, but what the keys of a probe begin with: "probe/<id>". `id` is of random_id. */
layout_key layout_probe(const char *id);

/* Who writes: names every object of one subtask in one attempt. All borrowed. */
typedef struct layout_writer {
    const char *operator_uid;
    uint32_t subtask;
    uint64_t epoch;
    const char *attempt;
} layout_writer;

layout_key layout_private(uint64_t checkpoint_id, const layout_writer *writer, const char *name);
/* Of an output: a name that no file of the engine has. */
layout_key layout_output(uint64_t checkpoint_id, const layout_writer *writer, const char *name);
layout_key layout_part(uint64_t checkpoint_id, const layout_writer *writer);
layout_key layout_shared(const layout_writer *writer, uint64_t sequence);

/* "savepoints/<name>/", with which all keys of a savepoint begin; its manifest; one of its files.
 */
layout_key layout_savepoint_folder(const char *name);
layout_key layout_savepoint(const char *name);
layout_key layout_savepoint_file(const char *name, const layout_writer *writer, uint64_t sequence);
/* True for the key of a savepoint's manifest: *out_name is in it. */
bool layout_is_savepoint(const char *key, cairn_slice *out_name);

typedef enum layout_kind {
    CAIRN_LAYOUT_OTHER = 0, /* not ours, or the user's (a savepoint): never touched */
    CAIRN_LAYOUT_CLAIM = 1,
    CAIRN_LAYOUT_START = 2,
    CAIRN_LAYOUT_MANIFEST = 3,
    CAIRN_LAYOUT_PRIVATE = 4, /* part or file of one checkpoint */
    CAIRN_LAYOUT_SHARED = 5,
    CAIRN_LAYOUT_CERTIFICATE = 6,
    CAIRN_LAYOUT_PROBE = 7 /* nobody reads it once its writer is gone */
} layout_kind;

typedef struct layout_object {
    layout_kind kind;
    uint64_t id;    /* checkpoint of MANIFEST and PRIVATE, boundary of CERTIFICATE */
    uint64_t epoch; /* of CLAIM, START, PRIVATE and SHARED */
} layout_object;

layout_object layout_parse(const char *key);

#endif
