#!/usr/bin/env python3
"""The jobs of examples/ against plain models, on both engines: undisturbed, killed at each point around
the end of the input, at random, stopped, and with a last checkpoint that fails.

    test_job_models.py                    quick
    test_job_models.py --random N         so many random kills for each job and engine
    test_job_models.py --seed S           of the random times
    test_job_models.py NAME               that job alone

Needs CAIRN_BIN: a build with fail points. Ends with "N passed, 0 failed"."""

import argparse
import collections
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "support"))
from cairn_world import BIN, Failure, World, wait_for  # noqa: E402

EXAMPLES = os.path.join(os.environ.get("CAIRN_SOURCE_DIR", os.path.join(TESTS, "..")), "examples")
ENGINES = ("rocksdb", "hashmap")
RECORDS = 3100
EVERY = 500
EXTRA = ["--checkpoint-every", str(EVERY),
         "-D", "execution.checkpointing.tolerable-failed-checkpoints=100"]
# Each is passed once by a checkpoint.
AT_THE_END = ("sink.stage.before", "sink.stage.after", "checkpoint.sync.after", "checkpoint.part.after",
              "commit.manifest.before", "commit.manifest.after", "commit.confirm.after",
              "sink.publish.before", "sink.publish.after")
SLACK = 5000


def lines_of(job):
    """Records are functions of how late they are: some are, as the first behind each barrier, which a
    restored job sees before any other."""
    return [record(90000 if i % EVERY == 0 and i > 0 or i % 97 == 5 else 0)
            for i, record in enumerate(job.records())]


def windows():
    """Words with times, most a little out of order."""
    rng = random.Random(7)
    for i in range(RECORDS):
        ms = 1000000 + 400 * i - (rng.choice((0, 2000, 5000, 9000)) if i % 3 else 0)
        words = " ".join("w%d" % rng.randrange(25) for _ in range(1 + i % 4))
        yield lambda late, ms=ms, words=words: "%d %s" % (ms - late, words)
        if i % 500 == 9:
            yield lambda _: "no time"


def windows_model(lines):
    size, watermark, counts, out = 60000, -1, collections.Counter(), []
    for line in lines:
        time_text, *words = line.split(" ")
        if not time_text.isdigit():
            continue
        ms = int(time_text)
        for word in words:
            start = ms - ms % size
            if start + size - 1 <= watermark:
                out.append("late\t%d\t%s" % (ms, word))
            else:
                counts[start, word] += 1
        watermark = max(watermark, ms - SLACK - 1)
        out += close_windows(counts, watermark - size + 1)
    late = sum(line.startswith("late") for line in out)
    check(late > 20 and len(out) - late > 100, "the input is of no use")
    return out + close_windows(counts, float("inf"))


def close_windows(counts, last_start):
    due = sorted(key for key in counts if key[0] <= last_start)
    return ["%d\t%s\t%d" % (start, word, counts.pop((start, word))) for start, word in due]


def windows_group(line):
    """Lines of one word have an order, those of different words have none. Late ones: that of the input."""
    fields = line.split("\t")
    return "late" if fields[0] == "late" else "word " + fields[1]


