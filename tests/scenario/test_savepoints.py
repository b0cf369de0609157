#!/usr/bin/env python3
"""Savepoints: `cairn savepoint`, what other commands do with one, and runs that start from one. With a
word count and with a job that has every kind of state, from each engine to each engine."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["CAIRN_SOURCE_DIR"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
from cairn_world import make_lines, parse_sealed, wait_for  # noqa: E402
from kinds_job import KINDS_INPUT, build_kinds_job  # noqa: E402

BIN = os.environ["CAIRN_BIN"]
SCRATCH = tempfile.TemporaryDirectory(prefix="cairn-test-")
LINES = make_lines(2000, 3)
HALF = LINES[:LINES.index(b"\n", len(LINES) // 2) + 1]
OTHER = {"rocksdb": "hashmap", "hashmap": "rocksdb"}
# Of the command, and at which hits it is killed.
POINTS = {"savepoint.chosen.after": (1,), "savepoint.group.after": (1, 40),
          "savepoint.manifest.after": (1,), "savepoint.manifest.before": (1,),
          "savepoint.object.after": (1, 2)}
COMMITS = "savepoint.manifest.after"


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def environment(failpoint=None):
    """Scratch and local folders are below a folder of the test's own."""
    return dict(os.environ, TMPDIR=SCRATCH.name, **({"CAIRN_FAILPOINT": failpoint} if failpoint else {}))


def left_in_scratch():
    return sorted(str(path.relative_to(SCRATCH.name)) for path in pathlib.Path(SCRATCH.name).rglob("*"))


def cairn(*words, code=0, failpoint=None):
    env = environment(failpoint)
    done = subprocess.run([BIN, *map(str, words)], capture_output=True, timeout=120, check=False, env=env)
    check(done.returncode == code,
          f"{words}: exit {done.returncode}, wanted {code}: {done.stderr.decode()}")
    return done.stdout.decode(), done.stderr.decode()


class World:
    """A folder with an input, and checkpoints of jobs in `c`."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.input = self.root / "in"
        self.checkpoints = self.root / "c"
        self.input.write_bytes(HALF)

    def uri(self, job):
        return f"file://{self.checkpoints}/{job}"

    def run(self, job, *words, code=0, program="wordcount", **options):
        return cairn("run", program, "--name", job, "--input", self.input, "--output",
                     self.root / f"out-{job}", "--checkpoints", f"file://{self.checkpoints}",
                     "--checkpoint-every", 300, "--quiet", *words, code=code, **options)

    def keys(self, job, below=""):
        root = self.checkpoints / job
        return {str(path.relative_to(root)) for path in root.rglob("*")
                if path.is_file() and str(path.relative_to(root)).startswith(below)}

    def manifest(self, job, name):
        key = f"savepoints/{name}/manifest.json"
        return parse_sealed(key, (self.checkpoints / job / key).read_bytes())

    def output(self, job):
        return b"".join(path.read_bytes() for path in sorted((self.root / f"out-{job}").iterdir()))


def files_of(manifest):
    return [file for operator in manifest["operators"] for subtask in operator["subtasks"]
            for file in subtask["files"]]


def digests(manifest):
    """By key group: the digest of a group's content is that of its file."""
    return {(operator["uid"], file["name"]): file["sha256"] for operator in manifest["operators"]
            for subtask in operator["subtasks"] for file in subtask["files"]}


def engine_of(manifest):
    return {subtask["engine"] for operator in manifest["operators"] for subtask in operator["subtasks"]}


def scan(uri, *words):
    return sorted(cairn("scan", uri, *words)[0].splitlines())


def counts(output):
    """The last count of each word."""
    last = {}
    for line in output.decode().splitlines():
        word, count = line.split("\t")
        last[word] = count
    return last


# --- what is in one -----------------------------------------------------------------------------------


