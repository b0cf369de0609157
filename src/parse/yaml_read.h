/*
 * Configuration files in the shape of Flink's config.yaml, by libyaml (the only <yaml.h>): nested
 * mappings of scalars, flattened to dotted keys ("execution.checkpointing.interval"), and plain
 * "a.b.c: value" lines alike. No anchors, aliases, tags, sequences or several documents; depth 16,
 * size CAIRN_CONFIG_BYTES_MAX. A duplicate key is an error. Errors name the line
 * (CAIRN_E_INVALID).
 */
#ifndef CAIRN_PARSE_YAML_READ_H
#define CAIRN_PARSE_YAML_READ_H

#include "check.h"

/* Called for each scalar with its dotted key; `line` is the key's, from 1. */
typedef cairn_code (*yaml_visit)(void *context, const char *key, const char *value, unsigned line,
                                 cairn_error *err);

cairn_code yaml_read(cairn_slice text, yaml_visit visit, void *context, cairn_error *err);

#endif
