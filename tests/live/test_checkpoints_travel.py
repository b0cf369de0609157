#!/usr/bin/env python3
"""The objects of a job are copied one by one, by programs that know nothing of cairn, from HDFS to MinIO and
from there to another folder of HDFS. Each place holds the same manifests, verifies, restores to the same
files, and the job goes on from the last one.

Needs CAIRN_BIN. Ends with "N passed, N failed"."""

import hashlib
import os
import sys
import tempfile

from live_case import cairn, case, check, main, servers, works
from cairn_world import make_lines
from places import HdfsPlace, S3Place

JOB = "wordcount"
EVERY = ["--checkpoint-every", "500"]


def digests(folder):
    """Path below the folder -> SHA-256 of what a restore made."""
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def copy(source, target):
    for key in sorted(source.keys(JOB)):
        target.write(JOB, key, source.read(JOB, key))


def manifests(place):
    return {key: hashlib.sha256(place.read(JOB, key)).hexdigest()
            for key in place.keys(JOB) if key.endswith("/manifest.json")}


def run(place, path, output):
    return works(cairn(place.environment, "run", "wordcount", "--input", path, "--output", output,
                       "--checkpoints", place.uri, *EVERY, *place.words))


def counts(output):
    """The last count of each word; files sort in the order of publication."""
    found = {}
    for name in sorted(os.listdir(output)):
        with open(os.path.join(output, name)) as file:
            found.update(line.rstrip("\n").split("\t") for line in file)
    return found


def counted(data):
    found = {}
    for word in "".join(c if c.isalnum() else " " for c in data.decode().lower()).split():
        found[word] = found.get(word, 0) + 1
    return {word: str(count) for word, count in found.items()}


def restored(place, folder):
    uri = "%s/%s" % (place.uri, JOB)
    works(cairn(place.environment, "verify", uri, *place.words))
    works(cairn(place.environment, "restore", uri, folder, *place.words))
    return digests(folder)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


@case
def a_checkpoint_travels_from_hdfs_to_minio_and_back():
    first, all_lines = make_lines(2000, 3), make_lines(4000, 3)
    check(all_lines.startswith(first), "the longer text begins with the shorter one")
    with tempfile.TemporaryDirectory() as folder, servers.Hdfs() as hdfs, servers.Minio() as minio:
        places = [HdfsPlace(hdfs), S3Place(minio, minio.new_bucket()), HdfsPlace(hdfs)]
        output = os.path.join(folder, "out")
        path = write(os.path.join(folder, "in"), first)
        run(places[0], path, output)
        copy(places[0], places[1])
        copy(places[1], places[2])

        found = [restored(place, os.path.join(folder, "restored-%d" % number))
                 for number, place in enumerate(places)]
        check(len(found[0]) > 3, "files were restored: %s" % found[0])
        check(found[0] == found[1] == found[2], "restores differ: %s" % found)
        check(manifests(places[0]) and
              manifests(places[0]) == manifests(places[1]) == manifests(places[2]), "manifests differ")

        write(path, all_lines)
        run(places[2], path, output)
        check(counts(output) == counted(all_lines), "the counts are wrong behind the journey")


if __name__ == "__main__":
    sys.exit(main())
