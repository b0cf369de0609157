/*
 * The canonical form of keyed state: one file for each key group that holds something, the same
 * bytes whatever engine held it. So its SHA-256 is a digest of what is stored in the key group, and
 * any engine can begin from it. (Of a state with TTL, what has expired is stored until it is
 * cleaned up, which engines do at other times.) docs/format.md ("The canonical form") has the
 * layout: states by name, the entries of each by composite key (state_key.h), values as the engine
 * keeps them (with the times of a state with TTL).
 *
 * A reader trusts nothing but checks again: names and keys ascend, keys are what their kind asks
 * for, every length is checked before memory is taken for it. CAIRN_E_INTEGRITY names the file.
 *
 * Thread safety: the owner of the engine.
 */
#ifndef CAIRN_STATE_STATE_CANONICAL_H
#define CAIRN_STATE_STATE_CANONICAL_H

#include <cairn/state.h>

#include "state_table.h"

/* What manifests call it; the version goes up with that of the files. */
#define STATE_CANONICAL_ENGINE  "canonical"
#define STATE_CANONICAL_VERSION "1"

/* Can files of this version be read? */
bool state_canonical_reads(const char *version);

/* "kg-00042.state": sorted by name is sorted by key group. */
#define STATE_CANONICAL_NAME_BYTES 24
void state_canonical_name_file(uint32_t key_group, char out[STATE_CANONICAL_NAME_BYTES]);
bool state_canonical_is_file(const char *name, uint32_t *out_key_group);

/* What the states of a subtask are; sorted by name; borrowed. */
typedef struct canonical_states {
    const cairn_state_info *items;
    size_t count;
    uint32_t max_parallelism;
    cairn_key_group_range range;
} canonical_states;

/*
 * Writes one key group of an engine to the new file `path`; a key group that holds nothing makes no
 * file, and *out_entries is 0. In memory is a buffer, and where the engine's walks are not in
 * order, as many pointers as it has entries: open such an engine with this key group alone.
 * CAIRN_E_LIMIT: a key or value is larger than a reader takes.
 */
cairn_code state_canonical_write(state_engine *engine, const canonical_states *states,
                                 uint32_t key_group, const char *path, uint64_t *out_entries,
                                 cairn_error *err);

/* One entry of a file; borrowed until the next call. */
typedef struct canonical_entry {
    const char *state;
    cairn_state_kind kind;
    state_place place; /* as the engines take it */
    cairn_slice value;
} canonical_entry;

typedef struct canonical_reader canonical_reader;
/* CAIRN_E_INCOMPATIBLE: of a newer version. */
cairn_code canonical_reader_open(const char *path, const canonical_states *states,
                                 uint32_t key_group, canonical_reader **out, cairn_error *err);
/* *out_found is false at the end of the file, which is then whole. */
cairn_code canonical_reader_next(canonical_reader *self, canonical_entry *out, bool *out_found,
                                 cairn_error *err);
void canonical_reader_free(canonical_reader *self); /* NULL is fine */
CAIRN_DEFINE_AUTO_PTR(canonical_reader, canonical_reader_free)

/*
 * Makes the tables of all states in an empty engine and fills them from the files in `dir`. After a
 * failure the engine holds part of it and is of no use.
 */
cairn_code state_canonical_load(state_engine *engine, const canonical_states *states,
                                const char *dir, cairn_error *err);

/*
 * An engine that reads the files in `dir` where they are, for tools: tables give get and scan, and
 * refuse all else (CAIRN_E_STATE). A get reads the file of its key group up to the key. The items
 * of `states` are borrowed until it is closed.
 */
cairn_code state_canonical_open(const char *dir, const canonical_states *states, state_engine **out,
                                cairn_error *err);

#endif
