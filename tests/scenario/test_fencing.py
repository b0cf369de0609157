#!/usr/bin/env python3
"""Two workers of one job: one runs, the other is fenced with exit 7; a worker that was stopped, overtaken
and woken again changes nothing. CAIRN_STOP_SECONDS: how long it is stopped (4; the full run uses 60).

    test_fencing.py [--store SERVER]      checkpoints there: a server of tests/live/servers.py, which it
                                          starts; without it in a folder

Needs CAIRN_BIN. Ends with "N passed, N failed"."""

import errno
import hashlib
import os
import signal
import sys
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "support"), os.path.join(TESTS, "live")]
from cairn_world import Failure, Folder, World, make_lines, opened_place, wait_for  # noqa: E402

STOP_SECONDS = float(os.environ.get("CAIRN_STOP_SECONDS", "4"))
ROUNDS = int(os.environ.get("CAIRN_FENCING_ROUNDS", "3"))
DATA = make_lines(4000, 2)
EVERY = ["--checkpoint-every", "200"]
# Slow enough that both workers are alive at the same time.
SLOW = "worker.record=sleep(1)"
# There are checkpoints before the worker that is stopped.
FIRST_KILL = "commit.confirm.after=3*off->1*kill"


class Stage:
    """What all worlds share."""

    place = Folder


def new_world():
    return World("line-length", DATA, EVERY, Stage.place)


def expect(condition, text):
    if not condition:
        raise Failure(text)


def expected_output():
    with new_world() as world:
        expect(world.run() == 0, "the undisturbed run failed: " + world.log_text())
        return world.output()


def started_together(world):
    """Both go for the job at once on two folders."""
    first = world.start(failpoint=SLOW)
    first_log, first_local = world.log, world.local
    second = world.start(failpoint=SLOW)
    second_log = world.log
    codes = sorted([first.wait(120), second.wait(120)])
    logs = open(first_log).read() + open(second_log).read()
    expect(codes == [0, 7], "exit codes %s\n%s" % (codes, logs))
    expect("newer attempt" in logs, "the fenced one does not say why: " + logs)
    expect(first_local != world.local, "the same folder")


def test_two_at_once(expected):
    for _ in range(ROUNDS):
        with new_world() as world:
            started_together(world)
            world.check_objects(in_flight=True)
            expect(world.output() == expected, "the output differs")
            world.check_whole()


def snapshot_of(world):
    found = {key: hashlib.sha256(world.read_object(key)).digest() for key in world.objects()}
    for folder, _, names in os.walk(world.path("out")):
        for name in names:
            path = os.path.join(folder, name)
            found[path] = os.stat(path).st_mtime_ns
    return found


def wait_for_trace(world, worker, trace, point):
    """Until the worker is at `point`, where it pauses."""
    def reached():
        return os.path.exists(trace) and point in open(trace).read().split("\n")

    if not wait_for(lambda: reached() or worker.poll() is not None) or worker.poll() is not None:
        world.kill(worker)
        worker.wait()
        raise Failure("%s is not reached\n%s" % (point, world.log_text()))


def opened(fifo):
    """Ends the pause of the one who waits for a writer; false if nobody does yet."""
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return False
    return True


def stop_at(point, expected):
    """A worker that was restored is stopped in the middle of `point`, overtaken, woken."""
    with new_world() as world:
        fifo = world.path("fifo")
        os.mkfifo(fifo)
        expect(world.run(failpoint=FIRST_KILL) == -signal.SIGKILL, "no kill: " + world.log_text())
        trace = world.path("trace")
        old = world.start(failpoint="%s=1*pause(%s)" % (point, fifo), trace=trace)
        old_log = world.log
        wait_for_trace(world, old, trace, point)
        os.kill(old.pid, signal.SIGSTOP)
        code = world.run()
        expect(code == 0, "the new worker ended with %d\n%s" % (code, world.log_text()))
        before = snapshot_of(world)
        time.sleep(STOP_SECONDS)
        os.kill(old.pid, signal.SIGCONT)
        expect(wait_for(lambda: opened(fifo) or old.poll() is not None),
               "%s: the woken worker does not come to the pause" % point)
        code = old.wait(60)
        log = open(old_log).read()
        expect(code == 7, "%s: the woken worker ended with %d\n%s" % (point, code, log))
        after = snapshot_of(world)
        changed = [path for path in before if after.get(path) != before[path]]
        expect(not changed, "%s: the woken worker changed or deleted %s" % (point, changed))
        expect(world.output() == expected, "%s: the output differs" % point)
        world.check_whole()
        expect(world.command("gc", world.uri, "--execute")[0] == 0, "gc fails")
        world.check_objects()


def test_stopped_and_woken(expected):
    for point in ("checkpoint.upload.before", "checkpoint.part.before", "commit.manifest.before",
                  "commit.manifest.after", "retention.certificate.before",
                  "retention.certificate.after"):
        stop_at(point, expected)
        print("        woken at " + point)
        sys.stdout.flush()


def run_all():
    expected = expected_output()
    passed = failed = 0
    for test in (test_two_at_once, test_stopped_and_woken):
        try:
            test(expected)
            print("ok      " + test.__name__)
            passed += 1
        except Failure as failure:
            print("FAILED  %s: %s" % (test.__name__, failure))
            failed += 1
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


def main():
    if sys.argv[1:2] not in ([], ["--store"]):
        sys.exit(__doc__)
    with opened_place(sys.argv[2] if sys.argv[1:] else None) as Stage.place:
        return run_all()


if __name__ == "__main__":
    sys.exit(main())
