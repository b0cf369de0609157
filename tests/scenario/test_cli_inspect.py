#!/usr/bin/env python3
"""`cairn du`, `diff` and `why` beside what a plain reader of the manifests computes."""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BIN = os.environ["CAIRN_BIN"]
DEADLINE_S = 120
RETAINED = 4
JOB = None  # made once by main


def cairn(code, *words):
    done = subprocess.run([BIN, *map(str, words)], capture_output=True, text=True,
                          timeout=DEADLINE_S)
    assert done.returncode == code, f"{words}: exit {done.returncode}: {done.stderr}"
    return done.stdout if code == 0 else done.stderr


def document(*words):
    return json.loads(cairn(0, *words, "--json"))


def files_of(manifest):
    """(operator, subtask, role, name) -> file, as the manifest has them."""
    found = {}
    for operator in manifest["operators"]:
        for subtask in operator["subtasks"]:
            for role, files in (("state", subtask["files"]), ("output", subtask["outputs"])):
                for file in files:
                    found[operator["uid"], subtask["index"], role, file["name"]] = file
    return found


def manifests():
    """Checkpoint id -> manifest, newest first."""
    listed = document("list", JOB)["checkpoints"]
    return {row["id"]: json.loads(cairn(0, "show", f"{JOB}@{row['id']}", "--json"))
            for row in listed}


def du_counts_what_each_checkpoint_alone_keeps():
    known = manifests()
    users = collections.defaultdict(set)
    of_object = collections.defaultdict(set)
    size = {}
    for identity, manifest in known.items():
        for file in files_of(manifest).values():
            place = file["key"], file["offset"]
            users[place].add(identity)
            of_object[file["key"]].add(identity)
            size[place] = int(file["size"])
    told = document("du", JOB)
    assert [row["id"] for row in told["checkpoints"]] == list(known), told
    for row in told["checkpoints"]:
        mine = [place for place in users if row["id"] in users[place]]
        assert int(row["bytes"]) == sum(size[place] for place in mine), row
        assert int(row["files"]) == len(files_of(known[row["id"]])), row
        assert int(row["alone_bytes"]) == sum(size[place] for place in mine
                                              if len(of_object[place[0]]) == 1), row
    assert any(int(row["alone_bytes"]) < int(row["bytes"]) for row in told["checkpoints"]), told
    assert int(told["stored_bytes"]) == sum(size.values()), told
    assert int(told["stored_files"]) == len(size), told
    text = cairn(0, "du", JOB).splitlines()
    assert text[0].split() == ["ID", "STATUS", "FILES", "SIZE", "NEW", "ALONE"], text[0]
    assert len(text) == 2 + len(known) and text[-1].split()[:2] == ["all", str(len(size))], text
    one = list(known)[1]
    assert [row["id"] for row in document("du", f"{JOB}@{one}")["checkpoints"]] == [one]
    assert len(cairn(0, "du", f"{JOB}@{one}").splitlines()) == 2
    assert "4711" in cairn(3, "du", f"{JOB}@4711")


def diff_compares_by_digest():
    newest, older = list(manifests().items())[:2]
    first, second = files_of(older[1]), files_of(newest[1])
    wanted = {}
    for name in first.keys() | second.keys():
        if name in first and name in second:
            same = first[name]["sha256"] == second[name]["sha256"]
            wanted[name] = "same" if same else "bytes"
        else:
            wanted[name] = "first" if name in first else "second"
    assert {"same", "second"} <= set(wanted.values()), wanted
    words = ("diff", f"{JOB}@{older[0]}", f"{JOB}@{newest[0]}")
    told = document(*words, "--all")
    found = {(row["operator"], row["subtask"], row["role"], row["name"]): row["difference"]
             for row in told["files"]}
    assert found == wanted, found
    short = document(*words)
    assert len(short["files"]) == sum(kind != "same" for kind in wanted.values()), short
    for kind, sums in short["sums"].items():
        assert int(sums["files"]) == list(wanted.values()).count(kind), short
    assert int(short["sums"]["second"]["bytes"]) == sum(
        int(second[name]["size"]) for name, kind in wanted.items() if kind == "second"), short
    lines = cairn(0, *words, "-a").splitlines()
    marks = {"same": "=", "first": "-", "second": "+", "bytes": "!"}
    assert sorted(line[0] for line in lines[:-1]) == sorted(marks[k] for k in wanted.values())
    same = document("diff", JOB, JOB)
    assert not same["files"] and int(same["sums"]["same"]["files"]) == len(second), same
    assert "4711" in cairn(3, "diff", JOB, f"{JOB}@4711")


