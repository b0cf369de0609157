/*
 * One operation of WebHDFS: the URL, the first request to the NameNode, the redirect checked and
 * taken by hand, the second request to the DataNode, the reply judged.
 *
 * Life cycle: fill a webhdfs_request, zero-initialise a webhdfs_flight, webhdfs_perform, read
 * flight.reply, webhdfs_flight_release. A flight may be used again. For several at once, as of
 * http_crew: webhdfs_depart, then for each exchange that ended webhdfs_arrive, which says whether
 * the flight's exchange is to be performed once more.
 */
#ifndef CAIRN_HDFS_WEBHDFS_H
#define CAIRN_HDFS_WEBHDFS_H

#include "hdfs_auth.h"
#include "hdfs_datanodes.h"
#include "hdfs_namenodes.h"
#include "http.h"
#include "webhdfs_error.h"

/* How to reach HDFS: const after init, but for what is thread-safe by itself. */
typedef struct webhdfs {
    http_client *http;
    hdfs_namenodes namenodes;
    hdfs_datanodes datanodes;
    hdfs_auth auth;
    char *prefix;          /* "/webhdfs/v1" */
    char *datanode_hosts;  /* may be NULL */
    cairn_log log;         /* of another node being asked; no URL and no secret */
    _Atomic bool one_step; /* a gateway that answers OPEN and CREATE without a redirect */
} webhdfs;

typedef enum webhdfs_op {
    CAIRN_WEBHDFS_STATUS = 0,
    CAIRN_WEBHDFS_LIST = 1,
    CAIRN_WEBHDFS_CREATE = 2,
    CAIRN_WEBHDFS_OPEN = 3,
    CAIRN_WEBHDFS_CHECKSUM = 4,
    CAIRN_WEBHDFS_RENAME = 5,
    CAIRN_WEBHDFS_DELETE = 6,
    CAIRN_WEBHDFS_MKDIRS = 7,
    CAIRN_WEBHDFS_BLOCKS = 8,
    CAIRN_WEBHDFS_GET_TOKEN = 9,
    CAIRN_WEBHDFS_RENEW_TOKEN = 10,
    CAIRN_WEBHDFS_SUMMARY = 11
} webhdfs_op;

/* Names are lower case and need no encoding; a NULL name ends the list. */
typedef struct webhdfs_param {
    const char *name;
    const char *value;
} webhdfs_param;

#define WEBHDFS_PARAMS_MAX 7

/* All borrowed for the flight. */
typedef struct webhdfs_request {
    webhdfs_op op;
    const char *path; /* absolute, not encoded */
    webhdfs_param params[WEBHDFS_PARAMS_MAX + 1];
    http_source source; /* what CREATE stores */
    http_tap tap;       /* sees it on its way; may be NULL */
    void *tap_context;
    http_sink sink; /* where OPEN's data goes */
} webhdfs_request;

typedef struct webhdfs_flight {
    const webhdfs_request *request;
    http_exchange exchange;  /* the one to perform; its reply is the flight's */
    webhdfs_failure failure; /* of the last reply that was no success */
    bool unknown;            /* it failed, but a NameNode may have carried it out */
    bool direct;             /* the data goes with the first request, to a one-step gateway */
    webhdfs_step step;
    size_t namenode;
    webhdfs_url datanode; /* of the second step; its texts but the host are not valid */
    cairn_buf url;        /* a secret */
    hdfs_signature signature;
    const char *headers[4];
} webhdfs_flight;

void webhdfs_flight_release(webhdfs_flight *flight);
CAIRN_DEFINE_AUTO(webhdfs_flight, webhdfs_flight_release)

/*
 * Asks the NameNodes in turn, each once, as long as they say that another is to be asked. What went
 * wrong is flight->failure too; its action is NEXT only if no NameNode was left. A DataNode that
 * failed is excluded from then on.
 */
cairn_code webhdfs_perform(webhdfs *w, const cairn_call *call, const webhdfs_request *request,
                           webhdfs_flight *flight, cairn_error *err);

/* Makes flight->exchange the first request. */
cairn_code webhdfs_depart(webhdfs *w, const webhdfs_request *request, webhdfs_flight *flight,
                          cairn_error *err);
/* The exchange ended with `code` and `why`. True in *out_more: perform it again, it is the second
 * request now. */
cairn_code webhdfs_arrive(webhdfs *w, webhdfs_flight *flight, cairn_code code,
                          const cairn_error *why, bool *out_more, cairn_error *err);

#endif
