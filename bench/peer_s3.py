"""What bench_store does, by Python's clients; started by bench_s3.py in an environment that has them.

    peer_s3.py awscrt|boto3 put|get BUCKET PREFIX DIR COUNT BYTES PARALLEL"""

import os
import sys

from side_by_side import Meter

PART = 16 << 20
SINGLE = 64 << 20  # up to it one request, as cairn's default


def names(count):
    return ["f%05d" % number for number in range(count)]


def crt_client(parallel):
    from awscrt import auth, io, s3

    context = io.ClientTlsContext(io.TlsContextOptions())
    ca = os.environ.get("AWS_CA_BUNDLE")
    if ca:
        options = io.TlsContextOptions()
        options.override_default_trust_store_from_path(None, ca)
        context = io.ClientTlsContext(options)
    host = os.environ["AWS_ENDPOINT_URL_S3"].split("://")[1]
    connection = context.new_connection_options()
    connection.set_server_name(host.split(":")[0])
    keys = auth.AwsCredentialsProvider.new_static(os.environ["AWS_ACCESS_KEY_ID"],
                                                  os.environ["AWS_SECRET_ACCESS_KEY"])
    region = os.environ["AWS_REGION"]
    return host, s3.S3Client(
        region=region, signing_config=s3.create_default_s3_signing_config(
            region=region, credential_provider=keys),
        tls_mode=s3.S3RequestTlsMode.ENABLED if ca else s3.S3RequestTlsMode.DISABLED,
        tls_connection_options=connection if ca else None, part_size=PART,
        multipart_upload_threshold=SINGLE, max_active_connections_override=parallel)


def crt(verb, bucket, prefix, folder, count, size, parallel):
    from awscrt import http, s3

    host, client = crt_client(parallel)
    checksum = s3.S3ChecksumConfig(algorithm=s3.S3ChecksumAlgorithm.CRC32,
                                   location=s3.S3ChecksumLocation.TRAILER)
    with Meter():
        running = []
        for name in names(count):
            headers = http.HttpHeaders([("host", host)])
            path, file = "/%s/%s/%s" % (bucket, prefix, name), "%s/%s" % (folder, name)
            if verb == "put":
                headers.add("content-length", str(size))
                headers.add("content-type", "application/octet-stream")
                running.append(client.make_request(
                    type=s3.S3RequestType.PUT_OBJECT, send_filepath=file, checksum_config=checksum,
                    request=http.HttpRequest("PUT", path, headers)))
            else:
                running.append(client.make_request(
                    type=s3.S3RequestType.GET_OBJECT, recv_filepath=file,
                    checksum_config=s3.S3ChecksumConfig(validate_response=True),
                    request=http.HttpRequest("GET", path, headers)))
        for request in running:
            request.finished_future.result()


def boto(verb, bucket, prefix, folder, count, _, parallel):
    import boto3
    import botocore.config
    from s3transfer.manager import TransferConfig, TransferManager

    client = boto3.client("s3", config=botocore.config.Config(
        max_pool_connections=parallel, s3={"addressing_style": "path"}))
    config = TransferConfig(multipart_threshold=SINGLE, multipart_chunksize=PART,
                            max_request_concurrency=parallel)
    with Meter():
        with TransferManager(client, config) as manager:
            move = manager.upload if verb == "put" else manager.download
            running = []
            for name in names(count):
                file, key = "%s/%s" % (folder, name), "%s/%s" % (prefix, name)
                words = (file, bucket, key) if verb == "put" else (bucket, key, file)
                running.append(move(*words))
            for transfer in running:
                transfer.result()


if __name__ == "__main__":
    work = {"awscrt": crt, "boto3": boto}[sys.argv[1]]
    work(*sys.argv[2:6], *map(int, sys.argv[6:9]))
