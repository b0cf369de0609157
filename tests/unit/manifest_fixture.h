/*
 * The documents of the golden files as models. What is built here never changes: the files under
 * tests/data hold what the writer of their format version made of it.
 */
#ifndef CAIRN_TESTS_MANIFEST_FIXTURE_H
#define CAIRN_TESTS_MANIFEST_FIXTURE_H

#include "manifest_write.h"
#include "records.h"

#define FIXTURE_JOB "orders"
#define FIXTURE_ID  42

/* Two operators, three subtasks, shared, private and packed files, outputs, states. */
cairn_manifest *fixture_full(void);
cairn_manifest *fixture_aborted(void);
/* States of all kinds, group files of the hash-map engine: version 2. */
cairn_manifest *fixture_kinds(void);
manifest_part fixture_kinds_part(void);
manifest_part fixture_part(void);
record_claim fixture_claim(void);
record_start fixture_start(void);
record_certificate fixture_certificate(void);

/* The bytes of tests/data/<name>; the caller releases them. */
cairn_buf fixture_golden(const char *name);

/*
 * A copy of `document` with the first `from` replaced by `to` ("" for the front) and a new seal; a
 * `from` that is not there fails the test. The seal is not part of what is searched.
 */
cairn_buf fixture_edit(cairn_slice document, const char *from, cairn_slice to);

/* Seals all of `body` as it is. */
cairn_buf fixture_seal(cairn_slice body);

#endif
