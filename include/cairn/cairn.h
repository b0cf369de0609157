/*
 * cairn: a state backend for stream processing. This header includes the whole public API.
 *
 *   base.h        slices, buffers, ownership words        error.h     codes and the error value
 *   store.h       an object store as its users call it    dir.h       the directory store
 *   s3.h          the S3 store                            hdfs.h      the HDFS store
 *   store_driver.h  a store as a driver implements it     doctor.h    what a store really does
 *   backend.h     life cycle of a backend                 state.h     keyed state
 *   checkpoint.h  taking checkpoints                      manifest.h  what a checkpoint holds
 *   history.h     a job's checkpoints without a worker    log.h       where log lines go
 *   job.h         a job for `cairn run`                   worker.h    running one
 *   config.h      options by Flink's names                operator_state.h  state without a key
 *   serializer.h  typed values in state                   savepoint.h  copies that are the user's
 *
 * Rules of the whole library: every fallible call returns a cairn_code and takes a cairn_error
 * last, outputs are untouched on failure; the library never prints, never exits (except on a failed
 * assertion: a bug), and calls back from its own threads only into the log sink and a clock
 * (backend.h). Opaque objects have new or open and free or close; options structs carry their
 * version first and have an _INIT macro whose defaults are meant for production.
 */
#ifndef CAIRN_CAIRN_H
#define CAIRN_CAIRN_H

#include <cairn/backend.h>
#include <cairn/base.h>
#include <cairn/checkpoint.h>
#include <cairn/config.h>
#include <cairn/dir.h>
#include <cairn/doctor.h>
#include <cairn/error.h>
#include <cairn/hdfs.h>
#include <cairn/history.h>
#include <cairn/job.h>
#include <cairn/log.h>
#include <cairn/manifest.h>
#include <cairn/operator_state.h>
#include <cairn/s3.h>
#include <cairn/savepoint.h>
#include <cairn/serializer.h>
#include <cairn/state.h>
#include <cairn/store.h>
#include <cairn/store_driver.h>
#include <cairn/timer.h>
#include <cairn/worker.h>

#endif
