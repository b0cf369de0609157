/*
 * Requests of one kind side by side, each repeated alone: parts of an upload, ranges of a download.
 *
 * As many seats as requests may be in flight. A task takes a seat, keeps it through its repeats,
 * and leaves it to the next task. A failure that no repeat can mend, or that was repeated often
 * enough, ends the crew; what is in flight is dropped.
 */
#ifndef CAIRN_S3_S3_CREW_H
#define CAIRN_S3_S3_CREW_H

#include "s3_object.h"

typedef struct s3_task {
    uint64_t index;   /* from 0 */
    bool sent_before; /* this is a repeat */
    bool blamed;      /* its bytes were hashed again: once */
    s3_request request;
    s3_exchange x;
    /* values that the request points to */
    char text[S3_RANGE_SIZE];
    char number[S3_NUMBER_SIZE];
    s3_digests digests;
    /* told by `finish` */
    bool at_once; /* repeat it now: what failed is mended */
    bool final;   /* do not repeat it, whatever the code */
} s3_task;

/* Writes the request of a task; before a repeat too, which may ask otherwise. */
typedef cairn_code (*s3_task_write)(void *context, s3_task *task, cairn_error *err);
/* After the reply: `code` and `why` are of the exchange. CAIRN_OK: the task is done. */
typedef cairn_code (*s3_task_finish)(void *context, s3_task *task, cairn_code code,
                                     const cairn_error *why, cairn_error *err);

/* May the next new task be written now? It is asked again soon if not. */
typedef bool (*s3_task_ready)(void *context);

typedef struct s3_crew {
    s3_store *store;
    const cairn_call *call;
    uint64_t tasks;
    const char *what; /* "part", for messages: "part 3 of 10: ..." */
    void *context;
    s3_task_write write;
    s3_task_finish finish;
    s3_task_ready ready; /* NULL: always */
} s3_crew;

cairn_code s3_crew_run(const s3_crew *crew, cairn_error *err);

#endif
