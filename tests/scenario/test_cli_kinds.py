#!/usr/bin/env python3
"""`cairn get` and `cairn scan` on every kind of state, and what `--state-backend` does, on both engines. A
job that uses all kinds is compiled against the public headers."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

BIN = os.environ["CAIRN_BIN"]
SOURCE = os.environ["CAIRN_SOURCE_DIR"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
from kinds_job import KINDS_INPUT, build_kinds_job  # noqa: E402

ENGINES = ("rocksdb", "hashmap")


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def cairn(*words, code=0):
    done = subprocess.run([BIN, *map(str, words)], capture_output=True, timeout=120, check=False)
    check(done.returncode == code,
          f"{words}: exit {done.returncode}, wanted {code}: {done.stderr.decode()}")
    return done.stdout.decode(), done.stderr.decode()


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x10
    path.write_bytes(bytes(data))


def run_kinds(base, engine):
    """The job's folder, after a run that ends with a checkpoint of all kinds."""
    (base / "in").write_bytes(KINDS_INPUT)
    cairn("run", base / "kinds.so", "--input", base / "in", "--output", base / f"{engine}-out",
          "--checkpoints", f"file://{base}/{engine}", "--state-backend", engine, "--quiet")
    return f"file://{base}/{engine}/kinds"


def lines(*words):
    return sorted(cairn(*words)[0].splitlines())


def rows(uri, state):
    return sorted((json.loads(line) for line in
                   cairn("scan", uri, "--state", state, "--json")[0].splitlines()), key=json.dumps)


def text(value):
    return {"form": "text", "value": value}


def scans_show_every_kind(uri):
    check(lines("scan", uri, "--state", "last") ==
          ["a\t[w1]\t@late", "a\ttwo", "b\t0x01"], "values")
    check(cairn("scan", uri, "--state", "events")[0].index("a\tone\na\ttwo\n") >= 0, "order")
    check(lines("scan", uri, "--state", "events") ==
          ["a\t[w1]\t@late", "a\tone", "a\ttwo", "b\t0x01"], "a line for each element")
    check(lines("scan", uri, "--state", "seen") ==
          ["a\t[w1]\t@late\ta", "a\tone\ta", "a\ttwo\ta", "b\t0x01\tb"], "a line for each entry")
    check(lines("scan", uri, "--state", "first") ==
          ["a\t[w1]\t@late", "a\tone", "b\t0x01"], "reduced values")
    check(lines("scan", uri, "--state", "nothing") == [], "no entries, no lines")
    check(lines("scan", uri, "--state", "seen", "--hex")[-1] == "62\t01\t62", "hex")


def scans_show_every_kind_as_json(uri):
    check(rows(uri, "last")[0] ==
          {"key": text("a"), "namespace": text("w1"), "value": text("@late")}, "values")
    check(rows(uri, "events")[0] == {"key": text("a"), "elements": [text("one"), text("two")]},
          "elements")
    check(rows(uri, "seen")[-1] == {"key": text("b"), "user_key": {"form": "hex", "value": "01"},
                                    "value": text("b")}, "map entries")


def get_finds_every_kind(uri):
    check(cairn("get", uri, "--state", "last", "--key", "a")[0] == "two\n", "value")
    check(cairn("get", uri, "--state", "last", "--key", "a", "--namespace", "w1")[0] == "@late\n",
          "value in a namespace")
    check(cairn("get", uri, "--state", "events", "--key", "a")[0] == "one\ntwo\n", "list")
    check(cairn("get", uri, "--state", "seen", "--key", "a", "--user-key", "two")[0] == "a\n", "map")
    found = json.loads(cairn("get", uri, "--state", "events", "--key", "a", "--json")[0])
    check(found["found"] and found["elements"] == [text("one"), text("two")], found)
    found = json.loads(cairn("get", uri, "--state", "seen", "--key", "a", "--user-key", "two",
                             "--json")[0])
    check(found["user_key"] == text("two") and found["value"] == text("a"), found)


