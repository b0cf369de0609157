/* The names of a manifest's JSON that its writer and its reader share. */
#ifndef CAIRN_MANIFEST_MANIFEST_SEALED_H
#define CAIRN_MANIFEST_MANIFEST_SEALED_H

#include "sealed_doc.h"

extern const sealed_kind manifest_sealed;

/* By cairn_manifest_kind and cairn_state_kind; NULL at the end. */
extern const char *const manifest_kinds[];

#endif
