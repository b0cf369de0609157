/*
 * One key group of a heap_snapshot as a file, and back. docs/format.md ("Files of the hash-map
 * engine") has the layout: a magic, the format version, the key group, then for each table that has
 * entries its name and these (lengths as LEB128 varints, key without its key group's bytes, value),
 * and at the end the number of entries. A reader trusts nothing: every length is checked before
 * memory is taken for it; and the SHA-256 of the file (in the manifest) was checked before. The
 * order of entries is that of a random hash: the same entries give another file each time.
 */
#ifndef CAIRN_HEAP_HEAP_FILE_H
#define CAIRN_HEAP_HEAP_FILE_H

#include "heap.h"

/* What takes the bytes of a file, in order, in pieces of at most CAIRN_IO_CHUNK_BYTES. */
typedef struct heap_sink {
    cairn_code (*write)(void *context, cairn_slice bytes, cairn_error *err);
    void *context;
} heap_sink;

/* Any thread. A key group without entries is a file too. CAIRN_E_INTERNAL: a key does not begin
 * with its key group in heap_options.key_group_bytes bytes. */
cairn_code heap_file_write(const heap_snapshot *snapshot, uint32_t key_group, const heap_sink *sink,
                           cairn_error *err);

/* What gives the bytes of a file; short only at its end. */
typedef struct heap_feed {
    cairn_code (*read)(void *context, void *into, size_t size, size_t *out_size, cairn_error *err);
    void *context;
} heap_feed;

/*
 * Owner. Adds the entries of a file to the tables, which are made if they are missing.
 * CAIRN_E_INTEGRITY: no such file, one of a key group other than `key_group`, or a key stands twice
 * or stood in its table before; CAIRN_E_INCOMPATIBLE: a newer version. After a failure the database
 * holds part of it and is of no use.
 */
cairn_code heap_file_read(heap_db *db, uint32_t key_group, const heap_feed *feed, cairn_error *err);

/* Reads a file without a database (a tool): calls visit for each entry, whose key has its key group
 * in front again. *out_key_group is set before the first. What `visit` returns other than CAIRN_OK
 * ends the scan and is returned. */
typedef cairn_code (*heap_file_visit)(void *context, const char *table, cairn_slice key,
                                      cairn_slice value, cairn_error *err);
cairn_code heap_file_scan(const heap_feed *feed, uint32_t *out_key_group, heap_file_visit visit,
                          void *context, cairn_error *err);

#endif
