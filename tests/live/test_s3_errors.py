#!/usr/bin/env python3
"""What goes wrong between a user and a bucket: each ends in one clear line, the exit code of the table,
in bounded time, or is mended by the client itself. On MinIO and, where that is stricter, versitygw.

Needs CAIRN_BIN and CAIRN_LIVE_DIR. Arguments: names of cases, all if none. Ends with "N passed, N
failed"."""

import contextlib
import datetime
import http.server
import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time

from live_case import BIN, cairn, case, check, fails, main, servers, works
from cairn_world import World, make_lines, wait_for

CLOCK = os.path.join(os.environ.get("CAIRN_LIVE_DIR", "build/debug/tests"), "preload_clock.so")
DATA = make_lines(3000, 3)
EVERY = ["--checkpoint-every", "500"]
# For a server that can't keep two workers apart.
ALONE = ["-D", "cairn.store.create-check=single"]
STARTED = {}


def server(name="minio"):
    """One of each kind for all cases."""
    if name not in STARTED:
        STARTED[name] = servers.SERVERS[name]().__enter__()
    return STARTED[name]


@contextlib.contextmanager
def job(name="minio"):
    """(environment, URI of the checkpoints) of a job that has run, in a bucket of its own."""
    bucket = server(name).new_bucket()
    environment = server(name).environment()
    run_job(environment, "s3://%s/ck" % bucket, ALONE if server(name).racy else [])
    yield environment, bucket, "s3://%s/ck/wordcount" % bucket


def run_job(environment, uri, words, ended=works, **more):
    """Runs wordcount on new local folders."""
    folder = tempfile.mkdtemp(prefix="cairn-errors-")
    try:
        path = os.path.join(folder, "input.txt")
        with open(path, "wb") as file:
            file.write(DATA)
        return ended(cairn(environment, "run", "wordcount", "--input", path, "--output",
                           os.path.join(folder, "out"), "--checkpoints", uri, *EVERY, *words, **more))
    finally:
        shutil.rmtree(folder)


def each_command_fails(environment, uri, code, *texts, **more):
    """Those that read, the one that deletes, and the worker."""
    for words in (["list", uri], ["verify", uri], ["gc", uri, "--execute"]):
        fails(cairn(environment, *words, **more), code, *texts)
    run_job(environment, uri.rsplit("/", 1)[0], (), lambda ended: fails(ended, code, *texts), **more)


@case
def a_wrong_secret_is_access():
    for name in ("minio", "versitygw"):
        with job(name) as (environment, _, uri):
            each_command_fails(environment, uri, 5, "SignatureDoesNotMatch",
                               AWS_SECRET_ACCESS_KEY=servers.CANARY + "wrong")


@case
def an_unknown_key_is_access_and_never_an_empty_store():
    for name in ("minio", "versitygw"):
        with job(name) as (environment, _, uri):
            each_command_fails(environment, uri, 5, AWS_ACCESS_KEY_ID="nobodys-key")


@case
def no_credentials_at_all_is_access_and_says_where_they_were_sought():
    with job() as (environment, _, uri):
        fails(cairn(environment, "list", uri, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
                    HOME="/nonexistent"), 5, "AWS_ACCESS_KEY_ID")


@case
def a_bucket_that_does_not_exist_is_named():
    for name in ("minio", "versitygw"):
        environment = server(name).environment()
        for words in (["list"], ["verify"], ["gc", "--execute"]):
            line = fails(cairn(environment, words[0], "s3://no-such-bucket-here/ck/wordcount",
                               *words[1:]), 5, "no-such-bucket-here")
            check("checkpoint" not in line or "bucket" in line, line)
        run_job(environment, "s3://no-such-bucket-here/ck", (),
                lambda ended: fails(ended, 5, "no-such-bucket-here"))


@case
def a_wrong_region_is_corrected_by_what_the_server_says():
    with job("versitygw") as (environment, _, uri):
        works(cairn(environment, "verify", uri, AWS_REGION="eu-west-7"))
    with job("minio") as (environment, _, uri):
        works(cairn(environment, "verify", uri, AWS_REGION="eu-west-7"))


@case
def a_clock_twenty_minutes_off_is_corrected_and_said():
    for name in ("minio", "versitygw"):
        for shift in ("1200", "-1200"):
            with job(name) as (environment, bucket, uri):
                shifted = {"LD_PRELOAD": CLOCK, "CAIRN_CLOCK_SHIFT_S": shift}
                works(cairn(environment, "verify", uri, **shifted))
                ended = run_job(environment, "s3://%s/other" % bucket,
                                ALONE if server(name).racy else [], **shifted)
                check("clock" in ended.err, "not said: " + ended.err)


