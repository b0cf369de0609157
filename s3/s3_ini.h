/*
 * The INI dialect of AWS's shared files (~/.aws/config, ~/.aws/credentials), as the "AWS SDKs and
 * Tools Reference Guide" and botocore read it:
 *
 *   [profile one]  ; a comment       a section; a second one of the same name adds to it
 *   # or ; begins a comment line
 *   Name = value   # a comment       names without regard to case; a comment needs a blank before
 *     more of the value              a line that begins with a blank goes on
 *   s3 =                             a name without a value opens a block:
 *     addressing_style = path        "addressing_style" of the block "s3"
 *
 * A file may hold secrets, so its text is kept once, in one block that is wiped on release; entries
 * point into it. Errors name file and line, never what stands there. Immutable after parsing.
 */
#ifndef CAIRN_S3_INI_H
#define CAIRN_S3_INI_H

#include "secret.h"

typedef struct s3_ini_entry s3_ini_entry;

/* Zero-initialise. */
typedef struct s3_ini {
    cairn_buf text;
    cairn_slice *sections; /* what stands between the brackets, without blanks at the ends */
    size_t section_count;
    size_t section_room;
    s3_ini_entry *entries;
    size_t entry_count;
    size_t entry_room;
} s3_ini;

void s3_ini_release(s3_ini *ini);
CAIRN_DEFINE_AUTO(s3_ini, s3_ini_release)

/* Takes the contents of `text`, also on failure. A file of other form is CAIRN_E_INVALID, `file`
 * is its name for messages. `out` must be empty. */
cairn_code s3_ini_parse(cairn_buf *text, const char *file, s3_ini *out, cairn_error *err);

/* Where a value stands. */
typedef struct s3_ini_place {
    const char *type;  /* "profile", "services"; "": the section's name stands alone */
    const char *name;  /* of the section; quotes around it in the file do not count */
    const char *block; /* "s3"; "": in none */
    const char *key;
} s3_ini_place;

bool s3_ini_has_section(const s3_ini *ini, const char *type, const char *name);

/* The value, or nothing in `out` if it is not there or empty. Of several the last. Comments are
 * cut, lines of a value that goes on are joined by '\n'. */
cairn_code s3_ini_get(const s3_ini *ini, const s3_ini_place *place, secret *out, cairn_error *err);

#endif