def get_says_what_is_not_there(uri):
    cairn("get", uri, "--state", "last", "--key", "x", code=3)
    cairn("get", uri, "--state", "events", "--key", "b", "--namespace", "w1", code=3)
    cairn("get", uri, "--state", "seen", "--key", "a", "--user-key", "x", code=3)
    cairn("get", uri, "--state", "nothing", "--key", "a", code=3)
    _, err = cairn("get", uri, "--state", "seen", "--key", "a", code=2)
    check("--user-key" in err, err)
    _, err = cairn("get", uri, "--state", "last", "--key", "a", "--user-key", "x", code=2)
    check("no map" in err, err)


def the_manifest_names_the_kinds_in_version_2(uri):
    path = sorted(pathlib.Path(uri[len("file://"):]).glob("chk-*/manifest.json"))[-1]
    manifest = json.loads(path.read_text())
    check(manifest["version"] == 2, manifest["version"])
    kinds = {state["name"]: state["kind"] for state in manifest["operators"][0]["states"]}
    check(kinds == {"events": "list", "first": "reducing", "last": "value", "nothing": "list",
                    "seen": "map"}, kinds)


def the_other_engine_is_refused(base, uri, engine):
    other = ENGINES[1 - ENGINES.index(engine)]
    _, err = cairn("run", base / "kinds.so", "--input", base / "in", "--output",
                   base / f"{engine}-out", "--checkpoints", uri.rsplit("/", 1)[0],
                   "-D", f"state.backend={other}", "--quiet", code=8)
    check(f"engine {engine}" in err and f"state.backend.type {engine}" in err, err)


def the_same_engine_goes_on(base, uri, engine):
    with (base / "in").open("a") as file:
        file.write("a three\nc one\n")
    run_again = cairn("run", base / "kinds.so", "--input", base / "in", "--output",
                      base / f"{engine}-out", "--checkpoints", uri.rsplit("/", 1)[0],
                      "-D", f"state.backend.type={engine}", "--quiet")
    check(run_again is not None, "")
    check(cairn("get", uri, "--state", "events", "--key", "a")[0] == "one\ntwo\nthree\n", "list")
    check(cairn("get", uri, "--state", "first", "--key", "c")[0] == "one\n", "reducing")
    (base / "in").write_bytes(KINDS_INPUT)


def a_flipped_bit_is_damage(base, uri, engine):
    root = pathlib.Path(uri[len("file://"):])
    manifest = json.loads(sorted(root.glob("chk-*/manifest.json"))[-1].read_text())
    file = manifest["operators"][0]["subtasks"][0]["files"][-1]
    flip(root / file["key"], int(file["offset"]) + int(file["size"]) - 1)
    for words in (["verify", uri], ["scan", uri, "--state", "last"],
                  ["run", base / "kinds.so", "--input", base / "in", "--output",
                   base / f"{engine}-out", "--checkpoints", uri.rsplit("/", 1)[0],
                   "--state-backend", engine]):
        _, err = cairn(*words, code=4)
        check(file["key"] in err, err)


def the_hash_map_stores_few_objects(uri):
    root = pathlib.Path(uri[len("file://"):])
    manifest = json.loads(sorted(root.glob("chk-*/manifest.json"))[-1].read_text())
    files = manifest["operators"][0]["subtasks"][0]["files"]
    check(len(files) == 2, f"{len(files)} files: a and b are in two key groups")
    check(len({file["key"] for file in files}) == 1, "small files share an object")
    for file in files:
        check(file["first_key_group"] == file["last_key_group"] == int(file["name"].split("-")[1]),
              file)


def main():
    passed = 0
    with tempfile.TemporaryDirectory() as name:
        base = pathlib.Path(name)
        build_kinds_job(base)
        for engine in ENGINES:
            uri = run_kinds(base, engine)
            cases = [(case, (uri,)) for case in (
                scans_show_every_kind, scans_show_every_kind_as_json, get_finds_every_kind,
                get_says_what_is_not_there, the_manifest_names_the_kinds_in_version_2)]
            if engine == "hashmap":
                cases.append((the_hash_map_stores_few_objects, (uri,)))
            cases += [(case, (base, uri, engine)) for case in (
                the_other_engine_is_refused, the_same_engine_goes_on, a_flipped_bit_is_damage)]
            for case, arguments in cases:
                try:
                    case(*arguments)
                    print(f"ok      {engine}: {case.__name__}")
                    passed += 1
                except Failure as failure:
                    print(f"FAILED  {engine}: {case.__name__}: {failure}")
                    return 1
    print(f"{passed} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
