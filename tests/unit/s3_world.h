/*
 * An S3 store whose server is a script: rules that a test adds come first, behind them stands a
 * small fake with one bucket, "bkt", that holds whole objects and uploads in parts.
 */
#ifndef CAIRN_TESTS_S3_WORLD_H
#define CAIRN_TESTS_S3_WORLD_H

#include <cairn/s3.h>

#include "s3_store.h"
#include "script_server.h"
#include "tmpdir.h"

#define S3_WORLD_PARTS 16

/* What the fake does with an x-amz-checksum-crc32c. */
typedef enum s3_world_crc {
    S3_WORLD_CRC_IGNORED = 0,
    S3_WORLD_CRC_CHECKED = 1,     /* and repeated */
    S3_WORLD_CRC_OTHER = 2,       /* checked, another one is told */
    S3_WORLD_CRC_SILENT = 3,      /* checked, none is told */
    S3_WORLD_CRC_NO_BEGIN = 4,    /* 501 to an upload with a checksum algorithm */
    S3_WORLD_CRC_NO_HEADER = 5,   /* 400 InvalidArgument to each */
    S3_WORLD_CRC_NO_UNSIGNED = 6, /* checked; a body that is not signed is 403 */
    S3_WORLD_CRC_OF_PARTS = 7     /* of parts checked; that of a whole put is only repeated */
} s3_world_crc;

typedef struct s3_fake {
    bool stands;
    uint64_t size;
    char id[64];                    /* of the object's metadata */
    char begun_id[64];              /* of the upload's */
    bool open;                      /* an upload is */
    uint64_t parts[S3_WORLD_PARTS]; /* bytes of each part */
    unsigned aborts;
    unsigned bad_hashes; /* bodies whose SHA-256 was not the signed one */
    s3_world_crc crc;
    const char *sum;      /* told with a completion; NULL: none */
    char kept[16];        /* the CRC-32C that came with the object */
    const char *head_sum; /* told by a HEAD that asks for one; NULL: what was kept */
} s3_fake;

typedef struct s3_world {
    script_server *server;
    cairn_store *store;
    s3_store *self;
    tmpdir *dir;
    cairn_s3_options options;
    cairn_call call; /* less than the time that a test may take */
    cairn_error err;
    /* the fake */
    pthread_mutex_t lock;
    s3_fake fake;
} s3_world;

int s3_world_setup(void **state);
/* The same over https. */
int s3_world_setup_tls(void **state);
int s3_world_teardown(void **state);

/* Makes the store anew, after a change of `options`. */
void s3_world_restart(s3_world *w);

/* A file of `size` bytes in the scratch folder. */
void s3_world_file(s3_world *w, const char *name, size_t size, char path[TMPDIR_PATH_BYTES]);

/* Adds a rule that stands before the fake: `times` replies to `method` on a target that begins with
 * `path`. */
void s3_world_reply(s3_world *w, const char *method, const char *path, unsigned times,
                    script_reply reply);
/* Adds any rule. */
void s3_world_rule(s3_world *w, script_rule rule);
/* Puts the fake behind the rules that were added. */
void s3_world_serve(s3_world *w);
/* The fake itself, a script_call, for a rule that spoils its reply; `context` is the world. */
void s3_world_fake(void *context, const script_request *request, script_reply *reply);
/* A copy of what the fake holds now: it may still be at a request that the client has given up. */
s3_fake s3_world_seen(s3_world *w);

/* Requests whose method and beginning of target are these. */
unsigned s3_world_count(s3_world *w, const char *method, const char *path);
/* The n-th of them, from 0. */
const script_request *s3_world_request(s3_world *w, const char *method, const char *path,
                                       unsigned nth);
/* A header of a request; fails the test if it is not there. */
const char *s3_world_header(const script_request *request, const char *name, char out[512]);

/* "<Error><Code>code</Code>...": the reply of a refusal; static storage for the text. */
#define S3_WORLD_ERROR(code) "<?xml version=\"1.0\"?><Error><Code>" code "</Code></Error>"

#endif
