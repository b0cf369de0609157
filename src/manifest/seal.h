/*
 * The seal of a document: its last line is exactly
 *     `  "sha256": "<64 hex>"}` + newline
 * and the digest is over all bytes before that line. It is checked over the raw bytes before
 * anything parses them, and is common to all documents and all versions, so that a newer version is
 * told from damage. Pure.
 */
#ifndef CAIRN_MANIFEST_SEAL_H
#define CAIRN_MANIFEST_SEAL_H

#include "buf.h"

/* Replaces the closing brace of `document`, a pretty JSON object with members, by the seal. */
cairn_code seal_close(cairn_buf *document, cairn_error *err);

/* Appends the line for the bytes so far. */
cairn_code seal_append_line(cairn_buf *document, cairn_error *err);

/* CAIRN_E_INTEGRITY if the last line is no seal or the digest is another. */
cairn_code seal_check(cairn_slice document, cairn_error *err);

#define SEAL_LINE_PREFIX "  \"sha256\": \""
#define SEAL_LINE_SUFFIX "\"}\n"
#define SEAL_LINE_BYTES  (sizeof(SEAL_LINE_PREFIX) - 1 + 64 + sizeof(SEAL_LINE_SUFFIX) - 1)

#endif
