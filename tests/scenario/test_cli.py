#!/usr/bin/env python3
"""The command `cairn` from outside: every row of bad input to exit code, output shapes, help.

Needs CAIRN_BIN, CAIRN_SOURCE_DIR and CAIRN_CC, and root (small and read-only mounts). Prints a
line per case; ends with 1 if any failed.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

BIN = os.environ["CAIRN_BIN"]
SOURCE = pathlib.Path(os.environ["CAIRN_SOURCE_DIR"])
CC = os.environ.get("CAIRN_CC", "cc")
DEADLINE_S = 120
NOBODY = 65534

# What the cases share; made once by main.
BASE = None
CASES = []


def case(function):
    """A function whose name is a sentence is a case."""
    CASES.append(function)
    return function


class Ended:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


def environment():
    env = dict(os.environ)
    env["TMPDIR"] = str(BASE / "tmp")
    return env


def cairn(*words, stdin=None, cwd=None, **more):
    done = subprocess.run([BIN, *map(str, words)], input=stdin, capture_output=True, cwd=cwd,
                          timeout=DEADLINE_S, env=environment(), **more)
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def fails(ended, code, *texts):
    """Ended with `code`, and one line on stderr that holds every text (log lines come before)."""
    lines = [line for line in ended.err.splitlines() if line.startswith("cairn: ")]
    check(ended.code == code, f"exit {ended.code}, wanted {code}: {ended.err}")
    check(len(lines) == 1, f"wanted one line: {ended.err!r}")
    check(not lines[0].endswith("."), lines[0])
    for text in texts:
        check(text in lines[0], f"{text!r} is not in {lines[0]!r}")


def works(ended):
    check(ended.code == 0, f"exit {ended.code}: {ended.err}")
    return ended


def flags(directory, **changed):
    given = {"input": BASE / "input.txt", "output": directory / "out",
             "checkpoints": f"file://{directory}/ck"}
    given.update(changed)
    return [word for name, value in given.items() if value is not None
            for word in ("--" + name.replace("_", "-"), str(value))]


def counts_of(folder):
    """The last line of each word over the sorted parts."""
    counts = {}
    for part in sorted(pathlib.Path(folder).iterdir()):
        for line in part.read_text().splitlines():
            word, count = line.split("\t")
            counts[word] = int(count)
    return counts


def reference_counts(path):
    counts = {}
    for word in re.findall(rb"[A-Za-z0-9]+", pathlib.Path(path).read_bytes()):
        word = word.lower().decode()
        counts[word] = counts.get(word, 0) + 1
    return counts


@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory(dir=BASE) as name:
        yield pathlib.Path(name)


@contextlib.contextmanager
def copied_job():
    """The finished job of main, to damage."""
    with scratch() as directory:
        shutil.copytree(BASE / "done" / "ck", directory / "ck", symlinks=True)
        yield directory, directory / "ck" / "wordcount"


@contextlib.contextmanager
def mounted(directory, *options):
    os.makedirs(directory, exist_ok=True)
    subprocess.run(["mount", *options, str(directory)], check=True)
    try:
        yield pathlib.Path(directory)
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def tmpfs(directory, size):
    return mounted(directory, "-t", "tmpfs", "-o", f"size={size}", "tmpfs")


@contextlib.contextmanager
def read_only(directory):
    os.makedirs(directory, exist_ok=True)
    with mounted(directory, "--bind", str(directory)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(directory)], check=True)
        yield directory


def ids(uri):
    """The listed checkpoints that count, newest first."""
    listed = json.loads(works(cairn("list", uri, "--json")).out)
    return [int(row["id"]) for row in listed["checkpoints"] if row["counts"]]


def flip(path, at=None):
    data = bytearray(pathlib.Path(path).read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    pathlib.Path(path).write_bytes(data)


def reseal(path, change):
    """Changes a manifest and writes the digest of its last line again."""
    lines = pathlib.Path(path).read_bytes().splitlines(keepends=True)
    body = change(b"".join(lines[:-1]))
    digest = hashlib.sha256(body).hexdigest().encode()
    pathlib.Path(path).write_bytes(body + re.sub(rb"[0-9a-f]{64}", digest, lines[-1]))


def state_file(job, identity):
    """An SST of a checkpoint, as its manifest names it."""
    manifest = json.loads((job / f"chk-{identity}" / "manifest.json").read_text())
    for file in manifest["operators"][0]["subtasks"][0]["files"]:
        if file["name"].endswith(".sst"):
            return file["key"]
    raise AssertionError("no table in the checkpoint")


# usage: 2


@case
def a_line_without_command_or_with_a_wrong_one_is_usage():
    fails(cairn(), 2, "a command is missing")
    fails(cairn("verfy", "x/y"), 2, "unknown command 'verfy'", "'verify'")
    fails(cairn("help", "lst"), 2, "'list'")


@case
def a_wrong_option_names_the_nearest_known_one():
    fails(cairn("run", "wordcount", "--inptu", "x"), 2, "'--inptu'", "'--input'")
    fails(cairn("list", "x/y", "--jsn"), 2, "'--jsn'", "'--json'")
    fails(cairn("gc", "x/y", "--exectue"), 2, "'--execute'")
    fails(cairn("list", "x/y", "z"), 2, "'z' is one argument too many")
    fails(cairn("restore", "x/y"), 2, "an argument is missing")
    fails(cairn("gc", "x/y", "--retain"), 2, "--retain needs a value")
    fails(cairn("gc", "x/y", "--retain", "0"), 2, "should be 1 to 1000")
    fails(cairn("gc", "x/y", "--retain", "all"), 2, "should be a number")
    fails(cairn("gc", "x/y", "--stale-after", "long"), 2, "'long', should be a duration")


@case
def a_wrong_key_or_value_of_the_configuration_is_usage_and_nothing_is_made():
    rows = [
        (["-D", "execution.checkpointing.intervall=1s"], "'execution.checkpointing.interval'"),
        (["-D", "state.checkpoints.dir=/x"], "'execution.checkpointing.dir'"),
        (["-D", "state.savepoints.dir=/x"], "which this version does not have"),
        (["-D", "novalue"], "has no '='"),
        (["-D", "state.backend.type=filesystem"], "should be rocksdb|hashmap"),
        (["--checkpoint-interval", "soon"], "--checkpoint-interval: "),
        (["--max-parallelism", "99999"], "1 to 32768"),
        (["--restore", "oldest"], "latest|latest-good|none|N"),
        (["--log-format", "xml"], "text|json"),
        (["--name", "a/b"], "--name: "),
        (["--checkpoint-interval", "1s", "--checkpoint-every", "5"], "choose one of"),
        (["--input", "x"], "--input is given twice"),
    ]
    for words, text in rows:
        with scratch() as directory:
            fails(cairn("run", "wordcount", *flags(directory), *words), 2, text)
            check(not list(directory.iterdir()), f"{words}: something was made")


@case
def a_wrong_line_of_a_configuration_file_is_named():
    with scratch() as directory:
        conf = directory / "config.yaml"
        conf.write_text("pipeline:\n  name: a\n  max-paralelism: 3\n")
        fails(cairn("run", "wordcount", *flags(directory), "--conf", conf), 2,
              "config.yaml:3: ", "'pipeline.max-parallelism'")
        conf.write_text("execution:\n  checkpointing:\n    timeout: never\n")
        fails(cairn("run", "wordcount", *flags(directory), "--conf", conf), 2,
              "config.yaml:3: ", "'never'")
        conf.write_text("a: [\n")
        fails(cairn("run", "wordcount", *flags(directory), "--conf", conf), 2, "config.yaml")


@case
def what_run_needs_is_asked_for():
    with scratch() as directory:
        for name in ("input", "output", "checkpoints"):
            fails(cairn("run", "wordcount", *flags(directory, **{name: None})), 2,
                  f"--{name} is missing")
        fails(cairn("run", "wordcuont", *flags(directory)), 2, "'wordcuont'", "'wordcount'")
        fails(cairn("run", "wordcount", *flags(directory, input=directory)), 2, "is a folder")
        inside = directory / "ck" / "wordcount" / "out"
        fails(cairn("run", "wordcount", *flags(directory, output=inside)), 2,
              "--output is in the job's own folder")


ON_A_JOB = (["list"], ["show"], ["verify"], ["restore", "dir"], ["get", "--key", "k"], ["scan"],
            ["du"], ["why", "shared/o/1-0-1"], ["gc"])


@case
def uris_that_name_no_store_are_refused_with_the_forms_that_do():
    rows = (("gs://bucket/x", "there is no store for gs://: use s3://bucket/prefix, webhdfs://"),
            ("s3:///x", "the host or bucket is missing"),
            ("s3://No_Bucket/x", "the bucket's name is not valid"),
            ("s3://user:CANARY@bucket/x", "holds no user and no secret"),
            ("s3://user:CANARY/CANARY@bucket/x", "holds no user and no secret"),
            ("webhdfs://user:CANARY@nn/x", "holds no user and no secret"))
    for uri, text in rows:
        with scratch() as directory:
            for name in ("output", "checkpoints", "input"):
                ended = cairn("run", "wordcount", *flags(directory, **{name: uri}))
                fails(ended, 2, text)
                check("CANARY" not in ended.err, ended.err)
            for words in ON_A_JOB:
                ended = cairn(words[0], uri, *words[1:])
                fails(ended, 2, text)
                check("CANARY" not in ended.err, ended.err)
            fails(cairn("doctor", uri), 2, text)
            check(not list(directory.iterdir()), f"{uri}: something was made")
    fails(cairn("run", "wordcount", "--input", "s3://bucket/folder/", "--output", "o",
                "--checkpoints", "c"), 2, "names no object")
    for words in ON_A_JOB:
        fails(cairn(words[0], "s3://bucket", *words[1:]), 2, "no job")
        fails(cairn(words[0], "webhdfs://nn:9870/", *words[1:]), 2, "no job")


@case
def an_output_in_the_jobs_own_place_in_a_bucket_is_refused():
    fails(cairn("run", "wordcount", "--input", BASE / "input.txt", "--checkpoints", "s3://bucket/ck",
                "--output", "s3a://bucket/ck//wordcount/out/"), 2,
          "--output is in the job's own folder s3://bucket/ck/wordcount")


@case
def options_of_stores_are_checked_by_every_command():
    rows = (("s3.endpont=http://localhost", "'s3.endpoint'"),
            ("s3.allow-http=yes", "'yes', should be true or false"),
            ("s3.upload.max.concurrent.uploads=65", "(1 to 64)"),
            ("s3.object-lock.mode=FOREVER", "GOVERNANCE|COMPLIANCE"),
            ("cairn.hdfs.auth=password", "simple|kerberos|token"),
            ("cairn.store.create-check=no", "probe|trust|single"),
            ("novalue", "has no '='"))
    job = BASE / "done" / "ck" / "wordcount"
    for definition, text in rows:
        for words in ON_A_JOB:
            fails(cairn(words[0], job, *words[1:], "-D", definition), 2, text)
        fails(cairn("doctor", BASE, "-D", definition), 2, text)
        with scratch() as directory:
            fails(cairn("run", "wordcount", *flags(directory), "-D", definition), 2, text)


SECRETS = ("s3.access-key", "s3.secret-key", "s3.session-token")


@case
def secrets_on_the_command_line_are_refused_and_not_repeated():
    for words in (["doctor", BASE], ["list", BASE / "done" / "ck" / "wordcount"],
                  ["run", "wordcount", *flags(BASE / "secrets")]):
        for key in SECRETS:
            for definition in (f"{key}=CANARY", f"{key}:CANARY", f"{key} CANARY"):
                ended = cairn(*words, "-D", definition)
                fails(ended, 2, key)
                check("CANARY" not in ended.out + ended.err, ended.err)
        fails(cairn(*words, "-D", "s3.secret-key=x"), 2, "--conf (mode 0600)")
    check(not (BASE / "secrets").exists(), "something was made")
    check("CANARY" not in works(cairn("help", "options")).out, "help")


@case
def secrets_are_taken_from_a_private_file_alone():
    job = BASE / "done" / "ck" / "wordcount"
    with scratch() as directory:
        conf, link = directory / "config.yaml", directory / "link.yaml"
        conf.write_text("s3:\n  access-key: id\n  secret-key: CANARY\n")
        link.symlink_to(conf)
        conf.chmod(0o600)
        works(cairn("list", job, "--conf", conf))
        for mode, path, text in ((0o640, conf, "chmod 600"), (0o604, conf, "chmod 600"),
                                 (0o600, link, "symbolic link")):
            conf.chmod(mode)
            for words in (["list", job], ["doctor", directory],
                          ["run", "wordcount", *flags(directory)]):
                ended = cairn(*words, "--conf", path)
                fails(ended, 5, f"{path}:2: s3.access-key is a secret", text)
                check("CANARY" not in ended.out + ended.err, ended.err)
        conf.chmod(0o600)
        os.chown(conf, NOBODY, NOBODY)
        fails(cairn("list", job, "--conf", conf), 5, "another user")
        conf.write_text("s3:\n  secret-key: ''\n")
        os.chown(conf, 0, 0)
        fails(cairn("list", job, "--conf", conf), 2, "s3.secret-key", "not empty")


@case
def a_job_uri_that_is_none_is_usage():
    fails(cairn("show", "/data/a b"), 2, "<checkpoints-uri>/<job>")
    fails(cairn("show", "/data/job@0"), 2, "no checkpoint id")
    fails(cairn("show", "/data/job@.."), 2, "no name of a savepoint")
    fails(cairn("list", "/data/job@3"), 2, "without '@'")
    fails(cairn("gc", "/data/job@3"), 2, "without '@'")
    fails(cairn("get", "/data/job"), 2, "--key")


def tree_of(directory):
    return sorted((str(path.relative_to(directory)), path.is_file() and path.read_bytes())
                  for path in directory.rglob("*"))


@case
def folders_of_a_run_that_lie_in_one_another_are_refused_and_nothing_is_touched():
    with scratch() as directory:
        for name in ("d/output", "d/db", "ck/wordcount", "real"):
            (directory / name).mkdir(parents=True)
            (directory / name / "kept").write_text("kept")
        (directory / "link").symlink_to(directory / "real")
        before = tree_of(directory)
        rows = (
            ({"output": "d/output", "local_dir": "d"}, "lie in one another"),
            ({"output": "d/output", "local_dir": "d/output"}, "lie in one another"),
            ({"output": "d/output", "local_dir": "d/output/new/local"}, "lie in one another"),
            ({"output": "d/../new/./deep/../output/", "local_dir": "new"}, "lie in one another"),
            ({"output": "new", "local_dir": "gone/../new/local"}, "lie in one another"),
            ({"output": "real/out", "local_dir": "link"}, "lie in one another"),
            ({"output": "link", "local_dir": f"{directory}/real/local"}, "lie in one another"),
            ({"output": "new", "local_dir": "/"}, "lie in one another"),
            ({"checkpoints": "link/ck", "local_dir": "real"}, "lie in one another"),
            ({"checkpoints": "ck", "local_dir": "ck/wordcount"}, "lie in one another"),
            ({"checkpoints": f"file://{directory}/ck", "local_dir": "ck"}, "lie in one another"),
            ({"local_dir": "d", "input": "d/output/kept"}, "the input"),
            ({"output": "ck/wordcount"}, "job's own folder"),
            ({"output": "ck/wordcount/new/out"}, "job's own folder"),
            ({"output": "d/../ck/./wordcount"}, "job's own folder"),
            ({"checkpoints": "link/ck", "output": "real/ck/wordcount/out"}, "job's own folder"),
        )
        for changed, text in rows:
            words = flags(directory, **{"output": "out", "checkpoints": "ck", **changed})
            fails(cairn("run", "wordcount", *words, cwd=directory), 2, text)
            check(tree_of(directory) == before, f"{changed} touched something")
        works(cairn("run", "wordcount", *flags(directory, output="d/outputs", local_dir="d/out",
                                               checkpoints="d/ou"), cwd=directory))


@case
def an_output_folder_with_parts_of_another_run_is_refused_at_the_start():
    with scratch() as directory:
        shutil.copytree(BASE / "done" / "out", directory / "out")
        before = tree_of(directory / "out")
        for restore in ("latest", "none"):
            fails(cairn("run", "wordcount", *flags(directory), "--restore", restore), 2,
                  "parts of another run", str(directory / "out"))
        check(not list((directory / "ck").glob("wordcount/*")), "a job was begun")
        check(tree_of(directory / "out") == before, "the output was touched")
        works(cairn("run", "wordcount", *flags(directory, output=directory / "new")))
    with copied_job() as (directory, _):
        shutil.copytree(BASE / "done" / "out", directory / "out")
        old = len(list((directory / "out").iterdir()))
        works(cairn("run", "wordcount", *flags(directory), "--restore", "none"))
        check(len(list((directory / "out").iterdir())) > old, "no new part")
        works(cairn("run", "wordcount", *flags(directory)))


# absent: 3


@case
def what_is_absent_is_said_and_not_made():
    with scratch() as directory:
        absent = directory / "absent.txt"
        fails(cairn("run", "wordcount", *flags(directory, input=absent)), 3, str(absent))
        fails(cairn("run", directory / "job.so", *flags(directory)), 3, "job.so")
        fails(cairn("run", "wordcount", *flags(directory), "--conf", absent), 3, str(absent))
        for words in (["list"], ["show"], ["verify"], ["scan"], ["gc"], ["get", "--key", "k"]):
            fails(cairn(words[0], directory / "ck" / "nojob", *words[1:]), 3)
        fails(cairn("restore", directory / "ck" / "nojob", directory / "to"), 3)
        check(not list(directory.iterdir()), "something was made")


@case
def an_absent_job_or_checkpoint_names_what_there_is():
    uri = BASE / "done" / "ck" / "wordcount"
    newest = ids(uri)[0]
    fails(cairn("list", BASE / "done" / "ck" / "wordcuont"), 3, "wordcuont")
    with scratch() as directory:
        for words in (["show"], ["verify"], ["scan"], ["get", "--key", "the"]):
            fails(cairn(words[0], f"{uri}@4711", *words[1:]), 3, "4711", str(newest))
        fails(cairn("restore", f"{uri}@4711", directory / "to"), 3, "4711", str(newest))
        check(not (directory / "to").exists(), "the target was made")
    with copied_job() as (directory, _):
        fails(cairn("run", "wordcount", *flags(directory), "--restore", "4711"), 3, "4711",
              str(newest))


@case
def an_absent_key_operator_or_state_is_not_found():
    uri = BASE / "done" / "ck" / "wordcount"
    fails(cairn("get", uri, "--key", "no-such-word"), 3, "'no-such-word'", "counts")
    fails(cairn("get", uri, "--key", "the", "--operator", "other"), 3, "'other'", "wordcount")
    fails(cairn("get", uri, "--key", "the", "--state", "sums"), 3, "'sums'", "counts")
    missing = cairn("get", uri, "--key", "no-such-word", "--json")
    fails(missing, 3)
    check(json.loads(missing.out)["found"] is False, missing.out)


# damage: 4


@case
def a_flipped_bit_is_found_named_and_never_restored():
    with copied_job() as (directory, job):
        newest, older = ids(job)[:2]
        key = f"chk-{newest}/wordcount/0"
        path = next(p for p in (job / key).iterdir() if "MANIFEST" in p.name)
        flip(path)
        for words in (["verify"], ["scan"], ["get", "--key", "the"]):
            fails(cairn(words[0], job, *words[1:]), 4, path.name, str(older))
        fails(cairn("restore", job, directory / "to"), 4, path.name, str(older))
        check(not (directory / "to").exists(), "something is left in the target")
        fails(cairn("run", "wordcount", *flags(directory)), 4, path.name, str(older))
        works(cairn("verify", f"{job}@{older}"))
        works(cairn("run", "wordcount", *flags(directory), "--restore", "latest-good"))
        check(counts_of(directory / "out").items() <= reference_counts(BASE / "input.txt").items(),
              "wrong counts after latest-good")


@case
def a_flipped_bit_in_a_table_is_found_and_named():
    with copied_job() as (directory, job):
        key = state_file(job, ids(job)[0])
        flip(job / key, 0)
        ended = cairn("verify", job)
        fails(ended, 4, key)
        check(f"DAMAGED  {key}" in ended.out, ended.out)
        report = json.loads(cairn("verify", job, "--json").out)
        check([o["key"] for o in report["objects"]] == [key], report)
        check(report["damaged"] == "1", report)


@case
def a_missing_object_is_damage():
    with copied_job() as (directory, job):
        key = state_file(job, ids(job)[0])
        (job / key).unlink()
        fails(cairn("verify", job), 4, key)
        fails(cairn("restore", job, directory / "to"), 4, key)
        check(not (directory / "to").exists(), "something is left in the target")


@case
def a_damaged_manifest_is_listed_and_refused():
    with copied_job() as (directory, job):
        newest, older = ids(job)[:2]
        flip(job / f"chk-{newest}" / "manifest.json")
        rows = json.loads(works(cairn("list", job, "--json")).out)["checkpoints"]
        check(rows[0]["status"] == "damaged", rows[0])
        for words in (["show"], ["verify"], ["scan"]):
            fails(cairn(words[0], f"{job}@{newest}"), 4, f"chk-{newest}/manifest.json", str(older))
        fails(cairn("restore", f"{job}@{newest}", directory / "to"), 4, str(older))
        check(not (directory / "to").exists(), "something is left in the target")
        fails(cairn("run", "wordcount", *flags(directory)), 4, f"chk-{newest}")


# access: 5


@case
def what_may_not_be_read_is_an_access_failure():
    def as_nobody():
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    with scratch() as directory:
        directory.chmod(0o755)
        conf = directory / "config.yaml"
        conf.write_text("pipeline.name: a\n")
        conf.chmod(0o600)
        (directory / "ck").mkdir(mode=0o700)
        (directory / "private.txt").write_text("a\n")
        (directory / "private.txt").chmod(0o600)
        open_to_all = directory / "all"
        open_to_all.mkdir()
        open_to_all.chmod(0o777)
        given = flags(open_to_all)
        fails(cairn("run", "wordcount", *given, "--conf", conf, preexec_fn=as_nobody), 5,
              str(conf))
        fails(cairn("list", directory / "ck" / "job", preexec_fn=as_nobody), 5, str(directory))
        fails(cairn("run", "wordcount", *flags(open_to_all, input=directory / "private.txt"),
                    preexec_fn=as_nobody), 5, "private.txt")


# conflict: 7


@case
def a_local_folder_in_use_is_locked():
    with scratch() as directory:
        local = directory / "local"
        first = subprocess.Popen([BIN, "run", "wordcount",
                                  *flags(directory, input="-", local_dir=local)],
                                 stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        try:
            wait_for(lambda: (directory / "ck" / "wordcount" / "epochs" / "1" / "start.json")
                     .exists())
            other = flags(directory, local_dir=local, checkpoints=directory / "other")
            fails(cairn("run", "wordcount", *other), 7, str(local))
        finally:
            first.kill()
            first.communicate()


def wait_for(condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        check(time.monotonic() < end, "waited in vain")
        time.sleep(0.02)


# incompatible: 8


@case
def a_manifest_from_the_future_is_incompatible():
    with copied_job() as (directory, job):
        newest = ids(job)[0]
        reseal(job / f"chk-{newest}" / "manifest.json",
               lambda body: body.replace(b'"version": 1,', b'"version": 3,', 1))
        for words in (["show"], ["verify"], ["scan"]):
            fails(cairn(words[0], f"{job}@{newest}"), 8, "version 3", "version 2")
        fails(cairn("run", "wordcount", *flags(directory)), 8, "version 3", "version 2")
        row = json.loads(works(cairn("list", job, "--json")).out)["checkpoints"][0]
        check(row["status"] == "unreadable", row)


@case
def checkpoints_of_another_job_are_incompatible():
    with copied_job() as (directory, job):
        job.rename(job.parent / "other")
        fails(cairn("verify", job.parent / "other"), 8, "wordcount", "other")
        fails(cairn("run", "wordcount", *flags(directory), "--name", "other"), 8, "wordcount")


@case
def an_object_that_is_no_job_for_this_version_is_incompatible():
    include = f"-I{SOURCE}/include"
    sources = {
        "old.so": "#include <cairn/job.h>\n"
                  "static cairn_job job = {.version = 99, .name = \"old\"};\n"
                  "const cairn_job *cairn_job_main(void) { return &job; }\n",
        "empty.so": "#include <cairn/job.h>\n"
                    "static cairn_job job = {.version = CAIRN_JOB_VERSION, .name = \"e\"};\n"
                    "const cairn_job *cairn_job_main(void) { return &job; }\n",
        "none.so": "int nothing;\n",
        "newer.so": "void cairn_of_the_future(void);\n"
                    "void *cairn_job_main(void) { cairn_of_the_future(); return 0; }\n",
    }
    texts = {"old.so": "version 99", "empty.so": "lacks", "none.so": "cairn_job_main",
             "newer.so": "cairn_of_the_future"}
    with scratch() as directory:
        for name, source in sources.items():
            (directory / "job.c").write_text(source)
            subprocess.run([CC, "-shared", "-fPIC", include, "-o", directory / name,
                            directory / "job.c"], check=True)
            fails(cairn("run", directory / name, *flags(directory)), 8, texts[name])
        (directory / "text.so").write_text("not a shared object\n")
        fails(cairn("run", "text.so", *flags(directory), cwd=directory), 8, "text.so")
        check(not (directory / "ck").exists(), "something was made")


# environment: 9


@case
def a_full_disk_ends_with_one_line_and_loses_no_file():
    with scratch() as directory, tmpfs(directory / "small", "2m") as small:
        (small / "filler").write_bytes(b"x" * (1 << 20))
        local = small / "local"
        fails(cairn("run", "wordcount", *flags(directory, local_dir=local, input=BASE / "long.txt"),
                    "--checkpoint-every", "20000"), 9)
        check((small / "filler").stat().st_size == 1 << 20, "a file was lost")
    with scratch() as directory, tmpfs(directory / "small", "2m") as small:
        (small / "filler").write_bytes(b"x" * (1 << 20))
        fails(cairn("run", "wordcount", *flags(directory, checkpoints=small / "ck",
                                               input=BASE / "long.txt"),
                    "--checkpoint-every", "20000"), 9)
        check((small / "filler").stat().st_size == 1 << 20, "a file was lost")
        for identity in ids(small / "ck" / "wordcount"):
            works(cairn("verify", f"{small}/ck/wordcount@{identity}"))
    with scratch() as directory, tmpfs(directory / "small", "64k") as small:
        fails(cairn("restore", BASE / "done" / "ck" / "wordcount", small / "to"), 9)
        check(not list(small.iterdir()), "something is left in the target")


@case
def a_read_only_folder_ends_with_one_line():
    with scratch() as directory, read_only(directory / "ro") as folder:
        fails(cairn("run", "wordcount", *flags(directory, checkpoints=folder)), 9, str(folder))
        fails(cairn("run", "wordcount", *flags(directory, checkpoints=folder / "ck")), 9,
              str(folder))
        fails(cairn("run", "wordcount", *flags(directory, output=folder)), 9, str(folder))
        fails(cairn("run", "wordcount", *flags(directory, local_dir=folder / "l")), 9, str(folder))
        fails(cairn("restore", BASE / "done" / "ck" / "wordcount", folder / "to"), 9, str(folder))
    with copied_job() as (directory, job), read_only(directory / "ck"):
        works(cairn("verify", job))
        works(cairn("scan", job))
        works(cairn("restore", job, directory / "to"))


@case
def standard_output_that_is_full_closed_or_unread_is_a_failure():
    uri = BASE / "done" / "ck" / "wordcount"
    for words in (["list", uri], ["scan", uri], ["show", uri, "--json"], ["help"]):
        command = [BIN, *map(str, words)]
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment())
        check(done.returncode == 9 and b"standard output" in done.stderr, (words, done))
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment())
        os.close(writer)
        check(done.returncode == 1 and b"standard output" in done.stderr, (words, done))
        done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *command], stderr=subprocess.PIPE,
                              env=environment())
        check(done.returncode == 9 and b"standard output" in done.stderr, (words, done))


# interrupted: 130, 143


def started(directory, *words):
    process = subprocess.Popen([BIN, "run", "wordcount", *flags(directory, input="-"), *words],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment())
    return process


@case
def a_signal_stops_after_a_last_checkpoint_and_the_same_command_goes_on():
    text = (BASE / "input.txt").read_bytes()
    cut = text.rindex(b"\n", 0, len(text) // 2) + 1
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        with scratch() as directory:
            process = started(directory, "--checkpoint-interval", "50ms")
            process.stdin.write(text[:cut])
            process.stdin.flush()
            wait_for(lambda: list((directory / "ck").glob("wordcount/chk-*/manifest.json")))
            process.send_signal(number)
            err = process.communicate(timeout=DEADLINE_S)[1].decode()
            fails(Ended(process.returncode, "", err), code, "stopped by", "the same command goes on")
            works(cairn("verify", directory / "ck" / "wordcount"))
            works(cairn("run", "wordcount", *flags(directory, input="-"), stdin=text))
            check(counts_of(directory / "out") == reference_counts(BASE / "input.txt"),
                  "the counts differ")


@case
def a_signal_tells_how_to_go_on_from_a_start_that_was_named():
    """The same word again would make that start again."""
    text = (BASE / "input.txt").read_bytes()
    cut = text.rindex(b"\n", 0, len(text) // 2) + 1
    with scratch() as directory:
        works(cairn("run", "wordcount", *flags(directory, input="-"), stdin=text[:cut]))
        saved = directory / "ck" / "wordcount"
        works(cairn("savepoint", saved, "s"))
        for word in (f"{saved}@s", "none"):
            before = set(saved.glob("chk-*/manifest.json"))
            process = started(directory, "--checkpoint-interval", "50ms", "--restore", word)
            process.stdin.write(text[:cut] + b"one more\n")
            process.stdin.flush()
            wait_for(lambda known=before: set(saved.glob("chk-*/manifest.json")) - known)
            process.send_signal(signal.SIGTERM)
            err = process.communicate(timeout=DEADLINE_S)[1].decode()
            fails(Ended(process.returncode, "", err), 143, "holds everything up to record",
                  "the same command with --restore latest goes on from it")


@case
def a_signal_before_the_first_checkpoint_or_a_second_one_ends_all_the_same():
    with scratch() as directory:
        process = started(directory, "--checkpoint-interval", "1h")
        wait_for(lambda: list((directory / "ck").glob("wordcount/epochs/1/start.json")))
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=DEADLINE_S)[1].decode()
        check(process.returncode in (130, 143), f"exit {process.returncode}: {err}")
        check("cairn: " in err, err)


@case
def a_stop_whose_last_checkpoint_fails_tells_what_comes_again():
    text = (BASE / "input.txt").read_bytes()
    lines = text.splitlines(keepends=True)
    with scratch() as directory, tmpfs(directory / "small", "64m") as small:
        process = subprocess.Popen(
            [BIN, "run", "wordcount", *flags(directory, input="-", checkpoints=small / "ck"),
             "--checkpoint-every", "100"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        process.stdin.write(b"".join(lines[:100]))
        process.stdin.flush()
        wait_for(lambda: list((directory / "out").glob("part-*")))
        wait_for(lambda: remounted(small, "ro"))
        process.stdin.write(b"".join(lines[100:150]))
        process.stdin.flush()
        wait_for(lambda: unread(process.stdin) == 0)
        time.sleep(0.5)  # what was read is being processed
        process.send_signal(signal.SIGTERM)
        err = process.communicate(timeout=DEADLINE_S)[1].decode()
        fails(Ended(process.returncode, "", err), 143, "without a last checkpoint",
              "checkpoint 1 holds everything up to record 100;", "reads records 101 to ")
        check(remounted(small, "rw"), "the folder stays read-only")
        works(cairn("run", "wordcount", *flags(directory, input="-", checkpoints=small / "ck"),
                    stdin=text))
        check(counts_of(directory / "out") == reference_counts(BASE / "input.txt"),
              "the counts differ")


def remounted(directory, how):
    """False while a file there is open for writing."""
    return subprocess.run(["mount", "-o", f"remount,{how}", str(directory)],
                          capture_output=True).returncode == 0


def unread(pipe):
    """Bytes in a pipe that its reader has not taken yet."""
    size = bytearray(4)
    fcntl.ioctl(pipe, termios.FIONREAD, size)
    return int.from_bytes(size, sys.byteorder)


def run_folders():
    return set((BASE / "tmp").glob("cairn-run-*"))


@case
def the_folder_of_a_killed_run_is_removed_by_the_next_one_and_a_live_one_stays():
    with scratch() as one, scratch() as two, scratch() as three:
        foreign = BASE / "tmp" / "cairn-run-abcdef"
        (foreign / "db").mkdir(parents=True)
        for name in ("LOCK", "CAIRN-LOCAL", "mine.txt"):
            (foreign / name).write_text("")
        killed, living = started(one), started(two)
        try:
            for directory in (one, two):
                wait_for(lambda: list(directory.glob("ck/wordcount/epochs/1/start.json")))
            check(len(run_folders()) == 3, run_folders())
            killed.kill()
            killed.communicate()
            ended = works(cairn("run", "wordcount", *flags(three)))
            left = run_folders() - {foreign}
            check(len(left) == 1 and "a run that was killed" in ended.err, (left, ended.err))
            living.communicate((BASE / "input.txt").read_bytes(), timeout=DEADLINE_S)
            check(living.returncode == 0, "the living run failed")
            check(run_folders() == {foreign} and (foreign / "mine.txt").exists(), run_folders())
        finally:
            for process in (killed, living):
                if process.poll() is None:
                    process.kill()
                    process.communicate()
            shutil.rmtree(foreign)


@case
def no_scratch_folder_is_left():
    left = list((BASE / "tmp").iterdir())
    check(not left, f"left: {left}")


# what works


@case
def run_from_a_file_and_from_standard_input_give_the_same():
    wanted = reference_counts(BASE / "input.txt")
    check(counts_of(BASE / "done" / "out") == wanted, "the counts from the file differ")
    with scratch() as directory:
        ended = works(cairn("run", "wordcount", *flags(directory, input="-"), "--json", "--quiet",
                            stdin=(BASE / "input.txt").read_bytes()))
        check(counts_of(directory / "out") == wanted, "the counts from standard input differ")
        check(ended.err == "", f"--quiet printed {ended.err!r}")
        result = json.loads(ended.out)
        check(result["format"] == "cairn-run" and result["stopped"] is False, result)
        check(set(result) == {"format", "version", "job", "stopped", "records",
                              "committed_records", "last_checkpoint_id", "published_files"},
              result)
        check(result["committed_records"] == result["records"], result)
        check(result["records"] == str((BASE / "input.txt").read_bytes().count(b"\n")), result)


@case
def line_length_and_a_job_of_ones_own_run():
    with scratch() as directory:
        (directory / "in.txt").write_text("k1,abc\nk2 x\nk1,abcdef\n")
        works(cairn("run", "line-length", *flags(directory, input=directory / "in.txt")))
        lines = [line for part in sorted((directory / "out").iterdir())
                 for line in part.read_text().splitlines()]
        check(lines == ["k1\t6", "k2\t4", "k1\t9"], lines)
        got = works(cairn("get", directory / "ck" / "line-length", "--key", "k1"))
        check(got.out == "k1,abcdef\n", got.out)
    with scratch() as directory:
        sample = next((SOURCE / "examples").glob("*_job.c"))
        subprocess.run([CC, "-shared", "-fPIC", f"-I{SOURCE}/include", "-o",
                        directory / "job.so", sample], check=True)
        (directory / "in.txt").write_text("a 1\nb 2\na 3\n")
        works(cairn("run", directory / "job.so", *flags(directory, input=directory / "in.txt"),
                    "--name", "mine"))
        check(ids(directory / "ck" / "mine"), "no checkpoint")


@case
def an_option_goes_before_definitions_and_those_before_the_file():
    with scratch() as directory:
        conf = directory / "config.yaml"
        conf.write_text(f"pipeline.name: from-file\nexecution.checkpointing.dir: {directory}/file\n")

        def given(output):
            return flags(directory, checkpoints=None, output=directory / output) + ["--conf", conf]

        works(cairn("run", "wordcount", *given("out1")))
        works(cairn("run", "wordcount", *given("out2"), "-D", "pipeline.name=defined"))
        works(cairn("run", "wordcount", *given("out3"), "-Dpipeline.name=defined2", "--name",
                    "option", "--checkpoints", directory / "ck"))
        check(ids(directory / "file" / "from-file"), "the file's name and folder")
        check(ids(directory / "file" / "defined"), "-D before the file")
        check(ids(directory / "ck" / "option"), "the option before -D")


@case
def logs_come_as_text_or_json_lines_and_tell_each_checkpoint():
    with scratch() as directory:
        ended = works(cairn("run", "wordcount", *flags(directory), "--checkpoint-every", "1000",
                            "--log-format", "json"))
        lines = [json.loads(line) for line in ended.err.splitlines()]
        check(all(set(line) == {"time", "level", "message"} for line in lines), lines)
        newest = ids(directory / "ck" / "wordcount")[0]
        told = [line for line in lines if re.search(r"checkpoint \d+ committed", line["message"])]
        check(len(told) == newest, f"{len(told)} lines for {newest} checkpoints")
    with scratch() as directory:
        ended = works(cairn("run", "wordcount", *flags(directory)))
        for line in ended.err.splitlines():
            check(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO |WARN ) ", line), line)
        ended = works(cairn("run", "wordcount", *flags(directory), "--log-level", "error"))
        check(ended.err == "", ended.err)


@case
def progress_is_one_rewritten_line_on_a_terminal():
    with scratch() as directory:
        inner = [BIN, "run", "wordcount", *flags(directory, input="-"), "--log-level", "warn"]
        leader, follower = os.openpty()
        env = dict(environment(), TERM="xterm")
        process = subprocess.Popen(inner, stdin=subprocess.PIPE, stderr=follower, env=env)
        os.close(follower)
        process.stdin.write((BASE / "input.txt").read_bytes())
        process.stdin.flush()
        shown = b""
        while b"records" not in shown:
            shown += os.read(leader, 4096)
        process.stdin.close()
        with contextlib.suppress(OSError):
            while True:
                shown += os.read(leader, 4096)
        check(process.wait(timeout=DEADLINE_S) == 0, shown)
        check(b"\r\x1b[K" in shown and b"wordcount  " in shown, shown)
        check(b"\n" not in shown, f"the line was not rewritten: {shown}")
        os.close(leader)


@case
def list_and_show_tell_what_there_is():
    uri = BASE / "done" / "ck" / "wordcount"
    listed = json.loads(works(cairn("list", uri, "--json")).out)
    check(set(listed) == {"format", "version", "job", "epochs", "boundary", "checkpoints",
                          "savepoints"}, listed)
    check(listed["savepoints"] == [], listed)
    head = listed["checkpoints"][0]
    check(set(head) == {"id", "status", "counts", "head", "committed", "epoch", "files", "bytes",
                        "new_bytes", "duration_ms", "parent", "sha256"}, head)
    check(head["status"] == "head" and listed["checkpoints"][1]["status"] == "counts", listed)
    table = works(cairn("list", uri)).out.splitlines()
    check(table[0].split() == ["ID", "COMMITTED", "STATUS", "EPOCH", "FILES", "SIZE", "NEW", "TOOK",
                               "PARENT"], table[0])
    check(len(table) == 1 + len(listed["checkpoints"]), table)
    shown = works(cairn("show", uri)).out
    for text in (f"checkpoint       {head['id']} of job wordcount (head)", "state counts",
                 "from checkpoint", "new  ", head["sha256"]):
        check(text in shown, f"{text!r} is not in {shown}")
    document = works(cairn("show", uri, "--json")).out.encode()
    stored = pathlib.Path(uri / f"chk-{head['id']}" / "manifest.json").read_bytes()
    check(document == stored, "show --json is not the manifest")
    check(hashlib.sha256(document).hexdigest() == head["sha256"], "the digest differs")


@case
def verify_and_restore_tell_what_they_did():
    uri = BASE / "done" / "ck" / "wordcount"
    report = json.loads(works(cairn("verify", uri, "-v", "--json")).out)
    check(set(report) == {"format", "version", "job", "id", "objects", "object_count", "bytes",
                          "damaged", "newest_good_id"}, report)
    check(int(report["object_count"]) == len(report["objects"]) > 0, report)
    check(all(set(o) == {"key", "result", "bytes"} for o in report["objects"]), report)
    check("is whole" in works(cairn("verify", uri)).out, "verify")
    with scratch() as directory:
        done = json.loads(works(cairn("restore", uri, directory / "to", "--json")).out)
        check(set(done) == {"format", "version", "job", "id", "dir", "bytes"}, done)
        check((directory / "to" / "manifest.json").exists(), "no manifest")
        fails(cairn("restore", uri, directory / "to"), 2, str(directory / "to"))


@case
def get_and_scan_print_values():
    uri = BASE / "done" / "ck" / "wordcount"
    wanted = reference_counts(BASE / "input.txt")
    check(works(cairn("get", uri, "--key", "the")).out == f"{wanted['the']}\n", "get")
    number = wanted["the"].to_bytes(8, "big").hex()
    check(works(cairn("get", uri, "--key", "the", "--hex")).out == number + "\n", "get --hex")
    check(works(cairn("get", uri, "--key-hex", b"the".hex())).out == f"{wanted['the']}\n", "hex")
    fails(cairn("get", uri, "--key-hex", "7"), 2, "hex digits")
    got = json.loads(works(cairn("get", uri, "--operator", "wordcount", "--state", "counts",
                                 "--key", "the", "--json")).out)
    check(got["key"] == {"form": "text", "value": "the"} and got["found"] is True, got)
    check(got["value"] == {"form": "u64", "value": str(wanted["the"])}, got)
    lines = works(cairn("scan", uri)).out.splitlines()
    check({k: int(v) for k, v in (line.split("\t") for line in lines)} == wanted, "scan")
    check(len(lines) == len(wanted), "a key twice")
    rows = [json.loads(line) for line in works(cairn("scan", uri, "--json")).out.splitlines()]
    check({r["key"]["value"]: int(r["value"]["value"]) for r in rows} == wanted, "scan --json")


@case
def older_checkpoints_are_read_by_their_id():
    uri = BASE / "done" / "ck" / "wordcount"
    oldest = ids(uri)[-1]
    lines = works(cairn("scan", f"{uri}@{oldest}")).out.splitlines()
    check(0 < len(lines) <= len(reference_counts(BASE / "input.txt")), len(lines))
    shown = works(cairn("show", f"{uri}@{oldest}")).out
    check(f"checkpoint       {oldest} of job" in shown, shown)


@case
def gc_tells_first_and_deletes_on_demand():
    with copied_job() as (directory, job):
        kept = ids(job)
        garbage = job / "shared" / "wordcount" / "1-0000000000000000-1"
        works(cairn("run", "wordcount", *flags(directory), "--restore", "latest",
                    "-D", "execution.checkpointing.num-retained=100"))
        garbage.write_bytes(b"left behind")
        key = "shared/wordcount/1-0000000000000000-1"
        dry = works(cairn("gc", job, "--retain", "100"))
        check(f"would delete {key}\n" in dry.out and "dry run" in dry.out, dry.out)
        check(garbage.exists(), "a dry run deleted")
        report = json.loads(works(cairn("gc", job, "--retain", "100", "--json")).out)
        check(set(report) == {"format", "version", "job", "executed", "victims", "boundary",
                              "object_count", "victim_count", "deleted", "kept", "unfinished"},
              report)
        check(key in report["victims"] and report["deleted"] == "0", report)
        works(cairn("gc", job, "--retain", "100", "--execute"))
        check(not garbage.exists(), "it is still there")
        for identity in kept:
            works(cairn("verify", f"{job}@{identity}"))
        works(cairn("gc", job, "--retain", "1", "--execute"))
        check(len(ids(job)) == 1, "more than one is left")
        works(cairn("verify", job))
        again = works(cairn("gc", job, "--retain", "1")).out
        check(", 0 are garbage" in again, again)


# doctor


@case
def doctor_examines_a_folder_and_leaves_nothing():
    with scratch() as directory:
        text = works(cairn("doctor", directory)).out.splitlines()
        check(text[0].split() == ["NAME", "VERDICT", "DETAIL"], text[0])
        check(text[-1].startswith("safety: fenced: "), text[-1])
        rows = {line.split()[0]: line.split()[1] for line in text[1:-1]}
        check(len(rows) == len(text) - 2, "a name comes twice")
        check(rows["create-only-race"] == "ok" and rows["read-after-write"] == "ok", rows)
        report = json.loads(works(cairn("doctor", f"file://{directory}", "--json")).out)
        check(set(report) == {"format", "version", "uri", "findings", "safety", "follows"}, report)
        check(report["format"] == "cairn-doctor" and report["safety"] == "fenced", report)
        check(report["uri"] == f"file://{directory}", report)
        check({row["name"]: row["verdict"] for row in report["findings"]} == rows, report)
        check(all(set(row) == {"name", "verdict", "detail"} for row in report["findings"]), report)
        left = [path for path in directory.rglob("*") if path.is_file()]
        check(not left, left)
        fails(cairn("doctor", directory / "absent"), 3, "absent")
        check(not (directory / "absent").exists(), "it was made")


@case
def doctor_on_a_folder_that_can_not_be_written_says_so_and_ends_with_8():
    with scratch() as directory, read_only(directory / "ro") as folder:
        ended = cairn("doctor", folder)
        fails(ended, 8, str(folder), "safety is 'none'")
        check(ended.out.splitlines()[-1].startswith("safety: none: "), ended.out)
        check(re.search(r"^write +bad ", ended.out, re.M), ended.out)
        report = json.loads(cairn("doctor", folder, "--json").out)
        check(report["safety"] == "none", report)


# help and documents


def commands():
    overview = works(cairn("--help")).out
    return re.findall(r"^  ([a-z]+) ", overview, re.M)


def command_options(name):
    text = works(cairn(name, "--help")).out
    return re.findall(r"--([a-z-]+)", text.split("\noptions:\n")[1])


@case
def every_command_explains_itself():
    names = commands()
    check({"run", "list", "show", "verify", "restore", "get", "scan", "du", "diff", "why", "gc",
           "savepoint", "doctor", "help"} == set(names), names)
    for name in names:
        text = works(cairn(name, "--help")).out
        check(text.startswith(f"usage: cairn {name} "), text)
        check(text == works(cairn("help", name)).out, name)
        check(max(map(len, text.splitlines())) <= 100, f"{name}: a long line")
    check(re.fullmatch(r"cairn \d+\.\d+\.\d+\n", works(cairn("--version")).out), "version")


@case
def the_manual_pages_name_every_command_and_option():
    for name in commands():
        page = SOURCE / "docs" / "man" / f"cairn-{name}.1"
        text = page.read_text().replace("\\-", "-")
        for option in command_options(name):
            check(f"Fl -{option}" in text or f"Fl {option}" in text,
                  f"{page.name} lacks --{option}")
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(page)],
                              capture_output=True)
        check(done.returncode == 0 and not done.stderr, done.stderr.decode())
    check((SOURCE / "docs" / "man" / "cairn.1").exists(), "cairn.1")


@case
def the_documents_describe_every_option_and_command():
    options = json.loads(works(cairn("help", "options", "--json")).out)["options"]
    rows = {}
    for line in (SOURCE / "docs" / "options.md").read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if len(cells) == 4 and cells[0].startswith("`"):
            rows[cells[0].strip("`")] = cells
    for option in options:
        default = "none" if option["default"] is None else f"`{option['default']}`"
        kind = option["type"].replace("|", "\\|")
        check(rows.pop(option["key"], None) ==
              [f"`{option['key']}`", kind, default, option["help"]], option)
    check(not rows, f"docs/options.md has {list(rows)}")
    text = works(cairn("help", "options")).out
    check(all(option["key"] in text for option in options), "help options")
    document = (SOURCE / "docs" / "commands.md").read_text()
    for name in commands():
        check(f"## {name}" in document, f"docs/commands.md lacks {name}")


@case
def the_program_in_the_readme_is_the_sample():
    blocks = re.findall(r"```c\n(.*?)```", (SOURCE / "README.md").read_text(), re.S)
    check((SOURCE / "examples" / "quickstart.c").read_text() in blocks, "the program differs")


def make_inputs():
    """A text of some thousand lines of real words, and a longer one of many different words."""
    words = re.findall(rb"[^\n]*\n", b"".join(
        path.read_bytes() for path in sorted(pathlib.Path("/usr/share/common-licenses").iterdir())
        if path.is_file()))
    (BASE / "input.txt").write_bytes(b"".join(words[:6000]))
    with open(BASE / "long.txt", "w", encoding="ascii") as out:
        for i in range(200000):
            out.write(hashlib.md5(str(i).encode()).hexdigest() + f" {i}\n")


def main():
    global BASE
    failed = 0
    with tempfile.TemporaryDirectory(prefix="cairn-test-cli-") as name:
        BASE = pathlib.Path(name)
        BASE.chmod(0o755)
        (BASE / "tmp").mkdir()
        (BASE / "tmp").chmod(0o1777)
        make_inputs()
        works(cairn("run", "wordcount", *flags(BASE / "done"), "--checkpoint-every", "1000", "-D",
                    "execution.checkpointing.num-retained=4"))
        chosen = [c for c in CASES if len(sys.argv) < 2 or sys.argv[1] in c.__name__]
        for function in chosen:
            try:
                function()
                print(f"ok      {function.__name__}", flush=True)
            except (AssertionError, OSError, subprocess.SubprocessError, ValueError,
                    KeyError, StopIteration) as problem:
                failed += 1
                print(f"FAILED  {function.__name__}: {problem}", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
