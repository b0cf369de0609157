#!/usr/bin/env python3
"""Who may commit: two committers race for one key on MinIO, and one of them wins each time; servers whose
create-only put is not atomic, or is none, are found out before a job starts.

CAIRN_LIVE_FULL=1: 1,000 races and 100 starts instead of 50 and 5. Needs CAIRN_BIN and CAIRN_LIVE_DIR.
Ends with "N passed, N failed"."""

import os
import subprocess
import sys
import tempfile

from live_case import FULL, cairn, case, check, fails, main, servers, works
from cairn_world import make_lines
from s3_forgetful import Forgetful

RACE = os.path.join(os.environ.get("CAIRN_LIVE_DIR", "build/debug/tests"), "race_commit")
RACES = 1000 if FULL else 50
STARTS = 100 if FULL else 5
# How often the races are run until two win: on a machine with much else to do they seldom meet.
BLIND_TRIES = 40
ALONE = ["-D", "cairn.store.create-check=single"]


def race(environment, uri):
    done = subprocess.run([RACE, uri, str(RACES)], capture_output=True, text=True, timeout=600,
                          env=servers.clean_environment(**environment))
    return done.returncode, done.stdout + done.stderr


def start(environment, bucket, number, *words, **more):
    with tempfile.TemporaryDirectory(prefix="cairn-races-") as folder:
        path = os.path.join(folder, "input.txt")
        with open(path, "wb") as file:
            file.write(make_lines(300, 5))
        return cairn(environment, "run", "wordcount", "--input", path, "--output",
                     os.path.join(folder, "out"), "--checkpoints", "s3://%s/%d" % (bucket, number),
                     "--checkpoint-every", "100", *words, **more)


@case
def each_race_on_minio_has_one_winner():
    for name in ("minio", "minio-tls"):
        with servers.SERVERS[name]() as server:
            code, text = race(server.environment(), "s3://%s/races" % server.new_bucket())
            check(code == 0 and "%d rounds, 0 bad" % RACES in text, text[-2000:])


@case
def races_on_versitygw_have_several_winners_or_this_test_is_blind():
    with servers.Versitygw() as server:
        for _ in range(BLIND_TRIES):
            code, text = race(server.environment(), "s3://%s/races" % server.new_bucket())
            check(code in (0, 1), text[-2000:])
            if code == 1 and "ok and ok" in text:
                return
        check(False, "never two winners: " + text[-2000:])


def is_refused(server, **more):
    bucket = server.new_bucket()
    for number in range(STARTS):
        fails(start(server.environment(), bucket, number, **more), 8, "create")
        left = server.client().keys(bucket, "%d/wordcount/" % number)
        check(not left, "start %d was refused and left %s" % (number, left))
    works(start(server.environment(), bucket, STARTS, *ALONE, **more))


@case
def versitygw_is_refused_at_every_start_unless_the_weaker_mode_is_chosen():
    with servers.Versitygw() as server:
        is_refused(server)


@case
def a_server_that_forgets_the_condition_is_refused_at_every_start():
    with servers.Minio() as server, Forgetful(server) as url:
        is_refused(server, AWS_ENDPOINT_URL_S3=url)


@case
def minio_is_accepted_at_every_start():
    with servers.Minio() as server:
        bucket = server.new_bucket()
        for number in range(STARTS):
            works(start(server.environment(), bucket, number))


if __name__ == "__main__":
    sys.exit(main())
