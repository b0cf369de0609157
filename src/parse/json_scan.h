/*
 * A walk over the raw bytes of a JSON document that proves it fit to be parsed: see json_read.h for
 * what is refused. Takes O(n log n) time; the depth of the document does not use the C stack.
 */
#ifndef CAIRN_PARSE_JSON_SCAN_H
#define CAIRN_PARSE_JSON_SCAN_H

#include "json_read.h"

/* limits->depth is at most CAIRN_JSON_DEPTH_MAX. Errors name the byte offset. */
cairn_code json_scan(cairn_slice text, const json_limits *limits, cairn_error *err);

#endif
