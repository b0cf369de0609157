#!/usr/bin/env python3
"""Operator state of a job that is killed, at points and at random, on both engines: each time it goes on
from its checkpoint, so that in the end every element is there once, and the output is that of an
undisturbed run. Then what the command shows of it, and damage of its file."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cairn_world import BIN, Failure, World, make_lines  # noqa: E402

SOURCE = os.environ["CAIRN_SOURCE_DIR"]
COUNT = 2000
DATA = make_lines(COUNT, 11)
OPTIONS = ["--checkpoint-every", "200", "-D", "execution.checkpointing.num-retained=3"]
POINTS = ("checkpoint.sync.after", "checkpoint.link.after", "checkpoint.upload.file",
          "checkpoint.part.after", "commit.manifest.after", "snapshot.removed.before")
RESTART = ("restore.manifest.checked", "restore.download.file", "restore.open.after")
RANDOM_KILLS = 5

# Of each line: a list gets it, a map gets its number under the first word, every seventh line drops the
# word w0. A union list holds how many lines there were. The output is the length of the list.
JOB = r"""
#include <cairn/job.h>
#include <cairn/operator_state.h>
#include <stdio.h>
#include <string.h>

static cairn_operator_list *lines, *total;
static cairn_broadcast *last;

static cairn_code open_job(cairn_job_context *context, void **self, cairn_error *err)
{
    cairn_operator_descriptor descriptor = CAIRN_OPERATOR_DESCRIPTOR_INIT;
    cairn_backend *backend = cairn_job_backend(context);
    cairn_code code;

    *self = NULL;
    descriptor.name = "lines";
    code = cairn_operator_list_open(backend, &descriptor, &lines, err);
    descriptor.name = "total";
    code = code != CAIRN_OK ? code : cairn_operator_union_open(backend, &descriptor, &total, err);
    descriptor.name = "last";
    return code != CAIRN_OK ? code : cairn_broadcast_open(backend, &descriptor, &last, err);
}

static cairn_code split(void *self, cairn_job_context *context, cairn_slice record, cairn_error *err)
{
    (void)self;
    return cairn_job_keyed(context, cairn_slice_of("all"), record, err);
}

static cairn_slice number(uint64_t n, char text[32])
{
    return (cairn_slice){text, (size_t)snprintf(text, 32, "%llu", (unsigned long long)n)};
}

static cairn_code process(void *self, cairn_job_context *context, cairn_slice key, cairn_slice value,
                          cairn_error *err)
{
    const char *blank = memchr(value.data, ' ', value.len);
    const cairn_slice word = {value.data, (size_t)(blank - (const char *)value.data)};
    cairn_code code = cairn_operator_list_add(lines, value, err);
    const uint64_t n = cairn_operator_list_count(lines);
    char text[32];

    (void)self, (void)key;
    code = code != CAIRN_OK ? code : cairn_broadcast_put(last, word, number(n, text), err);
    if (code == CAIRN_OK && n % 7 == 0) {
        code = cairn_broadcast_remove(last, cairn_slice_of("w0"), err);
    }
    return code != CAIRN_OK ? code : cairn_job_emit(context, number(n, text), err);
}

static cairn_code before_checkpoint(void *self, cairn_job_context *context, cairn_error *err)
{
    char text[32];
    const cairn_slice now = number(cairn_operator_list_count(lines), text);

    (void)self, (void)context;
    return cairn_operator_list_update(total, &now, 1, err);
}

static const cairn_job job = {.version = CAIRN_JOB_VERSION,
                              .name = "notes",
                              .open = open_job,
                              .split = split,
                              .process = process,
                              .before_checkpoint = before_checkpoint};

