/* The JSON of operators, which manifests and parts share. */
#ifndef CAIRN_MANIFEST_MANIFEST_JSON_H
#define CAIRN_MANIFEST_MANIFEST_JSON_H

#include "json_read.h"
#include "json_text.h"
#include "manifest_write.h"

/* What the checks of an operator need to know of its document. */
typedef struct manifest_frame {
    const char *job;
    uint64_t id;
    uint64_t epoch;
    uint32_t max_parallelism;
    bool is_part;      /* one subtask instead of all */
    bool is_savepoint; /* its files are its own, below savepoints/<name>/ */
} manifest_frame;

/* Counts over a whole document, for bounds. */
typedef struct manifest_totals {
    uint64_t bytes;
    size_t files;
} manifest_totals;

cairn_code manifest_validate_frame(const manifest_frame *frame, cairn_error *err);
/* Adds to *totals. */
cairn_code manifest_validate_operator(const manifest_frame *frame, const cairn_operator_info *info,
                                      manifest_totals *totals, cairn_error *err);

/* The oldest version of manifests and parts whose readers know all that the operators hold. */
int manifest_version_of(const cairn_operator_info *operators, size_t count);

/* The same of a whole manifest: savepoints came with the second. */
int manifest_version(const cairn_manifest *manifest);

/* As the next value. Operator state may need memory: a failure sticks to `json`. */
void manifest_print_operator(json_text *json, const cairn_operator_info *info);
/* Into zeroed memory, which is the caller's to release also on failure. */
cairn_code manifest_read_operator(const json_value *object, cairn_operator_info *out,
                                  cairn_error *err);

/* Parts of an operator's JSON, of which there is more than one in it. */
void manifest_print_serializer(json_text *json, const char *name, const cairn_serializer_id *id);
void manifest_print_file(json_text *json, const cairn_file_info *file);
cairn_code manifest_read_serializer(const json_value *object, const char *name,
                                    cairn_serializer_id *out, cairn_error *err);
/* `element`: a cairn_file_info. */
cairn_code manifest_read_file(const json_value *object, void *element, cairn_error *err);

/* The member `operator_states` of a subtask: absent if there are none (NULL). */
void manifest_print_operator_states(json_text *json, const cairn_operator_states_info *info);
cairn_code manifest_read_operator_states(const json_value *subtask,
                                         cairn_operator_states_info **out, cairn_error *err);
/* All but the file, which is validated as any other. */
cairn_code manifest_validate_operator_states(const cairn_operator_states_info *info,
                                             cairn_error *err);

/* In a manifest's "extensions", of which a reader takes what it knows and ignores the rest. */
#define MANIFEST_SAFETY         "safety"
#define MANIFEST_SINGLE_ATTEMPT "single-attempt"

/* Room for the base64 of the largest operator state. */
#define MANIFEST_STRING_BYTES_MAX ((CAIRN_OPERATOR_STATE_BYTES_MAX + 2) / 3 * 4)

#endif
