/*
 * Manifests, parts and records. The seal stops every change, so the last line of the input is cut
 * off and made anew. What is accepted must print, and the print must read and print as the same
 * bytes.
 */
#include "fuzz.h"
#include "manifest_write.h"
#include "records.h"
#include "seal.h"

#include <stdlib.h>
#include <string.h>

static cairn_buf seal_again(const uint8_t *data, size_t size)
{
    size_t body = size > SEAL_LINE_BYTES ? size - SEAL_LINE_BYTES : size;
    cairn_buf document = {0};

    if (buf_append(&document, data, body, NULL) != CAIRN_OK ||
        seal_append_line(&document, NULL) != CAIRN_OK) {
        abort();
    }
    return document;
}

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void must_be_same(const cairn_buf *a, const cairn_buf *b)
{
    must(cairn_slice_equal(cairn_buf_slice(a), cairn_buf_slice(b)));
}

static void run_manifest(cairn_slice document)
{
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *first = NULL;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *second = NULL;
    CAIRN_AUTO(cairn_buf) printed = {0};
    CAIRN_AUTO(cairn_buf) again = {0};

    if (cairn_manifest_read(document, NULL, 0, &first, NULL) != CAIRN_OK) {
        return;
    }
    must(cairn_manifest_new_bytes(first) <= cairn_manifest_total_bytes(first));
    must(manifest_print(first, &printed, NULL, NULL) == CAIRN_OK);
    must(cairn_manifest_read(cairn_buf_slice(&printed), first->job, first->id, &second, NULL) ==
         CAIRN_OK);
    must(manifest_print(second, &again, NULL, NULL) == CAIRN_OK);
    must_be_same(&printed, &again);
}

static void run_part(cairn_slice document)
{
    CAIRN_AUTO(manifest_part) first = {0};
    CAIRN_AUTO(manifest_part) second = {0};
    CAIRN_AUTO(cairn_buf) printed = {0};
    CAIRN_AUTO(cairn_buf) again = {0};

    if (manifest_part_read(document, &first, NULL) != CAIRN_OK) {
        return;
    }
    must(manifest_part_print(&first, &printed, NULL) == CAIRN_OK);
    must(manifest_part_read(cairn_buf_slice(&printed), &second, NULL) == CAIRN_OK);
    must(manifest_part_print(&second, &again, NULL) == CAIRN_OK);
    must_be_same(&printed, &again);
}

static void run_records(cairn_slice document)
{
    CAIRN_AUTO(record_claim) claim = {0};
    CAIRN_AUTO(record_start) start = {0};
    CAIRN_AUTO(record_certificate) certificate = {0};
    CAIRN_AUTO(cairn_buf) printed = {0};

    if (record_claim_read(document, &claim, NULL) == CAIRN_OK) {
        must(record_claim_print(&claim, &printed, NULL) == CAIRN_OK);
    }
    if (record_start_read(document, &start, NULL) == CAIRN_OK) {
        must(record_start_print(&start, &printed, NULL) == CAIRN_OK);
    }
    if (record_certificate_read(document, &certificate, NULL) == CAIRN_OK) {
        must(record_certificate_print(&certificate, &printed, NULL) == CAIRN_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CAIRN_AUTO(cairn_buf) document = seal_again(data, size);

    run_manifest(cairn_buf_slice(&document));
    run_part(cairn_buf_slice(&document));
    run_records(cairn_buf_slice(&document));
    return 0;
}
