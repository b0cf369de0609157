/*
 * One S3 store: what its requests share. The driver's functions stand in s3_object.c, s3_upload.c,
 * s3_download.c, s3_delete.c, s3_copy.c, s3_list.c and s3_examine.c.
 *
 * Thread safety: all but `synced`, `throttle`, `budget`, `crc` and `wants_md5` is constant after
 * cairn_s3_store_new. `lock` is never held during a request.
 */
#ifndef CAIRN_S3_S3_STORE_H
#define CAIRN_S3_S3_STORE_H

#include <cairn/s3.h>
#include <cairn/store_driver.h>

#include "http.h"
#include "retry.h"
#include "s3_credentials.h"
#include "s3_place.h"
#include "s3_sigv4.h"
#include "s3_throttle.h"

#include <pthread.h>

#define S3_OBJECT_HEADERS_MAX 5

/* What a server has taught, or time has made. */
typedef struct s3_learnt {
    s3_place place;
    int64_t clock_offset_ms; /* of the server's clock to ours */
    sigv4_key key;           /* derived for today */
} s3_learnt;

/* What is known of a server's use of CRC-32C, see s3_checksum.h. */
typedef enum s3_crc_state {
    CAIRN_S3_CRC_UNASKED = 0,
    CAIRN_S3_CRC_ASKING = 1, /* a thread is */
    CAIRN_S3_CRC_PROVED = 2,
    CAIRN_S3_CRC_DISTRUSTED = 3
} s3_crc_state;

typedef struct s3_crc {
    bool allowed; /* const: no stranger is on the line, and nothing else is asked for */
    _Atomic unsigned state;
    _Atomic unsigned proofs;       /* that were tried */
    _Atomic unsigned moves;        /* of the bucket's place: what was proved was another's */
    _Atomic uint64_t signed_bytes; /* that could have gone with a CRC-32C */
} s3_crc;

typedef struct s3_store {
    char *bucket;
    char *prefix;    /* "" or "a/b/": with its '/' */
    char *path_base; /* encoded, of the bucket and the prefix: "/bucket/a/b/" */
    char *uri;
    bool requester_pays;
    bool unsigned_payload;
    bool check_then_create;
    uint64_t multipart_bytes;
    uint64_t part_bytes;
    unsigned parallel;
    uint64_t object_lock_retain_ms;                   /* 0: objects are not locked */
    sigv4_pair object_headers[S3_OBJECT_HEADERS_MAX]; /* of each put and begin of an upload */
    size_t object_header_count;
    char *texts[S3_OBJECT_HEADERS_MAX]; /* their values */
    cairn_log log;
    http_client *http;
    s3_credentials *credentials;
    /* The server was seen to take bodies whose signed SHA-256 is wrong: it gets a Content-MD5. */
    _Atomic bool wants_md5;
    s3_crc crc;
    retry_budget budget; /* of parts and ranges */
    s3_throttle throttle;
    pthread_mutex_t lock;
    s3_learnt synced;
} s3_store;

/* A copy of what is known now. */
s3_learnt s3_store_learnt(s3_store *store);
/* The server's wall clock as far as it is known. */
uint64_t s3_store_wall_ms(s3_store *store);

/* The store behind `store`; CAIRN_E_INVALID if cairn_s3_store_new did not make it. */
cairn_code s3_store_of(const cairn_store *store, s3_store **out, cairn_error *err);

/* The driver's functions. */
cairn_code s3_put(void *self, const cairn_call *call, const char *key, const cairn_put_body *body,
                  cairn_put_mode mode, cairn_error *err);
cairn_code s3_get(void *self, const cairn_call *call, const char *key, size_t limit, cairn_buf *out,
                  cairn_error *err);
cairn_code s3_get_range(void *self, const cairn_call *call, const char *key,
                        const cairn_memory_range *range, cairn_error *err);
cairn_code s3_get_file(void *self, const cairn_call *call, const char *key,
                       const cairn_file_range *to, cairn_error *err);
cairn_code s3_stat(void *self, const cairn_call *call, const char *key, cairn_object_info *out,
                   cairn_error *err);
cairn_code s3_remove(void *self, const cairn_call *call, const char *key, cairn_error *err);
cairn_code s3_remove_many(void *self, const cairn_call *call, const char *const *keys, size_t count,
                          const cairn_delete_watch *watch, cairn_error *err);
cairn_code s3_copy(void *self, const cairn_call *call, const char *from_key, const char *to_key,
                   cairn_put_mode mode, cairn_error *err);
cairn_code s3_list_page(void *self, const cairn_call *call, const cairn_list_page *page,
                        cairn_store_visit visit, void *context, cairn_error *err);
cairn_code s3_examine(void *self, const cairn_call *call, const char *key,
                      cairn_finding_visit visit, void *context, cairn_error *err);

#endif