def why_names_every_user_of_an_object():
    known = manifests()
    users = collections.defaultdict(set)
    for identity, manifest in known.items():
        for (operator, subtask, role, name), file in files_of(manifest).items():
            users[file["key"]].add((identity, operator, subtask, role, name, file["offset"],
                                    file["size"], file["uploaded_by"]))
    assert any(len(of) > 1 for of in users.values()), "no object is shared"
    for key, wanted in users.items():
        told = document("why", JOB, key)
        assert {tuple(row[m] for m in ("checkpoint", "operator", "subtask", "role", "name",
                                       "offset", "bytes", "uploaded_by"))
                for row in told["named_by"]} == wanted, told
        assert int(told["bytes"]) == (JOB / key).stat().st_size, told
    key = max(users, key=lambda each: len(users[each]))
    lines = cairn(0, "why", JOB, key).splitlines()
    assert lines[0].startswith(key) and len(lines) == 1 + len(users[key]), lines


def why_tells_an_absent_object_from_a_lost_one():
    first = next(iter(manifests().values()))
    kept = JOB / next(file["key"] for file in files_of(first).values())
    stray = JOB / "shared" / "wordcount" / "1-0000000000000000-1"
    stray.write_bytes(b"left behind")
    assert "no checkpoint names it" in cairn(0, "why", JOB, str(stray.relative_to(JOB)))
    assert "shared/x/1-2-3" in cairn(3, "why", JOB, "shared/x/1-2-3")
    assert "\n" not in cairn(2, "why", JOB, "a\nb").rstrip("\n")
    hidden = kept.with_name("hidden")
    kept.rename(hidden)
    assert str(kept.relative_to(JOB)) in cairn(4, "why", JOB, str(kept.relative_to(JOB)))
    hidden.rename(kept)
    cairn(2, "why", f"{JOB}@1", "shared/x/1-2-3")
    for document_key in (f"chk-{next(iter(manifests()))}/manifest.json", "epochs/1/claim.json"):
        assert "document" in cairn(2, "why", JOB, document_key)
    stray.unlink()


def why_finds_the_savepoint_that_an_object_is_of():
    cairn(0, "savepoint", JOB, "kept")
    manifest = json.loads(cairn(0, "show", f"{JOB}@kept", "--json"))
    files = files_of(manifest)
    for key in {file["key"] for file in files.values()}:
        told = document("why", JOB, key)["named_by"]
        assert all(row["status"] == "savepoint" for row in told), key
        assert ({(row["operator"], row["subtask"], row["role"], row["name"]) for row in told} ==
                {name for name, file in files.items() if file["key"] == key}), key
    key = next(iter(files.values()))["key"]
    assert "savepoint kept" in cairn(0, "why", JOB, key)
    (JOB / key).unlink()
    assert key in cairn(4, "why", JOB, key)
    cairn(3, "why", JOB, "savepoints/absent/wordcount/0/1-2-3")


def main():
    global JOB
    with tempfile.TemporaryDirectory(prefix="cairn-test-inspect-") as name:
        folder = pathlib.Path(name)
        lines = (f"word{i % 997} number{i}\n" for i in range(20000))
        (folder / "input.txt").write_text("".join(lines), encoding="ascii")
        JOB = folder / "ck" / "wordcount"
        cairn(0, "run", "wordcount", "--input", folder / "input.txt", "--output", folder / "out",
              "--checkpoints", folder / "ck", "--checkpoint-every", "4000", "-D",
              f"execution.checkpointing.num-retained={RETAINED}")
        for case in (du_counts_what_each_checkpoint_alone_keeps, diff_compares_by_digest,
                     why_names_every_user_of_an_object,
                     why_tells_an_absent_object_from_a_lost_one,
                     why_finds_the_savepoint_that_an_object_is_of):
            case()
            print(f"ok      {case.__name__}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
