/*
 * What a reply of WebHDFS that is no success means, and what to do then. Pure.
 *
 * HDFS answers nearly every failure with 403: the simple name of the Java exception in the JSON
 * body tells them apart, the status only where there is no such body (a servlet's HTML page, a
 * gateway, a wrong path prefix). The table stands in webhdfs_error.c.
 */
#ifndef CAIRN_HDFS_WEBHDFS_ERROR_H
#define CAIRN_HDFS_WEBHDFS_ERROR_H

#include <cairn/error.h>

/* What the driver may do about a failure. */
typedef enum webhdfs_action {
    CAIRN_WEBHDFS_FINAL = 0,
    CAIRN_WEBHDFS_BACK_OFF = 1, /* ask the same NameNode again, later */
    CAIRN_WEBHDFS_NEXT = 2,     /* ask the next NameNode */
    CAIRN_WEBHDFS_AGAIN = 3,    /* begin again with the first step; a put under a new name */
    CAIRN_WEBHDFS_RENEW = 4     /* get new credentials, once */
} webhdfs_action;

/* Failures that a caller treats by themselves. */
typedef enum webhdfs_cause {
    CAIRN_WEBHDFS_OTHER = 0,
    CAIRN_WEBHDFS_ABSENT = 1,       /* an active NameNode says that there is no such file */
    CAIRN_WEBHDFS_EXISTS = 2,       /* the name is taken */
    CAIRN_WEBHDFS_NOT_A_FOLDER = 3, /* a file stands where the path needs a folder */
    CAIRN_WEBHDFS_NOT_EMPTY = 4,    /* a folder that is not empty */
    CAIRN_WEBHDFS_IS_FOLDER = 5,    /* a folder has the name that a file should get */
    CAIRN_WEBHDFS_NO_DATANODE = 6   /* no DataNode is left to take or give the data */
} webhdfs_cause;

typedef struct webhdfs_failure {
    cairn_code code;
    webhdfs_action action;
    webhdfs_cause cause;
    char
        text[400]; /* "403 SafeModeException: Name node is in safe mode": escaped, cut, no secret */
} webhdfs_failure;

/* Copies an error as it stands, with the time that the peer asked for. */
cairn_code webhdfs_pass(cairn_code code, const cairn_error *why, cairn_error *err);

/* Where the reply came from. */
typedef enum webhdfs_step {
    CAIRN_WEBHDFS_FIRST = 0,  /* the NameNode */
    CAIRN_WEBHDFS_SECOND = 1, /* a DataNode, for any operation but CREATE */
    CAIRN_WEBHDFS_UPLOAD = 2  /* a DataNode, for CREATE */
} webhdfs_step;

/* Reads a final reply with a status that is no success; any body is fine. */
void webhdfs_error_read(webhdfs_step step, unsigned status, cairn_slice body, webhdfs_failure *out);

#endif