const cairn_job *cairn_job_main(void)
{
    return &job;
}
"""


def check(condition, text):
    if not condition:
        raise Failure(text)


def model():
    """Lines, map and output as they must be in the end."""
    lines = DATA.decode().splitlines()
    last = {}
    for n, line in enumerate(lines, 1):
        last[line.split(" ")[0]] = str(n)
        if n % 7 == 0:
            last.pop("w0", None)
    return lines, last, "".join("%d\n" % n for n in range(1, COUNT + 1)).encode()


LINES, LAST, OUTPUT = model()


def new_world(program, engine):
    world = World("notes", DATA, OPTIONS + ["--state-backend", engine])
    world.program = program
    return world


def scan(world, state, *words):
    code, out, err = world.command("scan", world.uri, "--state", state, *words)
    check(code == 0, "scan of %s: %d %s" % (state, code, err))
    return out.decode().splitlines()


def check_states(world):
    check(scan(world, "lines") == ["0\t" + line for line in LINES], "the list has other elements")
    check(scan(world, "total") == ["0\t%d" % COUNT], "the union list has other elements")
    check(scan(world, "last") == ["0\t%s\t%s" % entry for entry in sorted(LAST.items())],
          "the map has other entries")


def end_well(world):
    world.finish(OUTPUT)
    check_states(world)


def after_kill(world, code):
    check(code == -signal.SIGKILL, "wanted a kill, got %s\n%s" % (code, world.log_text()))
    world.check_objects(in_flight=True)


def killed_at_points(program, engine):
    for point in POINTS:
        with new_world(program, engine) as world:
            after_kill(world, world.run(failpoint=point + "=2*off->1*kill"))
            end_well(world)
    with new_world(program, engine) as world:
        after_kill(world, world.run(failpoint="worker.record=900*off->1*kill"))
        for point in RESTART:
            after_kill(world, world.run(failpoint=point + "=1*kill"))
        end_well(world)


def killed_at_random(program, engine, seed):
    dice = random.Random(seed)
    with new_world(program, engine) as world:
        for _ in range(RANDOM_KILLS):
            process = world.start(failpoint="worker.record=sleep(1)")
            time.sleep(dice.uniform(0.1, 0.6))
            world.kill(process)
            world.end(process)
            world.check_objects(in_flight=True)
        end_well(world)


def aborted(program):
    """A checkpoint that fails takes its file away again."""
    with new_world(program, "hashmap") as world:
        fault = "checkpoint.part.after=3*off->1*return(unavailable)"
        code = world.run(failpoint=fault, extra=[
            "-D", "execution.checkpointing.tolerable-failed-checkpoints=9"])
        check(code == 0, world.log_text())
        check("checkpoint failed" in world.log_text(), "none failed:\n" + world.log_text())
        world.check_objects()
        check_states(world)


def reseal(world, number, old, new):
    """Another manifest in place of a checkpoint's, right but for what it says."""
    path = os.path.join(world.place.path, "notes", "chk-%d" % number, "manifest.json")
    with open(path) as file:
        body = "".join(file.readlines()[:-1])
    check(body.count(old) == 1, "%s stands %d times" % (old, body.count(old)))
    body = body.replace(old, new)
    with open(path, "w") as file:
        file.write(body + '  "sha256": "%s"}\n' % hashlib.sha256(body.encode()).hexdigest())


def shown(program):
    with new_world(program, "hashmap") as world:
        end_well(world)
        row = json.loads(scan(world, "last", "--json")[0])
        key, value = sorted(LAST.items())[0]
        check(row == {"subtask": 0, "key": {"form": "text", "value": key},
                      "value": {"form": "text", "value": value}}, row)
        check(scan(world, "total", "--hex") == ["0\t" + str(COUNT).encode().hex()], "hex")
        code, out, err = world.command("show", world.uri)
        check(code == 0 and "operator state last: broadcast, %d elements" % len(LAST) in out.decode()
              and "operator state lines: list, %d elements" % COUNT in out.decode()
              and "operator state total: union, 1 elements" in out.decode(), (out, err))
        code, _, err = world.command("get", world.uri, "--state", "last", "--key", "w0")
        check(code == 2 and "use scan" in err, (code, err))
        code, _, err = world.command("scan", world.uri, "--state", "nothing")
        check(code == 3 and "last, lines, total" in err, (code, err))


def operator_files(world):
    """By checkpoint, newest first."""
    found = []
    for number, manifest in sorted(world.manifests().items(), reverse=True):
        check(manifest["version"] == 2, "version %s" % manifest["version"])
        found.append((number, manifest["operators"][0]["subtasks"][0]["operator_states"]))
    return found


