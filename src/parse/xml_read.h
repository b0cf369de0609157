/*
 * Small XML documents, by expat (the only <expat.h>): S3's replies and Hadoop's configuration.
 * Hardened: a DTD, a processing instruction or an entity of one's own is refused, depth is at most
 * CAIRN_XML_DEPTH_MAX, text of one element at most CAIRN_XML_TEXT_BYTES_MAX, the document at most
 * CAIRN_XML_BYTES_MAX. Namespaces are cut off names. White space before the document is fine (S3
 * sends it to keep a connection alive).
 *
 * The document is handed over element by element as a path, so nothing of its size is kept.
 */
#ifndef CAIRN_PARSE_XML_READ_H
#define CAIRN_PARSE_XML_READ_H

#include <cairn/base.h>

#include "check.h"

typedef struct xml_event {
    const char *path; /* "ListBucketResult/Contents/Key": the element and those around it */
    const char *text; /* of this element alone, between its children too; "" if none */
    bool opens;       /* true: the element begins, text is ""; false: it ended, text is whole */
} xml_event;

/* Called when an element begins and when it ends. Borrowed for the call. */
typedef cairn_code (*xml_visit)(void *context, const xml_event *event, cairn_error *err);

/* Not well-formed, refused or beyond a bound: CAIRN_E_INTEGRITY with the line; else what `visit`
 * returned. An empty or white document is CAIRN_E_INTEGRITY. */
cairn_code xml_read(cairn_slice text, xml_visit visit, void *context, cairn_error *err);

/* Appends `text` with & < > " ' and control bytes escaped. */
cairn_code xml_escape(const char *text, cairn_buf *out, cairn_error *err);

#endif
