/* Numbers for people. All pure. */
#ifndef CAIRN_CLI_HUMAN_H
#define CAIRN_CLI_HUMAN_H

#include <cairn/base.h>

#define HUMAN_SIZE 32

/* "812 B", "12.3 MiB" */
const char *human_bytes(uint64_t bytes, char out[HUMAN_SIZE]);
/* "12,345,678" */
const char *human_count(uint64_t count, char out[HUMAN_SIZE]);
/* "12 ms", "3.4 s", "5 min 12 s", "3 h 5 min" */
const char *human_duration(uint64_t ms, char out[HUMAN_SIZE]);

#endif