def a_savepoint_stands_by_itself(world):
    """Every object is below its folder and is what the manifest says; the command says so too."""
    world.run("job")
    for form, engine in (("canonical", "canonical"), ("native", "rocksdb")):
        said = json.loads(cairn("savepoint", world.uri("job"), form, "--format", form, "--json")[0])
        manifest = world.manifest("job", form)
        check(manifest["kind"] == "savepoint" and manifest["version"] == 2 and
              manifest["parent"] is None, manifest)
        check(engine_of(manifest) == {engine}, manifest)
        check(said["name"] == form and said["id"] == manifest["id"] and said["job"] == "job", said)
        document = (world.checkpoints / "job" / f"savepoints/{form}/manifest.json").read_bytes()
        check(said["sha256"] == hashlib.sha256(document).hexdigest(), said)
        named = {f"savepoints/{form}/manifest.json"}
        for operator in manifest["operators"]:
            for subtask in operator["subtasks"]:
                check(subtask["positions"][0]["records"] == str(HALF.count(b"\n")), subtask)
                for file in subtask["files"] + subtask["outputs"]:
                    data = (world.checkpoints / "job" / file["key"]).read_bytes()
                    begin = int(file["offset"])
                    part = data[begin:begin + int(file["size"])]
                    check(hashlib.sha256(part).hexdigest() == file["sha256"], file)
                    named.add(file["key"])
        check(world.keys("job", f"savepoints/{form}/") == named, "objects that nobody names")
        check(int(said["files"]) > 0 and int(said["bytes"]) > 0, said)


def other_commands_take_it(world):
    uri = world.uri("job") + "@canonical"
    check(json.loads(cairn("show", uri, "--json")[0])["kind"] == "savepoint", "show")
    check("savepoint        canonical" in cairn("show", uri)[0], "show")
    check("savepoint canonical of job job is whole" in cairn("verify", uri)[0], "verify")
    said = json.loads(cairn("verify", uri, "--json")[0])
    check(said["savepoint"] == "canonical" and said["damaged"] == "0", said)
    rows = json.loads(cairn("list", world.uri("job"), "--json")[0])["savepoints"]
    check([(row["name"], row["form"]) for row in rows] ==
          [("canonical", "canonical"), ("native", "native")], rows)
    check("canonical" in cairn("list", world.uri("job"))[0], "list")
    for name in ("canonical", "native"):
        check(scan(f"{world.uri('job')}@{name}") == scan(world.uri("job")), f"scan of {name}")
        check(cairn("get", f"{world.uri('job')}@{name}", "--key", "w1") ==
              cairn("get", world.uri("job"), "--key", "w1"), f"get of {name}")
        cairn("get", f"{world.uri('job')}@{name}", "--key", "no-such-word", code=3)
        cairn("restore", f"{world.uri('job')}@{name}", world.root / f"restored-{name}")
        check((world.root / f"restored-{name}/manifest.json").read_bytes() ==
              (world.checkpoints / f"job/savepoints/{name}/manifest.json").read_bytes(), "restore")


def wrong_words_end_with_their_codes(world):
    job = world.uri("job")
    for words, code, text in (
            (("savepoint", job, "canonical"), 7, "has one of the name canonical"),
            (("savepoint", job, "7"), 2, "be no number"),
            (("savepoint", job, "a/b"), 2, "its name must match"),
            (("savepoint", job), 2, ""),
            (("savepoint", job + "@99", "x"), 3, "no checkpoint 99"),
            (("savepoint", job + "@native", "x"), 2, "made of a checkpoint"),
            (("savepoint", world.uri("nojob"), "x"), 3, "no job nojob"),
            (("savepoint", job, "x", "--format", "flat"), 2, "canonical or native"),
            (("verify", job + "@none"), 3, "has no savepoint none"),
            (("gc", job + "@native"), 2, "without '@'"),
            (("list", job + "@native"), 2, "without '@'")):
        check(text in cairn(*words, code=code)[1], f"{words}: the message")
    for words, code, text in (
            (("--restore", job + "@none"), 3, "has no savepoint none"),
            (("--restore", world.uri("nojob") + "@x"), 3, "has no savepoint x"),
            (("--restore", job), 2, "JOBURI@NAME"),
            (("--restore", job + "@1"), 2, "JOBURI@NAME"),
            (("--restore", job + "@native", "--claim-mode", "claim"), 2, "not claimed"),
            (("--restore", job + "@native", "--claim-mode", "mine"), 2, "no-claim"),
            (("--restore", job + "@native", "--state-backend", "hashmap"), 8, "engine rocksdb"),
            (("--restore", job + "@canonical", "--max-parallelism", "64"), 8, "max parallelism")):
        check(text in world.run("fresh", *words, code=code)[1], f"{words}: the message")
    check(not world.keys("fresh"), "a start that was refused has claimed an epoch")


# --- starts from one ----------------------------------------------------------------------------------


