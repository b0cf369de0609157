#!/usr/bin/env python3
"""The kill matrix: a worker is killed at every fail point and at random times, each time restored on an
empty local disk, until the job ends. The published output must be byte for byte that of an undisturbed
run, and the invariants hold after each kill.

    kill_matrix.py --points            one kill at each fail point, first and later hits
    kill_matrix.py --points --once     at the second hit alone (CAIRN_LIVE_FULL=1: at each all the same)
    kill_matrix.py --random N          N kills at random times
    kill_matrix.py --seed S            of the random times
    kill_matrix.py --store SERVER      checkpoints there: a server of tests/live/servers.py, which it
                                       starts; without it in a folder
    kill_matrix.py --state-backend E   engine of the working state: rocksdb (default), hashmap

Needs CAIRN_BIN: a build with fail points. Ends with "N passed, N failed"."""

import argparse
import os
import random
import re
import signal
import sys
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "support"), os.path.join(TESTS, "live")]
from cairn_world import Failure, Folder, World, make_lines, opened_place  # noqa: E402

SOURCE = os.environ.get("CAIRN_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "..", ".."))
DATA = make_lines(6000, 1)
EVERY = ["--checkpoint-every", "500"]
# A checkpoint that fails on purpose must not end the job.
TOLERANT = ["-D", "execution.checkpointing.tolerable-failed-checkpoints=100"]

# Points that a smooth run does not pass need a fault that leads there.
FAULTS = {"abort.": "checkpoint.part.after=2*off->1*return(unavailable)"}
# Points of a restart: a first run is killed after some checkpoints.
RESTART = ("restore.",)
FIRST_KILL = "worker.record=2600*off->1*kill"


def points():
    text = open(os.path.join(SOURCE, "src", "base", "failpoint_names.c")).read()
    # Those of a savepoint are another command's: tests/scenario/test_savepoints.py.
    return [name for name in re.findall(r'^\s+"([a-z.]+)",', text, re.M)
            if not name.startswith("savepoint.")]


class Matrix:
    """What all runs share."""

    place = Folder
    words = []


def new_world(job, extra):
    return World(job, DATA, extra + Matrix.words, Matrix.place)


class Reference:
    """Output of an undisturbed run, per job."""

    def __init__(self):
        self.outputs = {}

    def of(self, job):
        if job not in self.outputs:
            with new_world(job, EVERY) as world:
                code = world.run()
                if code != 0:
                    raise Failure("the undisturbed run ended with %d\n%s" % (code, world.log_text()))
                self.outputs[job] = world.output()
        return self.outputs[job]


REFERENCE = Reference()


def after_kill(world, code):
    if code != -signal.SIGKILL:
        raise Failure("expected a kill, the worker ended with %s\n%s" % (code, world.log_text()))
    world.check_objects(in_flight=True)
    world.check_reported()


def kill_at(point, hits):
    """False if the point was not hit so often."""
    action = "%s=%s1*kill" % (point, "%d*off->" % (hits - 1) if hits > 1 else "")
    for prefix, fault in FAULTS.items():
        if point.startswith(prefix):
            action = fault + ";" + action
    with new_world("line-length" if hits % 2 else "wordcount", EVERY + TOLERANT) as world:
        if point.startswith(RESTART):
            after_kill(world, world.run(failpoint=FIRST_KILL))
        code = world.run(failpoint=action)
        if code == 0:
            if hits == 1:
                raise Failure("the point is never reached")
            return False
        after_kill(world, code)
        world.finish(REFERENCE.of(world.job))
    return True


def hits_of(point, once):
    hits = (1, 2, 5) if point != "worker.record" else (1, 777, 4001)
    return hits[1:2] if once else hits


def run_points(once):
    passed = failed = 0
    for point in points():
        for hits in hits_of(point, once):
            try:
                begin = time.monotonic()
                if kill_at(point, hits):
                    print("ok      %-32s hit %-4d %.1f s" % (point, hits, time.monotonic() - begin))
                    passed += 1
            except Failure as failure:
                print("FAILED  %s hit %d: %s" % (point, hits, failure))
                failed += 1
            sys.stdout.flush()
    return passed, failed


def random_job(rng, kills_left):
    """One job killed until it ends or the kills are used up; returns the number of kills."""
    kills = 0
    job = rng.choice(["line-length", "wordcount"])
    with new_world(job, EVERY) as world:
        while kills < kills_left:
            process = world.start()
            time.sleep(rng.uniform(0.0, 0.35) ** 1.5)
            world.kill(process)
            code = world.end(process)
            if code == 0:
                break
            after_kill(world, code)
            kills += 1
        world.finish(REFERENCE.of(world.job))
    return kills


def run_random(count, seed):
    rng = random.Random(seed)
    passed = failed = 0
    jobs = 0
    while passed + failed < count:
        try:
            passed += random_job(rng, count - passed - failed)
        except Failure as failure:
            print("FAILED  seed %d, after %d kills: %s" % (seed, passed, failure))
            failed += 1
        jobs += 1
        print("%d kills, %d jobs ended" % (passed, jobs))
        sys.stdout.flush()
    return passed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", action="store_true")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store")
    parser.add_argument("--state-backend", default="rocksdb")
    options = parser.parse_args()
    Matrix.words = ["--state-backend", options.state_backend]
    passed = failed = 0
    with opened_place(options.store) as Matrix.place:
        if options.points:
            passed, failed = run_points(options.once and os.environ.get("CAIRN_LIVE_FULL") != "1")
        if options.random:
            more = run_random(options.random, options.seed)
            passed, failed = passed + more[0], failed + more[1]
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
