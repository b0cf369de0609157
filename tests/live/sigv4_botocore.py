#!/usr/bin/env python3
"""Signs random requests with botocore and with cairn, and compares.

    sigv4_botocore.py DUMP [--count N] [--seed S]

DUMP is the program of sigv4_dump.c. Needs botocore. Paths and queries hold any bytes, headers blanks
and UTF-8; payloads signed and not; with and without a session token; headers and URLs. Prints the
number of equal signatures; exit 1 if one differs.
"""
import argparse
import datetime
import hashlib
import random
import subprocess
import sys
import types
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NAMES = ["prefix", "max-keys", "uploads", "uploadId", "partNumber", "list-type", "delete", "a", "a-b",
         "a.b", "A", "key-marker", "continuation-token", "x-id", "versionId", "X-Amz-Custom"]
HEADERS = ["range", "if-match", "if-none-match", "content-type", "content-length", "x-amz-acl",
           "x-amz-copy-source", "x-amz-meta-a", "x-amz-meta-a-b", "x-amz-meta-ab", "x-amz-meta-a.b",
           "x-amz-storage-class", "x-amz-tagging", "x-amz-server-side-encryption"]
REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-2", "cn-north-1"]


class Clock:
    now = None


botocore.auth.get_current_datetime = lambda *_, **__: Clock.now


def odd_bytes(rng, longest):
    """Bytes without NUL, many of them special in URLs."""
    special = b"/+ =&%?#~-._*'()!@$,;:\xc3\xa9\xff\x01\t\n\"<>\\^`{|}"
    return bytes(rng.choice(special) if rng.random() < 0.5 else rng.randrange(1, 256)
                 for _ in range(rng.randrange(longest)))


def odd_text(rng, longest):
    return "".join(rng.choice("abzAZ09 \t/+=&%~-._é漢\"\\") for _ in range(rng.randrange(longest)))


def header_value(rng):
    inner = odd_text(rng, 20)
    return rng.choice(["", " ", "\t "]) + inner + rng.choice(["", "  "])


def make_request(rng):
    """What both signers are told."""
    presign = rng.random() < 0.4
    names = [n.encode() for n in NAMES] if presign else [n.encode() for n in NAMES] + [b"a", b"a"]
    query = []
    for name in rng.sample(names, rng.randrange(6)):
        # botocore reads the query of a URL to be signed as UTF-8 and writes it anew.
        value = odd_text(rng, 16).encode() if presign else odd_bytes(rng, 16)
        query.append((name, None if rng.random() < 0.2 else value))
    if not presign and rng.random() < 0.3:
        query.append((odd_bytes(rng, 8) + b"n", odd_bytes(rng, 8)))
    return {
        "presign": presign,
        "time": datetime.datetime(1971, 1, 1, tzinfo=datetime.timezone.utc)
        + datetime.timedelta(seconds=rng.choice([0, 1, rng.randrange(10 ** 9 * 3)])),
        "region": rng.choice(REGIONS),
        "id": rng.choice(["AKIAIOSFODNN7EXAMPLE", "user-1", "a/b+c"]),
        "secret": "".join(rng.choice("abcXYZ019/+=") for _ in range(rng.choice([8, 40, 90]))),
        "token": rng.choice(["", "", "FwoGZX/+=" * rng.randrange(1, 40)]),
        "method": rng.choice(["GET", "PUT", "POST", "HEAD", "DELETE"]),
        "scheme": rng.choice(["http", "https"]),
        "host": rng.choice(["bucket.s3.amazonaws.com", "127.0.0.1:9000", "h:8080", "minio"]),
        "path": b"/" + odd_bytes(rng, 40),
        "query": query,
        "headers": {name: header_value(rng) for name in rng.sample(HEADERS, rng.randrange(8))},
        "signs_body": rng.random() < 0.7,
        "body": rng.randbytes(rng.randrange(64)),
        "expires": rng.choice([1, 3600, 604800]),
    }


def encoded_query(request, rng):
    """As a caller may write it: in any order, a name alone without '='."""
    parts = []
    for name, value in request["query"]:
        name = quote(name, safe="-._~")
        bare = value is None and rng.random() < 0.5 and not request["presign"]
        parts.append(name if bare else f"{name}={quote(value or b'', safe='-._~')}")
    return "&".join(parts)


def sign_with_botocore(request, rng):
    """(sorted query members, Authorization)"""
    Clock.now = request["time"]
    query = encoded_query(request, rng)
    url = f"{request['scheme']}://{request['host']}{quote(request['path'], safe='-._~/')}"
    aws = AWSRequest(request["method"], url + ("?" + query if query else ""),
                     headers=dict(request["headers"]), data=b"" if request["presign"] else request["body"])
    keys = Credentials(request["id"], request["secret"], request["token"] or None)
    if request["presign"]:
        signer = botocore.auth.S3SigV4QueryAuth(keys, "s3", request["region"], request["expires"])
        signer.add_auth(aws)
        return sorted(aws.url.split("?", 1)[1].split("&")), ""
    aws.context["client_config"] = types.SimpleNamespace(
        s3={"payload_signing_enabled": request["signs_body"]})
    botocore.auth.S3SigV4Auth(keys, "s3", request["region"]).add_auth(aws)
    return None, aws.headers["Authorization"].replace(", ", ",")


def line_of(request):
    """The request for sigv4_dump: with the headers that a client of its own adds."""
    headers = {"host": request["host"], **request["headers"]}
    payload = "UNSIGNED-PAYLOAD"
    if request["signs_body"] and not request["presign"]:
        payload = hashlib.sha256(request["body"]).hexdigest()
    if not request["presign"]:
        headers["x-amz-date"] = request["time"].strftime("%Y%m%dT%H%M%SZ")
        headers["x-amz-content-sha256"] = payload
        if request["token"]:
            headers["x-amz-security-token"] = request["token"]
    fields = ["presign" if request["presign"] else "sign",
              str(int(request["time"].timestamp()) * 1000), request["region"], request["id"],
              request["secret"], request["token"], request["method"], request["path"],
              str(request["expires"]), payload, str(len(request["query"]))]
    fields += [part for pair in request["query"] for part in pair]
    fields += [str(len(headers))] + [part for pair in headers.items() for part in pair]
    return "\t".join("-" if f is None else (f if isinstance(f, bytes) else f.encode()).hex()
                     for f in fields)


def agree(request, theirs, ours):
    path, query, authorization = ours.split("\t")
    if path != quote(request["path"], safe="-._~/"):
        return False
    if request["presign"]:
        return sorted(query.split("&")) == theirs[0]
    return authorization == theirs[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    requests = [make_request(rng) for _ in range(arguments.count)]
    lines = "".join(line_of(request) + "\n" for request in requests)
    done = subprocess.run([arguments.dump], input=lines, capture_output=True, text=True, check=True)
    answers = done.stdout.split("\n")[:-1]
    if len(answers) != len(requests):
        sys.exit(f"{len(answers)} answers to {len(requests)} requests")
    differ = 0
    for request, ours in zip(requests, answers):
        theirs = sign_with_botocore(request, rng)
        if not agree(request, theirs, ours):
            differ += 1
            if differ <= 3:
                print(f"differ: {request}\n  botocore: {theirs}\n  cairn: {ours}")
    urls = sum(request["presign"] for request in requests)
    print(f"{len(requests) - differ} of {len(requests)} signatures equal "
          f"({len(requests) - urls} headers, {urls} URLs; seed {arguments.seed}, "
          f"botocore {botocore.__version__})")
    return differ != 0


if __name__ == "__main__":
    sys.exit(main())