def damaged(program):
    with new_world(program, "hashmap") as world:
        check(world.run() == 0, world.log_text())
        files = operator_files(world)
        newest, states = files[0]
        key, target = states["file"]["key"], world.path("target")
        path = os.path.join(world.place.path, "notes", key)
        check(key.startswith("chk-%d/notes/0/" % newest) and key.endswith("-operator.state"), key)
        check(world.command("restore", world.uri, target)[0] == 0, "restore")
        with open(os.path.join(target, "notes", "0.operator", "operator.state"), "rb") as file:
            check(hashlib.sha256(file.read()).hexdigest() == states["file"]["sha256"], "restored file")
        for damage in ("flip", "cut", "remove"):
            with open(path, "rb") as file:
                whole = file.read()
            if damage == "remove":
                os.unlink(path)
            else:
                middle = len(whole) // 2
                bad = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:]
                with open(path, "wb") as file:
                    file.write(bad if damage == "flip" else whole[:-1])
            for words in (("verify", world.uri), ("scan", world.uri, "--state", "lines"),
                          ("restore", world.uri, target + damage)):
                code, _, err = world.command(*words)
                check(code == 4 and key in err, "%s after %s: %d %s" % (words[0], damage, code, err))
            code = world.run()
            check(code == 4 and "newest good checkpoint is %d" % files[1][0] in world.log_text(),
                  "a run after %s: %s %s" % (damage, code, world.log_text()))
            with open(path, "wb") as file:
                file.write(whole)
        wrong = '"elements": "%d"' % (COUNT + 1)
        reseal(world, newest, '"elements": "%d"' % COUNT, wrong)
        code, _, err = world.command("scan", world.uri, "--state", "total")
        check(code == 4 and "other states than its manifest says" in err, (code, err))
        check(world.run() == 4, world.log_text())
        reseal(world, newest, wrong, '"elements": "%d"' % COUNT)
        check(world.command("verify", world.uri)[0] == 0, "all is whole again")
        os.unlink(path)
        check(world.run(extra=["--restore", "latest-good"]) == 0, world.log_text())
        check_states(world)


def saved(program):
    """A savepoint holds it too, and either engine goes on from there."""
    for engine, form, other in (("hashmap", "canonical", "rocksdb"), ("rocksdb", "native", "rocksdb")):
        with new_world(program, engine) as world:
            after_kill(world, world.run(failpoint="worker.record=900*off->1*kill"))
            code, _, err = world.command("savepoint", world.uri, "before", "--format", form)
            check(code == 0, err)
            count = len(scan(world, "lines"))
            code, out, err = world.command("scan", world.uri + "@before", "--state", "lines")
            check(code == 0 and len(out.splitlines()) == count > 0, (code, count, err))
            world.extra = OPTIONS + ["--state-backend", other]
            check(world.run(extra=["--restore", world.uri + "@before"]) == 0, world.log_text())
            check(world.output() == OUTPUT, "another output")
            check_states(world)


def main():
    failed = passed = 0
    with World("unused", b"") as scratch:
        program = scratch.path("notes.so")
        with open(scratch.path("notes.c"), "w") as file:
            file.write(JOB)
        subprocess.run([os.environ.get("CAIRN_CC", "cc"), "-shared", "-fPIC", "-Wall", "-Wextra",
                        "-Werror", "-I" + os.path.join(SOURCE, "include"), "-o", program,
                        scratch.path("notes.c")], check=True)
        cases = [("killed at points, " + engine, killed_at_points, (program, engine))
                 for engine in ("rocksdb", "hashmap")]
        cases += [("killed at random, " + engine, killed_at_random, (program, engine, 7))
                  for engine in ("rocksdb", "hashmap")]
        cases += [("an aborted checkpoint", aborted, (program,))]
        cases += [("what is shown", shown, (program,)), ("damage", damaged, (program,)),
                  ("a savepoint", saved, (program,))]
        for name, case, arguments in cases:
            try:
                case(*arguments)
                print("ok      " + name)
                passed += 1
            except Failure as failure:
                print("FAILED  %s: %s" % (name, failure))
                failed += 1
            sys.stdout.flush()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    if not os.path.exists(BIN):
        sys.exit("no " + BIN)
    sys.exit(main())
