"""Clients beside each other at the same work: each a process of its own, in turns, so that what else the
machine does meets all of them. CPU seconds and peak memory are the client's own; of the rounds the
median.

A client prints a line of JSON with wall_s, user_s, sys_s and rss_mb about its transfers alone; of one
that prints none the whole process is measured."""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

GIB = 1 << 30
# Above all that is not real-time; the kernel leaves the others 5 % of each second.
PRIORITY = 10


def tasks_of(pids):
    for pid in pids:
        for name in os.listdir("/proc/%d/task" % pid):
            yield int(name)


def set_realtime(pids, on):
    for task in tasks_of(pids):
        try:
            os.sched_setscheduler(task, os.SCHED_RR if on else os.SCHED_OTHER,
                                  os.sched_param(PRIORITY if on else 0))
        except ProcessLookupError:
            pass


class Bench:
    """`servers`: ids of the processes that serve; with `realtime` they and the client run before all
    else, and others get as much time after each run as it took."""

    def __init__(self, rounds, realtime, servers=(), count_requests=lambda: 0):
        self.rounds, self.realtime = rounds, realtime
        self.servers, self.count_requests = servers, count_requests

    def prepare(self):
        if self.realtime:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))

    def one(self, command, environment):
        before = self.count_requests()
        log = tempfile.TemporaryFile("w+")
        begin = time.monotonic()
        if self.realtime:
            set_realtime(self.servers, True)
        try:
            process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=log, text=True,
                                       preexec_fn=self.prepare)
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - begin
        finally:
            if self.realtime:
                set_realtime(self.servers, False)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            log.seek(0)
            raise SystemExit("%s: exit %d: %s" % (" ".join(command), process.returncode,
                                                  log.read()[-3000:]))
        if self.realtime:
            time.sleep(wall)
        lines = [line for line in output.splitlines() if line.startswith("{")]
        if lines:
            found = json.loads(lines[-1])
        else:
            found = {"wall_s": wall, "user_s": usage.ru_utime, "sys_s": usage.ru_stime,
                     "rss_mb": usage.ru_maxrss / 1024}
        found["requests"] = self.count_requests() - before
        return found

    def run(self, clients, before=lambda name: None, after=lambda name: None):
        """`clients`: name -> function that gives command and environment. Returns name -> medians."""
        seen = {name: [] for name in clients}
        for number in range(self.rounds + 1):
            for name, make in clients.items():
                before(name)
                found = self.one(*make())
                after(name)
                if number > 0:  # the first warms up
                    seen[name].append(found)
                print("  %-14s %s" % (name, json.dumps(found)), file=sys.stderr, flush=True)
        return {name: {key: statistics.median(each[key] for each in found) for key in found[0]}
                for name, found in seen.items()}


def table(title, results, total_bytes, ours="cairn"):
    """Prints rows of a Markdown table; ratios are to `ours`: above 1 it is better."""
    base = results[ours]
    for name, found in results.items():
        cpu = (found["user_s"] + found["sys_s"]) / total_bytes * 1e9
        own = (base["user_s"] + base["sys_s"]) / total_bytes * 1e9
        print("| %s | %s | %.2f (%.2f) | %.2f (%.2f) | %.0f | %s |" % (
            title, name, found["wall_s"], found["wall_s"] / base["wall_s"], cpu, cpu / own,
            found["rss_mb"], "%d" % found["requests"] if found["requests"] else ""))
    sys.stdout.flush()


HEADER = ("| what | client | wall s (ratio) | CPU s per GB (ratio) | RSS MB | requests |\n"
          "|---|---|---|---|---|---|")


def make_files(folder, count, size):
    """f00000 ... with bytes that do not compress, none like another."""
    os.makedirs(folder)
    block = os.urandom(min(size, 16 << 20))
    for number in range(count):
        with open("%s/f%05d" % (folder, number), "wb") as file:
            file.write(b"%016d" % number)
            left = size - 16
            while left > 0:
                left -= file.write(block[:min(left, len(block))])


def check_files(folder, source, count):
    """What came back is what went."""
    for number in (0, count // 2, count - 1):
        name = "f%05d" % number
        if subprocess.run(["cmp", "%s/%s" % (folder, name), "%s/%s" % (source, name)]).returncode:
            raise SystemExit("%s/%s is not what was stored" % (folder, name))


def empty(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)


class Meter:
    """For a client in Python: prints what its transfers took, without its start."""

    def __enter__(self):
        self.before, self.begin = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        wall, after = time.monotonic() - self.begin, resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"wall_s": round(wall, 4),
                          "user_s": round(after.ru_utime - self.before.ru_utime, 4),
                          "sys_s": round(after.ru_stime - self.before.ru_stime, 4),
                          "rss_mb": round(after.ru_maxrss / 1024, 1)}))
