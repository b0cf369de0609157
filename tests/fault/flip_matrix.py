#!/usr/bin/env python3
"""Flipped bits: each object of a checkpoint, in each region of it, and truncated, emptied, extended,
swapped, deleted ones. `verify` and `restore` must exit 4, name the object and the newest good checkpoint,
and leave nothing in the target. A restarted worker must exit 4 too where the damage touches it, and
`latest-good` must restore the older one.

    flip_matrix.py [--regions N]   N flips spread over each object (default 8)

Needs CAIRN_BIN. Ends with "N passed, N failed"."""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cairn_world import Failure, World, make_lines  # noqa: E402

DATA = make_lines(3000, 3)
OPTIONS = ["--checkpoint-every", "1000", "-D", "execution.checkpointing.num-retained=3"]


# A file's bytes are all there, so a restore of it is right; verify reports it.
LONGER = "one byte more"


def expect(condition, text):
    if not condition:
        raise Failure(text)


def flip(offset, bit):
    def damage(data):
        changed = bytearray(data)
        changed[offset] ^= 1 << bit
        return bytes(changed)
    return damage


def damages(data, regions):
    """(name, function) pairs; each gives other bytes than it got."""
    size = len(data)
    offsets = sorted({min(size - 1, size * i // regions) for i in range(regions)} | {0, size - 1})
    for index, offset in enumerate(offsets):
        yield "bit %d of byte %d" % (index % 8, offset), flip(offset, index % 8)
    yield "cut in half", lambda old: old[:len(old) // 2]
    yield "emptied", lambda old: b""
    yield LONGER, lambda old: old + b"x"


class Job:
    def __init__(self, world):
        self.world = world
        expect(world.run() == 0, "the run failed: " + world.log_text())
        self.newest = max(world.manifests())

    def keys(self):
        """Every object of the newest checkpoint."""
        manifest = self.world.manifests()[self.newest]
        keys = {"chk-%d/manifest.json" % self.newest}
        for operator in manifest["operators"]:
            for subtask in operator["subtasks"]:
                keys.update(file["key"] for file in subtask["files"] + subtask["outputs"])
                keys.add("chk-%d/%s/%d/%s-%s-part.json" % (
                    self.newest, operator["uid"], subtask["index"], manifest["epoch"],
                    subtask["attempt"]))
        return sorted(keys)

    def good_without(self, key):
        """The newest older checkpoint that does not need the object."""
        good = [number for number, manifest in self.world.manifests().items()
                if number < self.newest and not any(
                    file["key"] == key for operator in manifest["operators"]
                    for subtask in operator["subtasks"]
                    for file in subtask["files"] + subtask["outputs"])]
        return max(good) if good else None

    def check(self, key, good, commands=("verify", "restore")):
        target = self.world.path("target")
        for command in commands:
            arguments = [command, self.world.uri] + ([target] if command == "restore" else [])
            code, _, err = self.world.command(*arguments)
            expect(code == 4, "%s exits %d: %s" % (arguments[0], code, err))
            expect(key in err, "%s does not name the object: %s" % (arguments[0], err))
            expect(err.count("\n") == 1, "%s prints more than a line: %s" % (arguments[0], err))
            if good is not None:
                expect("newest good checkpoint" in err and " %d" % good in err,
                       "%s does not name checkpoint %d: %s" % (arguments[0], good, err))
        expect(not os.path.exists(target) and not os.path.exists(target + ".partial"),
               "the target is not empty")

    def damage(self, key, name, function):
        commands = ("verify", "restore")
        if name == LONGER and not key.endswith(".json"):
            commands = ("verify",)
        path = self.world.path("checkpoints", self.world.job, key)
        with open(path, "rb") as file:
            before = file.read()
        good = self.good_without(key)
        os.chmod(path, 0o600)
        with open(path, "wb") as file:
            file.write(function(before))
        try:
            self.check(key, good, commands)
        finally:
            with open(path, "wb") as file:
                file.write(before)

    def remove(self, key):
        path = self.world.path("checkpoints", self.world.job, key)
        good = self.good_without(key)
        os.rename(path, path + "-aside")
        try:
            if not key.endswith("manifest.json"):
                self.check(key, good)
        finally:
            os.rename(path + "-aside", path)


def run_matrix(regions):
    passed = failed = 0
    with World("wordcount", DATA, OPTIONS) as world:
        job = Job(world)
        for key in job.keys():
            cases = list(damages(world.read_object(key), regions))
            for name, function in cases:
                try:
                    job.damage(key, name, function)
                    passed += 1
                except Failure as failure:
                    print("FAILED  %s, %s: %s" % (key, name, failure))
                    failed += 1
            try:
                job.remove(key)
                passed += 1
            except Failure as failure:
                print("FAILED  %s, removed: %s" % (key, failure))
                failed += 1
            print("%-70s %d kinds of damage" % (key, len(cases) + 1))
        expect(world.command("verify", world.uri)[0] == 0, "the objects were not put back")
    return passed, failed


def worker_cases():
    """A worker meets the damage."""
    with World("wordcount", DATA, OPTIONS) as world:
        job = Job(world)
        key = next(k for k in job.keys() if k.startswith("shared/") and job.good_without(k))
        path = world.path("checkpoints", world.job, key)
        with open(path, "r+b") as file:
            byte = file.read(1)
            file.seek(0)
            file.write(bytes([byte[0] ^ 1]))
        code = world.run()
        log = world.log_text()
        expect(code == 4 and key in log and "newest good checkpoint" in log, "%d %s" % (code, log))
        code = world.run(extra=["--restore", "latest-good"])
        expect(code == 0, "latest-good: %d %s" % (code, world.log_text()))
        world.check_whole()
    return 1, 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--regions", type=int, default=8)
    options = parser.parse_args()
    passed, failed = run_matrix(options.regions)
    try:
        more = worker_cases()
        passed += more[0]
    except Failure as failure:
        print("FAILED  worker: %s" % failure)
        failed += 1
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