def every_engine_goes_on_from_the_other(world):
    """heap -> savepoint -> RocksDB -> savepoint -> heap, and the other way round: the same digests."""
    for engine in OTHER:
        jobs = [f"{engine}-{i}" for i in range(3)]
        world.run(jobs[0], "--state-backend", engine)
        cairn("savepoint", world.uri(jobs[0]), "s")
        for before, job, as_engine in ((jobs[0], jobs[1], OTHER[engine]), (jobs[1], jobs[2], engine)):
            world.run(job, "--state-backend", as_engine, "--restore", world.uri(before) + "@s",
                      "--claim-mode", "no-claim")
            shown = json.loads(cairn("show", world.uri(job), "--json")[0])
            check(engine_of(shown) == {as_engine} and shown["parent"] is None, shown)
            check({file["uploaded_by"] for file in files_of(shown)} == {shown["id"]},
                  "the first checkpoint is not a full one")
            cairn("savepoint", world.uri(job), "s")
        found = [digests(world.manifest(job, "s")) for job in jobs]
        check(len(found[0]) > 50 and found[0] == found[1] == found[2], "digests differ")
        check(scan(world.uri(jobs[0])) == scan(world.uri(jobs[2])), "contents differ")


def another_job_goes_on_without_the_first_ones_output(world):
    """Its output holds what came after the savepoint; both together are the whole."""
    with open(world.input, "wb") as file:
        file.write(LINES)
    before = world.keys("job")
    world.run("goes-on", "--restore", world.uri("job") + "@canonical")
    check(world.keys("job") == before, "the savepoint's job was changed")
    world.run("undisturbed")
    check(counts(world.output("job") + world.output("goes-on")) == counts(world.output("undisturbed")),
          "counts differ")
    once = len(world.output("goes-on"))
    world.run("goes-on")
    check(len(world.output("goes-on")) == once, "it has begun anew")


def the_own_job_steps_back_to_it(world):
    """What came after stops counting; the output of the savepoint's checkpoint is published."""
    rows = json.loads(cairn("list", world.uri("job"), "--json")[0])["checkpoints"]
    first = max(int(row["id"]) for row in rows)
    world.run("job")
    last = max(int(row["id"]) for row in
               json.loads(cairn("list", world.uri("job"), "--json")[0])["checkpoints"])
    check(last > first, "nothing came after")
    shutil.rmtree(world.root / "out-job")
    world.run("job", "--restore", world.uri("job") + "@native")
    rows = json.loads(cairn("list", world.uri("job"), "--json")[0])["checkpoints"]
    counting = [int(row["id"]) for row in rows if row["counts"]]
    check(counting and min(counting) > last, f"{counting} count, {last} was the last")
    parts = sorted(path.name for path in (world.root / "out-job").iterdir())
    check(parts[0] == "part-%012d-00000" % first, f"{parts}: the savepoint's own output is missing")
    check(scan(world.uri("job")) == scan(world.uri("undisturbed")), "contents differ")


def a_start_that_dies_early_is_made_again(world):
    """Before its first checkpoint the job has the savepoint and nothing else: it is never begun empty."""
    saved = world.uri("job") + "@canonical"
    for point in ("backend.start.after", "worker.record", "commit.manifest.before"):
        job = "dies-" + point.replace(".", "-")
        world.run(job, "--restore", saved, code=-9, failpoint=f"{point}=1*kill")
        world.run(job)
        check(scan(world.uri(job)) == scan(world.uri("undisturbed")), f"{point}: contents differ")
    world.run("dies-last", "--restore", saved, code=-9, failpoint="worker.record=1*kill")
    hidden = world.root / "hidden"
    folder = world.checkpoints / "job/savepoints/canonical"
    folder.rename(hidden)
    check("is not in file://" in world.run("dies-last", code=3)[1], "an empty start")
    shutil.copytree(world.checkpoints / "job/savepoints/native", folder)
    check(world.run("dies-last", code=4)[1], "another savepoint under its name")
    shutil.rmtree(folder)
    hidden.rename(folder)
    world.run("dies-load", "--restore", saved, code=-9, failpoint="restore.rename.after=1*kill")
    check(any(path.endswith("/canonical") for path in left_in_scratch()), "it was not killed so early")
    world.run("dies-last")
    check(not left_in_scratch(), "what killed runs left stays: %s" % left_in_scratch())
    check(scan(world.uri("dies-last")) == scan(world.uri("undisturbed")), "contents differ")


