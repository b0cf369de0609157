"""Ends what a live test started, also when the test itself was killed.

Every process below a test carries the test's mark in its environment, so children of children are
found too, in whatever session they are. The guard is a process of its own that outlives the test: when
the pipe to it closes it ends all that carry the mark and removes the folders that it was told of.

    live_guard.py MARK      reads folders from standard input, a line each
"""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid

VARIABLE = "CAIRN_LIVE_MARK"


def marked(mark):
    """Ids of the processes that carry the mark; never the asker's own."""
    wanted = ("%s=%s" % (VARIABLE, mark)).encode()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open("/proc/%s/environ" % name, "rb") as file:
                if wanted in file.read().split(b"\0"):
                    yield int(name)
        except OSError:
            continue


def sweep(mark):
    """Kills until none is left: one of them may have started another meanwhile."""
    for _ in range(200):
        found = list(marked(mark))
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap()
        time.sleep(0.05)


def reap():
    """Dead children of ours keep no environment, but should not stay either."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


class Guard:
    """Of this process; made when the first thing is started."""

    one = None

    def __init__(self):
        self.mark = uuid.uuid4().hex
        self.folders = []
        environment = dict(os.environ)
        environment.pop(VARIABLE, None)
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), self.mark],
                                        stdin=subprocess.PIPE, start_new_session=True,
                                        env=environment)
        self.process.wait()
        # For what the test starts without thinking of it.
        os.environ[VARIABLE] = self.mark
        atexit.register(self.end)

    @classmethod
    def get(cls):
        if cls.one is None:
            cls.one = cls()
        return cls.one

    def folder(self, path):
        """`path` is removed at the end."""
        self.folders.append(path)
        self.process.stdin.write(path.encode() + b"\n")
        self.process.stdin.flush()

    def end(self):
        sweep(self.mark)
        for path in self.folders:
            shutil.rmtree(path, ignore_errors=True)


def main(mark):
    # Nobody's child: who kills the tree of the test does not find it.
    if os.fork() != 0:
        return
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    os.chdir("/")
    folders = sys.stdin.read().splitlines()
    sweep(mark)
    for path in folders:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
