/*
 * What compactions ask about the entries of a family (rocks_family_set_filter). The options of each
 * family hold a factory, which RocksDB asks for a filter at the begin of each compaction; a family
 * without a judge has none, and its compactions cost what they cost without a factory.
 */
#ifndef CAIRN_ROCKS_FILTER_H
#define CAIRN_ROCKS_FILTER_H

#include "entry_filter.h"

#include <rocksdb/c.h>

/* What a family is asked by; compactions read it on RocksDB's threads. */
typedef struct rocks_filter_slot rocks_filter_slot;

/*
 * A copy of `base` for one family, to be destroyed once the family is open. *out is borrowed from
 * the options and from the family, whichever lives longer. NULL: no memory.
 */
rocksdb_options_t *rocks_filter_options(rocksdb_options_t *base, rocks_filter_slot **out,
                                        cairn_error *err);
CAIRN_DEFINE_AUTO_PTR(rocksdb_options_t, rocksdb_options_destroy)

/* Compactions that run already go on with what they began with. */
void rocks_filter_set(rocks_filter_slot *slot, const entry_filter *filter);

/*
 * From hold to release no compaction judges by a later time than that of hold: what counted at the
 * barrier of a snapshot is in its files.
 */
void rocks_filter_hold(rocks_filter_slot *slot);
void rocks_filter_release(rocks_filter_slot *slot);

/* Whether files of the family are compacted for their age alone. Should RocksDB refuse it, what has
 * expired in them waits for another compaction. */
void rocks_filter_set_age(rocksdb_t *db, rocksdb_column_family_handle_t *family, bool by_age);

#endif
