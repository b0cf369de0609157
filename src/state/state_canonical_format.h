/* What writer and reader of state_canonical.h share; docs/format.md, "The canonical form". */
#ifndef CAIRN_STATE_STATE_CANONICAL_FORMAT_H
#define CAIRN_STATE_STATE_CANONICAL_FORMAT_H

#define CANONICAL_MAGIC        "cairn-kg"
#define CANONICAL_MAGIC_BYTES  8
#define CANONICAL_FILE_VERSION 1

/* What stands before a state is its kind and one; behind the last state is this. */
#define CANONICAL_END 0

#endif