def nothing_of_the_job_touches_it(world):
    """Retention, garbage collection, even of all that counts, and the loss of all else."""
    before = {key: (world.checkpoints / "job" / key).read_bytes()
              for key in world.keys("job", "savepoints/")}
    world.run("job", "--restore", "none")
    cairn("gc", world.uri("job"), "--execute", "--retain", 1)
    victims = json.loads(cairn("gc", world.uri("job"), "--json")[0])["victims"]
    check(not [key for key in victims if key.startswith("savepoints/")], victims)
    check({key: (world.checkpoints / "job" / key).read_bytes()
           for key in world.keys("job", "savepoints/")} == before, "a savepoint was changed")
    moved = world.checkpoints / "moved"
    shutil.copytree(world.checkpoints / "job/savepoints", world.root / "d/job/savepoints")
    check(not moved.exists(), "in the way")
    elsewhere = f"file://{world.root}/d/job@canonical"
    check("is whole" in cairn("verify", elsewhere)[0], "a copy of the folder")
    check("canonical" in cairn("list", f"file://{world.root}/d/job")[0], "a copy of the folder")
    world.run("from-elsewhere", "--restore", elsewhere)
    check(scan(world.uri("from-elsewhere")) == scan(world.uri("undisturbed")), "contents differ")


# --- kills and damage ---------------------------------------------------------------------------------


def kill_one(world, form, point, hit):
    """Killed at the point, looked at, and tried again."""
    name = f"{form}-{point}-{hit}"
    uri = f"{world.uri('job')}@{name}"
    cairn("savepoint", world.uri("job"), name, "--format", form, code=-9,
          failpoint=f"{point}={hit - 1}*off->1*kill" if hit > 1 else f"{point}=1*kill")
    stands = f"savepoints/{name}/manifest.json" in world.keys("job")
    check(stands == (point == COMMITS), f"{name}: the manifest")
    cairn("verify", uri, code=0 if stands else 3)
    world.run("of-none", "--restore", uri, code=0 if stands else 3)
    cairn("savepoint", world.uri("job"), name, "--format", form, code=7 if stands else 0)
    check("is whole" in cairn("verify", uri)[0], name)


def a_kill_at_any_step_leaves_nothing_that_counts(world):
    """The same name is tried again at once, beside what was left."""
    for form in ("canonical", "native"):
        for point, hits in POINTS.items():
            for hit in hits:
                if form == "canonical" or point != "savepoint.group.after":
                    kill_one(world, form, point, hit)
    cairn("verify", world.uri("job"))
    cairn("scan", world.uri("job"))
    check(not left_in_scratch(), "what killed commands left stays: %s" % left_in_scratch())


def a_failure_takes_back_what_it_stored(world):
    for point in POINTS.keys() - {COMMITS}:
        cairn("savepoint", world.uri("job"), "failed", code=6, failpoint=f"{point}=1*return(unavailable)")
        check(not world.keys("job", "savepoints/failed/"), f"{point}: left behind")
    # The reply to the one write that counts is lost: it may stand, so nothing is taken back.
    cairn("savepoint", world.uri("job"), "doubt", code=6,
          failpoint=COMMITS + "=1*return(unavailable)")
    check("is whole" in cairn("verify", f"{world.uri('job')}@doubt")[0], "a savepoint that stands")


def paused(world, name, point):
    """The command, waiting at the point; and what lets it go on and looks at its end."""
    number = len(list(world.root.iterdir()))
    fifo, trace = world.root / f"fifo-{number}", world.root / f"trace-{number}"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        [BIN, "savepoint", world.uri("job"), name], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=dict(environment(f"{point}=1*pause({fifo})"), CAIRN_FAILPOINT_TRACE=str(trace)))

    def is_there():
        return process.poll() is not None or (trace.exists() and point in trace.read_text())

    check(wait_for(is_there) and process.poll() is None, f"{name} does not come to {point}")

    def go_on(code):
        with open(fifo, "wb"):  # waits for the reader
            pass
        _, err = process.communicate(timeout=120)
        check(process.returncode == code, f"{name}: exit {process.returncode}, not {code}: {err}")
        return err.decode()

    return go_on


def two_of_one_name_have_one_winner(world):
    """The loser takes back its own, and nothing of the winner's."""
    first = paused(world, "raced", "savepoint.manifest.before")
    second = paused(world, "raced", "savepoint.manifest.before")
    first(0)
    check("has one of the name raced" in second(7), "the loser's message")
    check("is whole" in cairn("verify", world.uri("job") + "@raced")[0], "the winner")
    named = {file["key"] for operator in world.manifest("job", "raced")["operators"]
             for subtask in operator["subtasks"] for file in subtask["files"] + subtask["outputs"]}
    check(world.keys("job", "savepoints/raced/") == named | {"savepoints/raced/manifest.json"},
          "the loser has left something")


def a_checkpoint_that_is_retired_meanwhile_is_no_damage(world):
    go_on = paused(world, "late", "savepoint.chosen.after")
    world.run("job", "--restore", "none")
    cairn("gc", world.uri("job"), "--execute", "--retain", 1)
    check("was retired while it was copied" in go_on(3), "the message")
    check(not world.keys("job", "savepoints/late/"), "something was left")


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset % len(data)] ^= 0x10
    path.write_bytes(bytes(data))


