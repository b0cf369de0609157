#!/usr/bin/env python3
"""Scratch folders of `cairn get` and `cairn scan`: those of killed commands are removed by the next one of
the same user, and no other.

Needs CAIRN_BIN with fail points, and root (a folder of another user). Ends with "N passed, N failed"."""

import os
import pathlib
import signal
import subprocess
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "support"))
from cairn_world import BIN, Failure, World, make_lines, wait_for  # noqa: E402

DATA = make_lines(300, 5)
NOBODY = 65534
# In the middle of the download, when half a checkpoint is there.
HANGS = "restore.download.file=1*off->sleep(600000)"


def expect(condition, text):
    if not condition:
        raise Failure(text)


class Scratch:
    """A finished job, and a folder for scratch folders."""

    def __init__(self, world):
        self.world = world
        self.tmp = pathlib.Path(world.path("tmp"))
        self.tmp.mkdir()
        expect(world.run() == 0, "the job failed: " + world.log_text())

    def folders(self):
        return sorted(path.name for path in self.tmp.iterdir())

    def start(self, command, failpoint=None):
        env = dict(self.world.environment(), TMPDIR=str(self.tmp))
        if failpoint:
            env["CAIRN_FAILPOINT"] = failpoint
        key = ["--key", "w1"] if command == "get" else []
        return subprocess.Popen([BIN, command, self.world.uri] + key, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)

    def works(self, command):
        process = self.start(command)
        out, err = process.communicate(timeout=120)
        expect(process.returncode == 0, "%s: %d %s" % (command, process.returncode, err))
        return out

    def started_at(self, command, failpoint):
        """A command that halts in its download, and its folder."""
        before = set(self.folders())
        process = self.start(command, failpoint)
        expect(wait_for(lambda: self.downloading(before)), "%s downloads nothing" % command)
        return process, self.downloading(before)

    def downloading(self, before):
        for name in set(self.folders()) - before:
            if any((self.tmp / name).glob("checkpoint.partial-*/**/*.sst")) or \
                    any((self.tmp / name).glob("checkpoint.partial-*/**/CURRENT")):
                return name
        return None

    def killed(self, command):
        process, name = self.started_at(command, HANGS)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        expect(name in self.folders(), "the killed %s left nothing" % command)
        return name

    def copy_of(self, name, to):
        """What a killed command left, under another name."""
        folder = self.tmp / to
        subprocess.run(["cp", "-a", str(self.tmp / name), str(folder)], check=True)
        return folder


def what_a_killed_command_left_is_removed_by_the_next_one(scratch):
    expect(scratch.works("scan") != b"", "the scan prints nothing")
    expect(scratch.folders() == [], "left: %s" % scratch.folders())
    for killed in ("get", "scan"):
        for after in ("get", "scan"):
            scratch.killed(killed)
            scratch.works(after)
            expect(scratch.folders() == [], "left after a killed %s: %s" % (killed, scratch.folders()))


def a_folder_whose_owner_lives_stays(scratch):
    fifo = scratch.world.path("fifo")
    os.mkfifo(fifo)
    living, name = scratch.started_at("scan", "restore.download.file=1*off->1*pause(%s)" % fifo)
    try:
        scratch.killed("get")
        scratch.works("get")
        expect(scratch.folders() == [name], "there are %s, not %s" % (scratch.folders(), name))
        with open(fifo, "w"):
            pass
        out, err = living.communicate(timeout=120)
        expect(living.returncode == 0 and out != b"", "the living scan failed: %s" % err)
        expect(scratch.folders() == [], "left: %s" % scratch.folders())
    finally:
        if living.poll() is None:
            living.kill()
            living.communicate()


def what_is_not_surely_its_own_stays(scratch):
    left = scratch.killed("get")
    copies = [scratch.copy_of(left, "cairn-scratch-" + name)
              for name in ("others", "unknwn", "nolock", "nomark", "public", "longer-name")]
    os.chown(copies[0], NOBODY, NOBODY)
    (copies[1] / "mine.txt").write_text("kept")
    (copies[2] / "LOCK").unlink()
    (copies[3] / "CAIRN-SCRATCH").unlink()
    copies[4].chmod(0o777)
    (scratch.tmp / "cairn-scratch-linked").symlink_to(copies[5])
    scratch.works("get")
    kept = sorted([path.name for path in copies] + ["cairn-scratch-linked"])
    expect(scratch.folders() == kept, "there are %s, not %s" % (scratch.folders(), kept))
    expect((copies[5] / "LOCK").exists(), "a link was followed")


CASES = [what_a_killed_command_left_is_removed_by_the_next_one,
         a_folder_whose_owner_lives_stays,
         what_is_not_surely_its_own_stays]


def main():
    failed = 0
    for case in CASES:
        try:
            with World("wordcount", DATA) as world:
                case(Scratch(world))
            print("passed:", case.__name__)
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            failed += 1
            print("FAILED:", case.__name__, failure)
    print("%d passed, %d failed" % (len(CASES) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
