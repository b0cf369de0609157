#!/usr/bin/env python3
"""Flipped bits: each object of a checkpoint, in each region of it, and truncated, emptied, extended,
swapped, deleted ones. `verify` and `restore` must exit 4, name the object and the newest good checkpoint,
and leave nothing in the target. A restarted worker must exit 4 too where the damage touches it, and
`latest-good` must restore the older one.

    flip_matrix.py [--regions N]   N flips spread over each object (default 8)

Needs CAIRN_BIN. Ends with "N passed, N failed"."""

import argparse
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cairn_world import Failure, World, files_of, make_lines  # noqa: E402

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
                keys.update(file["key"] for file in files_of(subtask))
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
                    for file in files_of(subtask))]
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
            # Nothing tells of a head that is gone but the one before: the cases that records of
            # the job tell of are lost_only_manifest and lost_base_of_a_restart.
            if not key.endswith("manifest.json"):
                try:
                    job.remove(key)
                    passed += 1
                except Failure as failure:
                    print("FAILED  %s, removed: %s" % (key, failure))
                    failed += 1
            print("%-70s %d kinds of damage" % (key, len(cases)))
        expect(world.command("verify", world.uri)[0] == 0, "the objects were not put back")
    return passed, failed


def flip_first_byte(world, key):
    path = world.path("checkpoints", world.job, key)
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        byte = file.read(1)
        file.seek(0)
        file.write(bytes([byte[0] ^ 1]))


def expect_run(world, code, texts=(), extra=()):
    got = world.run(extra=extra)
    log = world.log_text()
    expect(got == code, "run %s exits %d, expected %d: %s" % (" ".join(extra), got, code, log))
    for text in texts:
        expect(text in log, "the log lacks \"%s\": %s" % (text, log))


def worker_meets_a_flipped_file():
    with World("wordcount", DATA, OPTIONS) as world:
        job = Job(world)
        key = next(k for k in job.keys() if k.startswith("shared/") and job.good_without(k))
        flip_first_byte(world, key)
        expect_run(world, 4, [key, "newest good checkpoint"])
        expect_run(world, 0, extra=["--restore", "latest-good"])
        world.check_whole()


def flipped_head(restore):
    """A worker that meets a damaged head manifest, and then the way out of `restore`."""
    with World("wordcount", DATA, OPTIONS) as world:
        job = Job(world)
        key = "chk-%d/manifest.json" % job.newest
        older = sorted(number for number in world.manifests() if number < job.newest)
        expect(len(older) == 2, "3 checkpoints are not retained: %s" % older)
        before = world.output()
        flip_first_byte(world, key)
        kept = world.objects()
        expect_run(world, 4, [key, "newest good checkpoint", " %d" % older[-1]],
                   ["--restore", "latest"])
        expect(kept <= world.objects(), "the worker that refused the damage deleted something")
        expect_run(world, 0, extra=["--restore", restore or str(older[0])])
        expect(world.output().startswith(before), "published output was changed")
        world.check_whole()


def worker_passes_over_a_flipped_head():
    flipped_head("latest-good")


def worker_goes_back_behind_a_flipped_head():
    flipped_head(None)


def lost_only_manifest():
    """One checkpoint is retained and its manifest is lost: certificates tell that it was there."""
    with World("wordcount", DATA, OPTIONS + ["-D", "execution.checkpointing.num-retained=1"]) as world:
        job = Job(world)
        expect(any(key.startswith("gc/") for key in world.objects()), "there is no certificate")
        expect(list(world.manifests()) == [job.newest], "more than one checkpoint is retained")
        key = "chk-%d/manifest.json" % job.newest
        os.unlink(world.path("checkpoints", world.job, key))
        kept = world.objects()
        for command in ("list", "verify", "restore"):
            arguments = [command, world.uri] + ([world.path("target")] if command == "restore" else [])
            code, _, err = world.command(*arguments)
            expect(code == 4, "%s exits %d: %s" % (command, code, err))
            expect(key in err, "%s does not name %s: %s" % (command, key, err))
        expect_run(world, 4, [key])
        expect(world.command("gc", world.uri, "--execute")[0] == 4, "gc goes on without a head")
        expect(kept <= world.objects(), "deleted: %s" % (kept - world.objects()))


def lost_base_of_a_restart():
    """A start record names the checkpoint that its epoch began with."""
    with World("wordcount", DATA, OPTIONS) as world:
        job = Job(world)
        key = "chk-%d/manifest.json" % job.newest
        # The next attempt starts from it and dies before it commits.
        expect(world.run(failpoint="backend.start.after=1*kill") == -signal.SIGKILL, "no kill")
        os.unlink(world.path("checkpoints", world.job, key))
        kept = world.objects()
        expect_run(world, 4, [key])
        expect(kept <= world.objects(), "deleted: %s" % (kept - world.objects()))


CASES = (worker_meets_a_flipped_file, worker_passes_over_a_flipped_head,
         worker_goes_back_behind_a_flipped_head, lost_only_manifest, lost_base_of_a_restart)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--regions", type=int, default=8)
    options = parser.parse_args()
    passed, failed = run_matrix(options.regions)
    for case in CASES:
        try:
            case()
            print("ok      " + case.__name__)
            passed += 1
        except Failure as failure:
            print("FAILED  %s: %s" % (case.__name__, failure))
            failed += 1
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
