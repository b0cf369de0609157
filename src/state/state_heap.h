/*
 * The hash-map engine as a state_engine. Its files: one per key group that has entries, named
 * `kg-<group>-<changes>.heap`. The name says the contents: a group that did not change since the
 * file was written keeps it, so it is neither written nor uploaded again.
 */
#ifndef CAIRN_STATE_STATE_HEAP_H
#define CAIRN_STATE_STATE_HEAP_H

#include "heap.h"
#include "state_table.h"

/* `path`: a folder with the files of a restored checkpoint, or one that is missing: empty state. */
cairn_code state_heap_open(const char *path, const heap_options *options, state_engine **out,
                           cairn_error *err);

/* Can files of an engine that called itself of this version be read? */
bool state_heap_reads(const char *version);

/* True for names of its files, which are written once and may be stored for several checkpoints. */
bool state_heap_is_group_file(const char *name, uint32_t *out_key_group, uint64_t *out_changes);

#define STATE_HEAP_NAME_BYTES 48 /* "kg-", 10 digits, "-", 20 digits, ".heap" */
void state_heap_name_file(uint32_t key_group, uint64_t changes, char out[STATE_HEAP_NAME_BYTES]);

#endif