class Credentials(http.server.BaseHTTPRequestHandler):
    """A container's endpoint for credentials."""

    answer = {}
    asked = 0

    def do_GET(self):
        type(self).asked += 1
        body = json.dumps(self.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Quiet."""


@contextlib.contextmanager
def container_endpoint(key, secret, token, expires_s):
    """The environment of a program that gets its credentials there."""
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=expires_s)
    Credentials.answer = {"AccessKeyId": key, "SecretAccessKey": secret, "Token": token,
                          "Expiration": when.strftime("%Y-%m-%dT%H:%M:%SZ")}
    Credentials.asked = 0
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Credentials)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    try:
        yield {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_SESSION_TOKEN": None,
               "AWS_CONTAINER_CREDENTIALS_FULL_URI":
               "http://127.0.0.1:%d/credentials" % httpd.server_address[1]}
    finally:
        httpd.shutdown()
        httpd.server_close()


@case
def credentials_of_a_container_work():
    with job() as (environment, _, uri):
        key, secret, token = server().client().assume_role()
        with container_endpoint(key, secret, token, 3600) as more:
            works(cairn(environment, "verify", uri, **more))


@case
def an_expired_or_foreign_token_is_asked_for_again_and_then_access():
    with job() as (environment, _, uri):
        key, secret, token = server().client().assume_role()
        wrong = token[:-20] + servers.CANARY + token[-14:]
        with container_endpoint(key, secret, wrong, 3600) as more:
            line = fails(cairn(environment, "list", uri, **more), 5, "InvalidToken")
            check(Credentials.asked >= 2, "asked %d times: %s" % (Credentials.asked, line))
        with container_endpoint(key, secret, token, -3600) as more:
            fails(cairn(environment, "list", uri, **more), 5, "ended at")
        fails(cairn(environment, "list", uri, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret,
                    AWS_SESSION_TOKEN=wrong), 5, "InvalidToken")


@case
def a_certificate_of_an_authority_that_is_not_trusted_is_access():
    with job("minio-tls") as (environment, bucket, uri):
        with tempfile.TemporaryDirectory() as folder:
            other = servers.Certificates(os.path.join(folder, "other")).ca
            for bundle in (other, None):
                more = {"AWS_CA_BUNDLE": bundle}
                fails(cairn(environment, "list", uri, **more), 5, "certificate")
            run_job(environment, "s3://%s/ck" % bucket, (),
                    lambda ended: fails(ended, 5, "certificate"), AWS_CA_BUNDLE=other)


@case
def a_certificate_for_another_name_is_access():
    with servers.Minio(names="DNS:elsewhere.invalid") as other:
        uri = "s3://%s/ck/wordcount" % other.new_bucket()
        fails(cairn(other.environment(), "list", uri), 5, "127.0.0.1")


def role(*statements):
    """The environment of a session that may do no more than that."""
    policy = {"Version": "2012-10-17",
              "Statement": [{"Effect": effect, "Action": ["s3:" + name for name in actions],
                             "Resource": ["arn:aws:s3:::*"]} for effect, *actions in statements]}
    key, secret, token = server().client().assume_role(json.dumps(policy))
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


@case
def a_denied_delete_fails_the_collector_and_not_the_worker():
    with job() as (environment, bucket, _):
        may = role(("Allow", "*"), ("Deny", "DeleteObject"))
        ended = run_job(environment, "s3://%s/held" % bucket, (), **may)
        check("refuses to delete" in ended.err, "the worker does not say that it may not delete: " + ended.err)
        uri = "s3://%s/held/wordcount" % bucket
        works(cairn(environment, "verify", uri, **may))
        # The next start has the right: what its predecessor could not delete is garbage now.
        run_job(environment, "s3://%s/held" % bucket, ())
        works(cairn(environment, "gc", uri, "--execute"))
        works(cairn(environment, "verify", uri))
        manifests = [key for key in server().client().keys(bucket, "held/wordcount/chk-")
                     if key.endswith("/manifest.json")]
        check(len(manifests) == 1, str(manifests))


@case
def a_denied_write_is_access_before_anything_is_done():
    with job() as (environment, bucket, _):
        may = role(("Allow", "GetObject", "ListBucket"))
        run_job(environment, "s3://%s/new" % bucket, (),
                lambda ended: fails(ended, 5, "AccessDenied"), **may)
        check(not server().client().keys(bucket, "new/"), "something was written")


@case
def who_may_read_and_list_can_look_and_restore():
    with job() as (environment, _, uri):
        may = role(("Allow", "GetObject", "ListBucket"))
        for words in (["list", uri], ["show", uri], ["verify", uri], ["scan", uri]):
            works(cairn(environment, *words, **may))
        with tempfile.TemporaryDirectory() as folder:
            works(cairn(environment, "restore", uri, os.path.join(folder, "to"), **may))


@case
def a_denied_list_is_access_and_never_an_empty_job():
    with job() as (environment, bucket, uri):
        may = role(("Allow", "GetObject", "PutObject"))
        each_command_fails(environment, uri, 5, "AccessDenied", **may)


@case
def a_server_that_is_not_there_is_unavailable():
    with job() as (environment, _, uri):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = "http://127.0.0.1:%d" % closed.getsockname()[1]
            fails(cairn(environment, "list", uri, AWS_ENDPOINT_URL_S3=url), 6, "attempts")


@case
def a_name_that_does_not_resolve_is_unavailable():
    with job() as (environment, _, uri):
        fails(cairn(environment, "list", uri, AWS_ENDPOINT_URL_S3="https://no-such-host.invalid"), 6,
              "no-such-host.invalid")


@case
def a_bucket_that_vanishes_ends_the_worker_with_one_line():
    bucket = server().new_bucket()
    place = type("Place", (), {"uri": "s3://%s/ck" % bucket, "environment": server().environment(), "words": [],
                               "secrets": (servers.CANARY,), "close": lambda self: None})
    with World("wordcount", DATA, EVERY, place=lambda root: place()) as world:
        worker = world.start(failpoint="worker.record=sleep(2)")
        client = server().client()
        check(wait_for(lambda: "checkpoint 2 committed" in world.log_text()), world.log_text())
        until = time.monotonic() + 30
        while True:
            try:
                client.remove_bucket(bucket)
                break
            except Exception:
                check(time.monotonic() < until, "the bucket can't be removed")
        code = world.end(worker, timeout=150)
        lines = [line for line in world.log_text().splitlines() if line.startswith("cairn: ")]
        check(code in (3, 5), "exit %d: %s" % (code, world.log_text()))
        check(len(lines) == 1 and bucket in lines[0], str(lines))


if __name__ == "__main__":
    check(os.path.exists(BIN), BIN + " is not there")
    sys.exit(main())
