#!/usr/bin/env python3
"""Bits that flip in the block files of a DataNode's disk. Of one replica: the object is named and nothing
of it is used. Of one of two: the other is read, and a DataNode's log says which is bad.

Needs CAIRN_BIN. Ends with "N passed, N failed"."""

import hashlib
import os
import re
import sys

from live_case import cairn, case, check, fails, main, servers, works
from cairn_world import World, make_lines
from outages import LARGE, Expected
from places import place_on

EVERY = ["--checkpoint-every", "10000"]
FIRST_KILL = "commit.confirm.after=1*kill"
WORDS = make_lines(3000, 6)
TWICE = ["-D", "cairn.hdfs.replication=2"]
STARTED = []


def cluster():
    if not STARTED:
        STARTED.append(servers.Hdfs().__enter__())
    return STARTED[0]


def blocks(server, datanode):
    """Paths of the block files of one DataNode."""
    found = []
    for folder, _, names in os.walk(os.path.join(server.root, "data", datanode)):
        found += [os.path.join(folder, name) for name in names if re.fullmatch(r"blk_\d+", name)]
    return found


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x10]))


def block_of(server, data):
    """The block file with just these bytes; of a small file it is the only one."""
    wanted = hashlib.sha256(data).digest()
    for datanode in ("dn1", "dn2"):
        for path in blocks(server, datanode):
            if os.path.getsize(path) == len(data):
                with open(path, "rb") as file:
                    if hashlib.sha256(file.read()).digest() == wanted:
                        return path
    raise servers.ServerError("no block file holds these %d bytes" % len(data))


def found_bad(server):
    """Addresses of DataNodes from which DataNodes, reading for us, got bytes with a wrong checksum."""
    found = []
    for name in ("dn1", "dn2"):
        with open(os.path.join(server.root, "log", name + ".log"), errors="replace") as file:
            found += re.findall(r"Found Checksum error for \S+ from \w+\[([\d.]+:\d+)", file.read())
    return found


@case
def damage_of_one_of_two_replicas_is_read_around():
    server = cluster()
    expected = Expected.of("line-length", LARGE, EVERY)
    with World("line-length", LARGE, EVERY + TWICE, place_on(server, None)) as world:
        before = set(blocks(server, "dn1"))
        code = world.run(failpoint=FIRST_KILL)
        check(code == -9, "%d %s" % (code, world.log_text()))
        check(not found_bad(server), "damage before it was made")
        added = [path for path in blocks(server, "dn1") if path not in before]
        check(len(added) > 5, "%d blocks" % len(added))
        for path in added:
            if os.path.getsize(path) > 0:
                flip(path, os.path.getsize(path) // 2)

        world.check_whole()
        code = world.run()

        check(code == 0, "%d %s" % (code, world.log_text()))
        world.check_end(expected)
        bad = set(found_bad(server))
        check(bad == {"127.0.0.1:" + server.facts["DN1_XFER"]}, "read around: %s" % bad)


@case
def damage_of_the_only_replica_is_named_and_restores_nothing():
    server = cluster()
    with World("wordcount", WORDS, ["--checkpoint-every", "500"], place_on(server, None)) as world:
        code = world.run(failpoint="worker.record=2600*off->1*kill")
        check(code == -9, world.log_text())
        world.check_whole()
        newest = max(world.manifests())
        key = next(file["key"] for operator in world.manifests()[newest]["operators"]
                   for subtask in operator["subtasks"] for file in subtask["files"]
                   if int(file["size"]) > 0)
        data = world.read_object(key)
        path = block_of(server, data)
        flip(path, len(data) // 2)

        environment = world.place.environment
        fails(cairn(environment, "verify", world.uri), 4, key)
        to = os.path.join(world.root, "restored")
        line = fails(cairn(environment, "restore", "%s@%d" % (world.uri, newest), to), 4, key)
        check("damaged or lost" in line, line)
        code = world.run()
        lines = [text for text in world.log_text().splitlines() if text.startswith("cairn: ")]
        check(code == 4 and len(lines) == 1 and key in lines[0], "%d %s" % (code, world.log_text()))

        flip(path, len(data) // 2)
        world.finish(Expected.of("wordcount", WORDS, ["--checkpoint-every", "500"]))


if __name__ == "__main__":
    sys.exit(main())
