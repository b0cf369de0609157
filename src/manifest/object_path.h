/* The parts of an object key. Pure. */
#ifndef CAIRN_MANIFEST_OBJECT_PATH_H
#define CAIRN_MANIFEST_OBJECT_PATH_H

#include "check.h"

/* Takes the next part off the front of *rest. False at the end, or if it is no safe name. */
bool object_path_next(cairn_slice *rest, cairn_slice *out);

/* At most CAIRN_OBJECT_KEY_BYTES_MAX bytes: safe names with one '/' between each two. */
bool object_path_is_safe(const char *text);

#endif
