#!/usr/bin/env python3
"""MinIO is killed, stopped and restarted under a worker whose checkpoints are in it, and the worker is
killed in the middle of an upload: nothing is lost, no multipart upload stays open, no object stays that
nobody names, and the published output is that of an undisturbed run.

CAIRN_LIVE_FULL=1: more rounds. Needs CAIRN_BIN. Arguments: names of cases. Ends with "N passed, N
failed"."""

import random
import signal
import sys
import threading
import time

from live_case import FULL, case, check, main, servers
from cairn_world import World, make_lines, wait_for
from outages import LARGE, Expected, after_commits
from places import place_on

ROUNDS = 20 if FULL else 3
STOP_S = 30
WORDS = make_lines(6000, 6)
# About a millisecond per record, so that faults come in the middle.
SLOW = "worker.record=sleep(1)"
EVERY = ["--checkpoint-every", "500"]
# A checkpoint may fail, the job may not.
TOLERANT = ["-D", "execution.checkpointing.tolerable-failed-checkpoints=100"]
# State that needs many parts: the smallest that S3 allows.
PARTS = ["-D", "s3.multipart-threshold=5mb", "-D", "s3.upload.min.part.size=5mb",
         "--checkpoint-every", "10000"]


def disturbed(server, job, data, words, disturb, failpoint=None):
    """One worker, one disturbance; the job goes on to its end."""
    expected = Expected.of(job, data, words)
    with World(job, data, words + TOLERANT, place_on(server, server.new_bucket())) as world:
        worker = world.start(failpoint=failpoint)
        disturb(server, world, worker)
        code = world.end(worker, timeout=240)
        check(code == 0, "the worker ended with %d\n%s" % (code, world.log_text()))
        world.check_end(expected)


def begin_of_upload(server, world, worker):
    """Until parts of an object are on their way."""
    place = world.place
    check(wait_for(lambda: server.client().uploads(place.bucket) or worker.poll() is not None),
          "no upload in parts\n" + world.log_text())
    check(worker.poll() is None, "the worker ended early\n" + world.log_text())


@case
def minio_is_killed_and_restarted_at_random_times():
    rng = random.Random(8)

    def disturb(server, world, worker):
        after_commits(world, worker, 2)
        for _ in range(3):
            time.sleep(rng.uniform(0, 1))
            server.kill()
            time.sleep(rng.uniform(0, 2))
            server.start()

    with servers.Minio() as server:
        for number in range(ROUNDS):
            disturbed(server, ("wordcount", "line-length")[number % 2], WORDS, EVERY, disturb, SLOW)


@case
def minio_is_stopped_for_thirty_seconds():
    def disturb(server, world, worker):
        after_commits(world, worker, 3)
        server.pause()
        time.sleep(STOP_S)
        server.resume()

    with servers.Minio() as server:
        disturbed(server, "wordcount", WORDS, EVERY, disturb, SLOW)


@case
def minio_is_killed_and_restarted_in_the_middle_of_an_upload_in_parts():
    def disturb(server, world, worker):
        begin_of_upload(server, world, worker)
        server.kill()
        time.sleep(1)
        server.start()

    with servers.Minio() as server:
        for _ in range(ROUNDS):
            disturbed(server, "line-length", LARGE, PARTS, disturb)


@case
def the_worker_is_killed_in_the_middle_of_an_upload_in_parts():
    expected = Expected.of("line-length", LARGE, PARTS)
    with servers.Minio() as server:
        for _ in range(ROUNDS):
            with World("line-length", LARGE, PARTS, place_on(server, server.new_bucket())) as world:
                worker = world.start()
                begin_of_upload(server, world, worker)
                world.kill(worker)
                check(world.end(worker) == -signal.SIGKILL, world.log_text())
                check(world.place.leftovers(), "the kill came too late: nothing was open")
                world.check_objects(in_flight=True)
                world.finish(expected)


@case
def both_are_killed_again_and_again():
    """Faults of the store while a worker restores."""
    rng = random.Random(9)
    expected = Expected.of("wordcount", WORDS, EVERY)
    with servers.Minio() as server:
        with World("wordcount", WORDS, EVERY + TOLERANT, place_on(server, server.new_bucket())) as world:
            for _ in range(3 * ROUNDS):
                worker = world.start(failpoint=SLOW)
                time.sleep(rng.uniform(0.2, 1.2))
                server.kill()
                restart = threading.Timer(rng.uniform(0.1, 1), server.start)
                restart.start()
                time.sleep(rng.uniform(0, 1.5))
                world.kill(worker)
                code = world.end(worker)
                restart.join()
                check(code in (0, -signal.SIGKILL), "exit %d\n%s" % (code, world.log_text()))
                world.check_objects(in_flight=True)
                world.check_reported()
            world.finish(expected)


@case
def minio_that_does_not_come_back_ends_the_worker_as_unavailable():
    with servers.Minio() as server:
        with World("wordcount", WORDS, EVERY, place_on(server, server.new_bucket())) as world:
            worker = world.start(failpoint=SLOW)
            after_commits(world, worker, 2)
            server.kill()
            code = world.end(worker, timeout=400)
            lines = [line for line in world.log_text().splitlines() if line.startswith("cairn: ")]
            server.start()
            check(code == 6, "exit %d\n%s" % (code, world.log_text()))
            check(len(lines) == 1 and "attempts" in lines[0], world.log_text())
            world.check_objects(in_flight=True)
            world.finish(Expected.of("wordcount", WORDS, EVERY))


if __name__ == "__main__":
    sys.exit(main())
