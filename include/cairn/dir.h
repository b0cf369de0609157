/*
 * The directory store: objects are files below a folder of a local or shared POSIX file system.
 *
 * A put writes a file without a name (O_TMPFILE; where the file system lacks it, a locked temporary
 * in `.cairn-tmp/`), fsyncs it, gives it its name in one step and fsyncs the folder. Create-only is
 * that step: link(2) refuses a taken name. A frozen file (see cairn_file_range) on the same file
 * system is fsynced and linked, not copied, so a checkpoint beside its working state takes neither
 * time nor space for bytes that the disk has already. Folders that become empty are removed. The
 * umask decides who may read objects: set it to 077 if nobody else may.
 *
 * Several users of one group share a store if its folder belongs to the group and has the setgid
 * bit (chmod 2775), and all of them run with umask 002: folders are made 0777 less the umask, the
 * root and `.cairn-tmp` too, objects 0666 less the umask. Whoever may write to a folder may delete
 * from it; a role that must not needs folders of its own, or a store with policies (S3).
 *
 * A listing goes through the keys in the order of their bytes and reads 64,000 ahead, which it
 * keeps in memory until it has shown them.
 */
#ifndef CAIRN_DIR_H
#define CAIRN_DIR_H

#include <cairn/store.h>

CAIRN_BEGIN_DECLS

typedef struct cairn_dir_options {
    uint32_t version;
    /* Make the folder if it is missing (its parent too). If false: CAIRN_E_NOT_FOUND. */
    bool create;
} cairn_dir_options;

#define CAIRN_DIR_OPTIONS_VERSION 1
#define CAIRN_DIR_OPTIONS_INIT          \
    {                                   \
        CAIRN_DIR_OPTIONS_VERSION, true \
    }

/*
 * `path` is a folder; a relative one is taken against the current folder once, now. `options` may
 * be NULL. Read-only or unwritable folders are found by the first put (CAIRN_E_ACCESS, CAIRN_E_IO),
 * so that restore and verify work on them.
 */
cairn_code cairn_dir_store_new(const char *path, const cairn_dir_options *options,
                               cairn_store **out, cairn_error *err);

CAIRN_END_DECLS

#endif
