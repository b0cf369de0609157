#!/usr/bin/env python3
"""Checkpoints that earlier versions have written, in tests/data/golden/<manifest version>-<engine>: this one
verifies them, reads them, and goes on from them to the output that one run over the whole input gives.

    test_golden.py                 the test
    test_golden.py --write BIN     writes those of the newest version, by that binary

A folder holds what the store held: the job's folder; that of v2-canonical a savepoint, from which both engines
start. What is in it follows from the input, which is made
here and must never change."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "support"))
from cairn_world import BIN, Failure, World  # noqa: E402

SOURCE = os.environ.get("CAIRN_SOURCE_DIR", os.path.join(TESTS, ".."))
GOLDEN = os.path.join(SOURCE, "tests", "data", "golden")
NEWEST = ("v2-rocksdb", "v2-hashmap", "v2-canonical")
SAVEPOINT = "kept"
BYTES_MAX = 200000
FIRST, ALL = 60, 100  # records that the checkpoints cover, records of the whole input
EVERY = 25            # so that there are several checkpoints, and files of earlier ones
KEYS = 7


def check(condition, text):
    if not condition:
        raise Failure(text)


def kinds_records():
    """Records of golden_job.c."""
    records = ["k%d %d" % (i % KEYS, i * 13 % 101) for i in range(1, ALL)]
    return records[:FIRST - 1] + ["! 300"] + records[FIRST - 1:] + ["! 2000"]


class Kinds:
    """What golden_job.c does, in plain words."""

    def __init__(self):
        self.keys, self.timers, self.log, self.records = {}, set(), [], 0
        self.out = []

    def take(self, record):
        key, number = record.split(" ")
        if key == "!":
            self.fire(int(number))
            return
        self.records += 1
        if self.records % 10 == 0:
            self.log.append(record)
        events = self.keys.setdefault(key, [])
        before = events[-1] if events else 0
        events.append(int(number))
        space = {"odd": [n for n in events if n % 2], "even": [n for n in events if n % 2 == 0]}
        self.timers.add((int(number) * 10, key, "odd" if int(number) % 2 else "even"))
        # A map holds each number once; all numbers of the input are different.
        self.out.append("%s\t%d\t%s\t%s\t%d\t%d\t%d\t%d" % (
            key, before, "".join("%d," % n for n in space["odd"]),
            "".join("%d," % n for n in space["even"]), sum(space["even"]), events[-1], sum(events),
            sum(events) // len(events)))

    def fire(self, until):
        due = sorted(timer for timer in self.timers if timer[0] <= until)
        self.timers -= set(due)
        self.out += ["timer\t%s\t%s\t%d" % (key, space, ms) for ms, key, space in due]
        self.out.append("\t".join(["operator", str(self.records)] + self.log + self.log[-1:]))

    def scans(self):
        """Lines of `cairn scan` for some states."""
        lasts = sorted("%s\t%d" % (key, events[-1]) for key, events in self.keys.items())
        return {"last": lasts, "kept": lasts, "events": sorted(
            "%s\t[%s]\t%d" % (key, "odd" if n % 2 else "even", n)
            for key, events in self.keys.items() for n in events)}


def words_records():
    return ["w%d w%d W%d" % (i % KEYS, i * i % 11, i % 3) for i in range(ALL)]


class Words:
    """What wordcount does with checkpoints at multiples of EVERY: a line for each word that changed."""

    def __init__(self):
        self.counts, self.changed, self.taken, self.out = {}, {}, 0, []

    def take(self, record):
        for word in record.lower().split(" "):
            self.counts[word] = self.counts.get(word, 0) + 1
            self.changed[word] = self.counts[word]
        self.taken += 1
        if self.taken % EVERY == 0 or self.taken in (FIRST, ALL):
            self.out += ["%s\t%d" % item for item in self.changed.items()]
            self.changed = {}

    def scans(self):
        return {"counts": sorted("%s\t%d" % item for item in self.counts.items())}


class Golden:
    def __init__(self, name):
        self.name = name
        self.version, self.engine = name.split("-")
        self.old = self.version == "v1"
        self.records = words_records() if self.old else kinds_records()
        self.job = "wordcount" if self.old else "golden"

    def model(self, count):
        model = Words() if self.old else Kinds()
        for record in self.records[:count]:
            model.take(record)
        return model

    def world(self, objects, count, engine=None):
        words = ["--checkpoint-every", str(EVERY)]
        if not self.old:
            words += ["--state-backend", engine or self.engine]
        world = World(self.job, ("\n".join(self.records[:count]) + "\n").encode(), words)
        if not self.old:
            world.program = os.path.join(objects, "golden_job.so")
        return world

    def output(self):
        """Of a job that goes on: the output of the checkpoint itself is published again, that of those
        before it is not."""
        before = self.model(FIRST // EVERY * EVERY)
        return "".join(line + "\n" for line in self.model(ALL).out[len(before.out):]).encode()

    def folder(self):
        return os.path.join(GOLDEN, self.name)


def build(objects):
    subprocess.run([os.environ.get("CAIRN_CC", "cc"), "-O1", "-Wall", "-Wextra", "-Werror", "-std=c11",
                    "-shared", "-fPIC", "-I" + os.path.join(SOURCE, "include"), "-o",
                    os.path.join(objects, "golden_job.so"), os.path.join(GOLDEN, "golden_job.c")],
                   check=True)


def scan(world, state):
    code, out, err = world.command("scan", world.uri, "--state", state)
    check(code == 0, "scan %s: exit %d %s" % (state, code, err))
    return sorted(out.decode().splitlines())


def check_scans(world, model):
    for state, lines in model.scans().items():
        check(scan(world, state) == lines, "scan %s: %s" % (state, scan(world, state)))


def test(golden, objects):
    with golden.world(objects, ALL) as world:
        shutil.copytree(golden.folder(), os.path.join(world.place.path, golden.job))
        manifests = world.manifests()
        check({manifest["version"] for manifest in manifests.values()} == {int(golden.version[1:])},
              "versions of the manifests")
        check({subtask["engine"] for manifest in manifests.values()
               for operator in manifest["operators"] for subtask in operator["subtasks"]} ==
              {golden.engine}, "engines of the manifests")
        world.check_whole()
        covered = golden.model(FIRST)
        check_scans(world, covered)
        world.finish(golden.output())
        check_scans(world, golden.model(ALL))
        return "%d manifests" % len(manifests)


def test_savepoint(golden, objects, engine):
    with golden.world(objects, ALL, engine) as world:
        shutil.copytree(golden.folder(), os.path.join(world.place.path, golden.job))
        savepoint = world.uri + "@" + SAVEPOINT
        code, _, err = world.command("verify", savepoint)
        check(code == 0, "verify: %d %s" % (code, err))
        code = world.run(extra=["--restore", savepoint])
        check(code == 0, "exit %s\n%s" % (code, world.log_text()))
        check(world.output() == golden.output(), "the output on %s" % engine)
        check_scans(world, golden.model(ALL))
        world.check_whole()


def test_canonical(golden, objects):
    for engine in ("rocksdb", "hashmap"):
        test_savepoint(golden, objects, engine)
    return "a savepoint on both engines"


def write(golden, objects, binary):
    with golden.world(objects, FIRST, "rocksdb" if golden.engine == "canonical" else None) as world:
        def call(*words):
            done = subprocess.run([binary] + list(words), cwd=world.root, check=False)
            check(done.returncode == 0, "%s: exit %d" % (golden.name, done.returncode))

        call("run", world.program or golden.job, "--input", world.input, "--output", "out", "--checkpoints",
             "ck", "--local-dir", "local", "--quiet", *world.extra)
        if golden.engine == "canonical":
            call("savepoint", "ck/" + golden.job, SAVEPOINT)
            for name in set(os.listdir(os.path.join(world.root, "ck", golden.job))) - {"savepoints"}:
                shutil.rmtree(os.path.join(world.root, "ck", golden.job, name))
        shutil.rmtree(golden.folder(), ignore_errors=True)
        shutil.copytree(os.path.join(world.root, "ck", golden.job), golden.folder())
        return "written"


def check_size():
    files = [os.path.join(folder, name) for folder, _, names in os.walk(GOLDEN) for name in names]
    total = sum(os.path.getsize(file) for file in files)
    check(total <= BYTES_MAX, "%d bytes of golden checkpoints" % total)
    for file in files:
        found = re.search(rb"/(tmp|root|home|work)/", open(file, "rb").read())
        check(not found, "%s holds a path of the machine that wrote it" % file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", metavar="BIN")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    passed = failed = 0
    names = options.names or (NEWEST if options.write else sorted(
        name for name in os.listdir(GOLDEN) if os.path.isdir(os.path.join(GOLDEN, name))))
    with tempfile.TemporaryDirectory() as objects:
        build(objects)
        for name in names:
            try:
                golden = Golden(name)
                if options.write:
                    said = write(golden, objects, os.path.abspath(options.write))
                else:
                    said = (test_canonical if golden.engine == "canonical" else test)(golden, objects)
                print("ok      %s: %s" % (name, said))
                passed += 1
            except Failure as failure:
                print("FAILED  %s: %s" % (name, failure))
                failed += 1
    check_size()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    assert BIN
    sys.exit(main())