def damage_is_told_wherever_it_is(world):
    """A flipped bit in each object, and each object missing."""
    for name in ("canonical", "native"):
        uri = f"{world.uri('job')}@{name}"
        for number, key in enumerate(sorted(world.keys("job", f"savepoints/{name}/"))):
            path = world.checkpoints / "job" / key
            data = path.read_bytes()
            for offset in (0, len(data) // 2, len(data) - 1):
                flip(path, offset)
                check("savepoint" in cairn("verify", uri, code=4)[1], f"{key} flipped at {offset}")
                if number % 3 == 0:
                    cairn("restore", uri, world.root / "damaged", code=4)
                    check(not (world.root / "damaged").exists(), "a damaged restore stays")
                path.write_bytes(data)
            path.unlink()
            missing = key.endswith("manifest.json")
            cairn("verify", uri, code=3 if missing else 4)
            path.write_bytes(data)
        cairn("verify", uri)
    key = files_of(world.manifest("job", "canonical"))[0]["key"]
    data = (world.checkpoints / "job" / key).read_bytes()
    flip(world.checkpoints / "job" / key, 20)
    check("restore savepoint canonical of job job" in
          world.run("damaged", "--restore", world.uri("job") + "@canonical", code=4)[1], "a start")
    (world.checkpoints / "job" / key).write_bytes(data)


def damage_of_the_checkpoint_makes_no_savepoint(world):
    world.run("rots", "--state-backend", "rocksdb")
    shown = json.loads(cairn("show", world.uri("rots"), "--json")[0])
    for form in ("canonical", "native"):
        for file in files_of(shown)[:3]:
            path = world.checkpoints / "rots" / file["key"]
            data = path.read_bytes()
            flip(path, len(data) // 2)
            cairn("savepoint", world.uri("rots"), "of-" + form, "--format", form, code=4)
            check(not world.keys("rots", "savepoints/"), "something was left")
            path.write_bytes(data)


# --- every kind of state ------------------------------------------------------------------------------


def states_of(uri, names):
    found = {}
    for name in names:
        rows = cairn("scan", uri, "--state", name, "--json")[0].splitlines()
        found[name] = sorted(json.dumps(json.loads(row), sort_keys=True) for row in rows)
    return found


def every_kind_of_state_travels(world):
    job = build_kinds_job(world.root)
    world.input.write_bytes(KINDS_INPUT)
    names = ("last", "events", "nothing", "seen", "first")
    for engine in OTHER:
        first, second, third = (f"kinds-{engine}-{i}" for i in range(3))
        world.run(first, "--state-backend", engine, program=job)
        cairn("savepoint", world.uri(first), "s")
        expected = states_of(world.uri(first), names)
        check(states_of(world.uri(first) + "@s", names) == expected, f"{engine}: the savepoint")
        for before, to, as_engine in ((first, second, OTHER[engine]), (second, third, engine)):
            world.run(to, "--state-backend", as_engine, "--restore", world.uri(before) + "@s",
                      program=job)
            cairn("savepoint", world.uri(to), "s")
            check(states_of(world.uri(to), names) == expected, f"{engine} as {as_engine}")
        check(digests(world.manifest(first, "s")) == digests(world.manifest(second, "s")) ==
              digests(world.manifest(third, "s")), f"{engine}: digests differ")


STEPS = (a_savepoint_stands_by_itself, other_commands_take_it, wrong_words_end_with_their_codes,
         every_engine_goes_on_from_the_other, another_job_goes_on_without_the_first_ones_output,
         the_own_job_steps_back_to_it, a_start_that_dies_early_is_made_again,
         nothing_of_the_job_touches_it, a_kill_at_any_step_leaves_nothing_that_counts,
         a_failure_takes_back_what_it_stored, two_of_one_name_have_one_winner,
         a_checkpoint_that_is_retired_meanwhile_is_no_damage, damage_is_told_wherever_it_is,
         damage_of_the_checkpoint_makes_no_savepoint, every_kind_of_state_travels)


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="cairn-savepoints-") as root:
        world = World(root)
        for step in STEPS:
            try:
                step(world)
                print("ok      %s" % step.__name__)
            except Failure as failure:
                failed += 1
                print("FAILED  %s: %s" % (step.__name__, failure))
            sys.stdout.flush()
    print("%d passed, %d failed" % (len(STEPS) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
