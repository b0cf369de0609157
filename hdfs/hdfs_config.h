/*
 * Hadoop's configuration: properties of core-site.xml and hdfs-site.xml in one folder. A property
 * of the second file replaces one of the first, unless that is final; "${name}" in a value stands
 * for another property. <include> and the environment's ${env.X} are not followed: a value with one
 * is as if it were absent.
 */
#ifndef CAIRN_HDFS_CONFIG_H
#define CAIRN_HDFS_CONFIG_H

#include "buf.h"

typedef struct hdfs_setting {
    char *name;
    char *value;
    bool final;
} hdfs_setting;

/* Zero-initialise it. */
typedef struct hdfs_config {
    hdfs_setting *settings;
    size_t count;
    size_t capacity;
} hdfs_config;

/* A file that is missing has no properties; if both are, that is CAIRN_E_INVALID. */
cairn_code hdfs_config_load(hdfs_config *config, const char *folder, cairn_error *err);
/* The properties of one document, on top of those that are there. */
cairn_code hdfs_config_add(hdfs_config *config, cairn_slice document, cairn_error *err);
/* Appends the value, without blanks around it, with a NUL behind it; nothing if there is no such
 * property. */
cairn_code hdfs_config_get(const hdfs_config *config, const char *name, cairn_buf *out,
                           cairn_error *err);
void hdfs_config_release(hdfs_config *config);
CAIRN_DEFINE_AUTO(hdfs_config, hdfs_config_release)

#endif
