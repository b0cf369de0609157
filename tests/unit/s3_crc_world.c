#include "test.h"

#include "s3_crc_world.h"

#include "bounds.h"
#include "buf.h"
#include "s3_body.h"

#include <endian.h>
#include <stdatomic.h>
#include <stdio.h>

void crc_let_it_pay(s3_world *w)
{
    atomic_store(&w->self->crc.signed_bytes, CAIRN_S3_PROOF_BYTES);
}

cairn_code crc_put_bytes(s3_world *w, const char *key, uint64_t length, const sha256 *known,
                         cairn_put_mode mode)
{
    char path[TMPDIR_PATH_BYTES];

    s3_world_file(w, "source", (size_t)length, path);
    const cairn_file_range range = {path, 0, length, false, known != NULL ? known->bytes : NULL};
    const cairn_code code = cairn_store_put_file(w->store, &w->call, key, &range, mode, &w->err);
    (void)remove(path);
    return code;
}

cairn_code crc_put_large(s3_world *w)
{
    return crc_put_bytes(w, "big", CRC_LARGE_BYTES, NULL, CAIRN_PUT_REPLACE);
}

cairn_code crc_put_one(s3_world *w, cairn_put_mode mode)
{
    return crc_put_bytes(w, "one", CRC_ONE_BYTES, NULL, mode);
}

void crc_of_large(s3_world *w, char out[CRC_TEXT_SIZE])
{
    const size_t part = (size_t)5 << 20;
    uint32_t parts[3];
    char text[S3_CRC32C_SIZE];
    CAIRN_AUTO(cairn_buf) data = {0};

    ASSERT_OK(buf_reserve(&data, part, &w->err), &w->err);
    for (size_t i = 0; i < part; i++) {
        data.data[i] = (uint8_t)(i * 7);
    }
    parts[0] = htobe32(crc32c_update(0, data.data, part));
    parts[1] = parts[0];
    parts[2] = htobe32(crc32c_update(0, data.data, (size_t)1 << 20));
    ASSERT_OK(s3_crc32c_text(crc32c_update(0, parts, sizeof(parts)), text, &w->err), &w->err);
    (void)snprintf(out, CRC_TEXT_SIZE, "%s-3", text);
}

bool crc_is_unsigned(const script_request *request)
{
    char hash[512];
    char sum[512];
    const bool has_sum = script_request_header(request, "x-amz-checksum-crc32c", sum, sizeof(sum));
    const bool is =
        strcmp(s3_world_header(request, "x-amz-content-sha256", hash), "UNSIGNED-PAYLOAD") == 0;

    assert_true(is == has_sum);
    return is;
}

const script_request *crc_last(s3_world *w, const char *method, const char *path)
{
    return s3_world_request(w, method, path, s3_world_count(w, method, path) - 1);
}

void crc_assert_nothing_is_left(s3_world *w)
{
    const s3_fake seen = s3_world_seen(w);

    assert_false(seen.open);
    assert_int_equal(seen.bad_hashes, 0);
}

void crc_change_fake(s3_world *w, s3_world_crc crc)
{
    (void)pthread_mutex_lock(&w->lock);
    w->fake.crc = crc;
    w->fake.aborts = 0;
    w->fake.stands = false;
    (void)pthread_mutex_unlock(&w->lock);
}
