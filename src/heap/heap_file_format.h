/* What writer and reader of heap_file.h share; docs/format.md, "Files of the hash-map engine". */
#ifndef CAIRN_HEAP_HEAP_FILE_FORMAT_H
#define CAIRN_HEAP_HEAP_FILE_FORMAT_H

#define HEAP_FILE_MAGIC       "cairn-hm"
#define HEAP_FILE_MAGIC_BYTES 8
#define HEAP_FILE_VERSION     1

/* What a table begins with, and what stands behind the last. */
#define HEAP_FILE_END     0
#define HEAP_FILE_PLAIN   1
#define HEAP_FILE_GROUPED 2

#define HEAP_VARINT_BYTES_MAX 10

#endif