def sessions():
    """Users with views and purchases of few items, out of order as above."""
    rng = random.Random(11)
    for i in range(RECORDS):
        ms = 1000000 + 700 * i - rng.choice((0, 0, 3000, 20000, 25000, 70000))
        rest = "u%d,%s,i%d" % (rng.randrange(45), rng.choice(("view", "view", "buy")), rng.randrange(4))
        yield lambda late, ms=ms, rest=rest: "%d,%s" % (ms - late, rest)
        if i % 40 == 9:
            # Two sessions, then a record between them that makes them one.
            for before, what in ((31500, "view"), (0, "buy"), (16000, "buy"), (15000, "view")):
                text = "%d,v%d,%s,i%d" % (1000000 + 700 * i - before, i // 40 % 5, what, i % 3)
                yield lambda _, text=text: text
        if i % 500 == 9:
            yield lambda _: "1,u1,look,i1"


def sessions_model(lines):
    gap, watermark, merged = 30000, -1, 0
    users, out = collections.defaultdict(list), []
    for line in lines:
        time_text, user, kind, item = line.split(",")
        if kind == "look":
            continue
        ms = int(time_text)
        touched = sorted((s for s in users[user] if s["start"] <= ms + gap and s["end"] >= ms),
                         key=lambda s: s["start"])
        if not touched and ms + gap - 1 <= watermark:
            out.append("late\t%d\t%s\t%s" % (ms, user, item))
        else:
            merged += len(touched) == 2
            parts = touched + [{"start": ms, "end": ms + gap, "events": [(ms, kind, item)]}]
            users[user] = [s for s in users[user] if s not in touched] + [{
                "start": min(s["start"] for s in parts), "end": max(s["end"] for s in parts),
                "events": [event for s in parts for event in s["events"]]}]
        watermark = max(watermark, ms - SLACK - 1)
        out += close_sessions(users, watermark)
    late = sum(line.startswith("late") for line in out)
    check(late > 20 and merged > 20 and len(out) - late > 100, "the input is of no use")
    return out + close_sessions(users, float("inf"))


def close_sessions(users, watermark):
    out = []
    for user, open_sessions in users.items():
        due = sorted((s for s in open_sessions if s["end"] - 1 <= watermark), key=lambda s: s["end"])
        users[user] = [s for s in open_sessions if s not in due]
        for session in due:
            for ms, kind, item in session["events"]:
                views = sum(1 for at, what, which in session["events"]
                            if what == "view" and which == item and at <= ms)
                if kind == "buy":
                    out.append("%s\t%s\t%d\t%d" % (user, item, ms, views))
    return out


def sessions_group(line):
    return line.split("\t")[0]


def scores():
    rng = random.Random(13)
    for i in range(RECORDS):
        text = "k%d,%d" % (rng.randrange(60), rng.randrange(100000))
        yield lambda _, text=text: text
        if i % 500 == 9:
            yield lambda _: "k1,ten"


def scores_model(lines):
    best, out = collections.defaultdict(list), []
    for line in lines:
        key, number = line.split(",")
        if not number.isdigit():
            continue
        place = sum(1 for score in best[key] if score >= int(number))
        if place < 3:
            best[key] = (best[key][:place] + [int(number)] + best[key][place:])[:3]
            out.append("%s\t%s" % (key, ",".join(map(str, best[key]))))
    check(len(out) > 400, "the input is of no use")
    return out


def in_order(_):
    return ""


# source, job's name, records, model, what lines have an order among them, whether it has an end, and the
# states that hold nothing behind it
Job = collections.namedtuple("Job", "source name records model group ends emptied")
JOBS = (Job("window_count_job", "window-count", windows, windows_model, windows_group, True, ("counts",)),
        Job("session_join_job", "session-join", sessions, sessions_model, sessions_group, True,
            ("sessions", "views", "buys")),
        Job("top_scores_job", "top-scores", scores, scores_model, in_order, False, ()))


def check(condition, text):
    if not condition:
        raise Failure(text)


def canonical(text, group):
    """The lines with those of a group together, in their order."""
    return "\n".join(sorted(text.splitlines(), key=group)).encode()


class JobWorld(World):
    """`barriers`: checkpoints before that of the end."""

    def __init__(self, job, objects, engine):
        lines = lines_of(job)
        self.barriers = len(lines) // EVERY
        check(len(lines) % EVERY != 0, "the end would be covered by a barrier")
        super().__init__(job.name, ("\n".join(lines) + "\n").encode(),
                         EXTRA + ["--state-backend", engine])
        self.program = os.path.join(objects, job.source + ".so")
        self.group = job.group
        self.expected = canonical("\n".join(job.model(lines)), job.group)

    def output(self):
        return canonical(super().output().decode(), self.group)


def check_killed(world, code):
    check(code == -signal.SIGKILL, "expected a kill, the worker ended with %s\n%s" %
          (code, world.log_text()))
    world.check_objects(in_flight=True)
    world.check_reported()


def runs_as_its_model(world, job, _):
    world.finish(world.expected)
    for state in job.emptied:
        code, out, err = world.command("scan", world.uri, "--state", state)
        check(code == 0 and out == b"", "%s holds %s %s" % (state, out, err))
    with open(world.input, "ab") as file:
        file.write(b"9999999999 w1\n" if job.source == "window_count_job" else b"9999999999,u1,buy,i1\n")
    code = world.run()
    check(code == (4 if job.ends else 0), "an input that grew behind the end: exit %s\n%s" %
          (code, world.log_text()))
    check(not job.ends or "goes on where job %s has ended" % job.name in world.log_text(),
          world.log_text())


def is_killed_around_the_end(objects, job, engine):
    for point in AT_THE_END:
        with JobWorld(job, objects, engine) as world:
            check_killed(world, world.run(failpoint="%s=%d*off->1*kill" % (point, world.barriers)))
            world.finish(world.expected)


def is_killed_again_and_again_at_the_end(world, _, __):
    for point in ("worker.end.before", "worker.end.after", "worker.end.after"):
        check_killed(world, world.run(failpoint=point + "=1*kill"))
    world.finish(world.expected)


def has_a_last_checkpoint_that_fails(world, _, __):
    code = world.run(failpoint="checkpoint.part.after=%d*off->2*return(unavailable)" % world.barriers)
    check(code == 0, "exit %s\n%s" % (code, world.log_text()))
    check(world.log_text().count("checkpoint failed") == 2, world.log_text())
    world.finish(world.expected)


def is_stopped(world, _, rng):
    for _ in range(3):
        process = world.start()
        wait_for(lambda: "committed at record" in world.log_text() or process.poll() is not None)
        time.sleep(rng.uniform(0, 0.05))
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        code = world.end(process)
        check(code in (0, 143), "exit %s\n%s" % (code, world.log_text()))
    world.finish(world.expected)


def is_killed_at_random(world, _, rng, count):
    for _ in range(count):
        process = world.start()
        time.sleep(rng.uniform(0.0, 0.5) ** 1.5)
        world.kill(process)
        code = world.end(process)
        if code != 0:
            check_killed(world, code)
    world.finish(world.expected)


def build(objects):
    for job in JOBS:
        subprocess.run([os.environ.get("CAIRN_CC", "cc"), "-O1", "-Wall", "-Wextra", "-Werror", "-std=c11",
                        "-shared", "-fPIC", "-I" + os.path.join(EXAMPLES, "..", "include"), "-o",
                        os.path.join(objects, job.source + ".so"),
                        os.path.join(EXAMPLES, job.source + ".c")], check=True)


def samples_of_the_page(objects):
    """What docs/jobs.md shows is what comes out. Lines of one window have no order."""
    with open(os.path.join(EXAMPLES, "..", "docs", "jobs.md")) as page:
        blocks = re.findall(r"((?:^    .*\n)+)", page.read(), re.M)
    samples = [block for block in blocks if block.startswith("    $ printf")]
    check(len(samples) == len(JOBS), "%d samples" % len(samples))
    for number, block in enumerate(samples):
        lines = [line[4:] for line in block.splitlines()]
        script = "".join(line[2:] + "\n" for line in lines if line.startswith("$ "))
        folder = os.path.join(objects, "sample%d" % number)
        os.mkdir(folder)
        for old, new in (("cairn run ./", os.path.abspath(BIN) + " run ../"), ("file:///data/ck", "ck")):
            script = script.replace(old, new)
        done = subprocess.run(["bash", "-ec", script], cwd=folder, capture_output=True, timeout=60)
        check(done.returncode == 0, "%s: %s" % (script, done.stderr.decode()))
        check(sorted(done.stdout.decode().splitlines()) ==
              sorted(line for line in lines if not line.startswith("$ ")),
              "%s gave %s" % (script, done.stdout.decode()))


def cases(objects, job, engine, options):
    rng = random.Random(options.seed)

    def in_world(case, *arguments):
        with JobWorld(job, objects, engine) as world:
            case(world, job, *arguments)

    yield "runs_as_its_model", lambda: in_world(runs_as_its_model, rng)
    if job.ends:
        yield "is_killed_around_the_end", lambda: is_killed_around_the_end(objects, job, engine)
        yield "is_killed_again_and_again_at_the_end", lambda: in_world(
            is_killed_again_and_again_at_the_end, rng)
        yield "has_a_last_checkpoint_that_fails", lambda: in_world(has_a_last_checkpoint_that_fails, rng)
    yield "is_stopped", lambda: in_world(is_stopped, rng)
    yield "is_killed_at_random", lambda: in_world(is_killed_at_random, rng, options.random)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--random", type=int, default=1 if os.environ.get("CAIRN_SANITIZE") else 6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    passed = 0
    with tempfile.TemporaryDirectory() as objects:
        build(objects)
        try:
            samples_of_the_page(objects)
        except Failure as failure:
            print("FAILED  samples of the page: %s" % failure)
            return 1
        for job in JOBS:
            for engine in ENGINES if not options.names or job.name in options.names else ():
                for name, case in cases(objects, job, engine, options):
                    begin = time.monotonic()
                    try:
                        case()
                    except Failure as failure:
                        print("FAILED  %s on %s %s: %s" % (job.name, engine, name, failure))
                        return 1
                    passed += 1
                    print("ok      %s on %s %s %.1f s" % (job.name, engine, name,
                                                          time.monotonic() - begin))
                    sys.stdout.flush()
    print("%d passed, 0 failed" % passed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
