"""What the tests about who asks HDFS share: places with words and environments of their own, a small job,
and tokens that Hadoop's own tool fetches."""

import os
import re
import shutil

from live_case import cairn, servers, works
from cairn_world import make_lines
from places import HdfsPlace

WORDS = make_lines(2000, 6)
EVERY = ["--checkpoint-every", "500"]
BY_TOKEN = ["-D", "cairn.hdfs.auth=token"]


class UsersPlace(HdfsPlace):
    """With words and an environment of the test's own."""

    number = 0

    def __init__(self, server, words, **environment):
        UsersPlace.number += 1
        self.client, self.server = None, server
        self.root = "/cairn/u%d" % UsersPlace.number
        self.uri = server.uri + self.root.removeprefix("/cairn")
        self.words, self.secrets = words, (servers.CANARY,)
        self.environment = dict(server.environment(), **environment)

    def files(self):
        """(owner, path) of all below, by Hadoop's own tool."""
        listed = self.server.hadoop("fs", "-ls", "-R", self.root)
        return [(line.split()[2], line.split()[-1]) for line in listed.splitlines()
                if re.match(r"[-d][-rwx]{9} ", line)]

    def close(self):
        self.server.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", self.root)


def run_job(place, ended=works, **more):
    """The small job, with its files in a folder of its own."""
    folder = servers.new_folder()
    try:
        path = os.path.join(folder, "input.txt")
        with open(path, "wb") as file:
            file.write(WORDS)
        return ended(cairn(place.environment, "run", "wordcount", "--input", path, "--output",
                           os.path.join(folder, "out"), "--checkpoints", place.uri, *EVERY,
                           *place.words, **more))
    finally:
        shutil.rmtree(folder)


def fetch(server, path, *words):
    """A token of alice's, by Hadoop's own tool."""
    cache = server.ticket("alice", "alice")
    server.jvm["KRB5CCNAME"] = cache
    server.hadoop("fetchdt", *words, path)
    return path


def without_ticket(server, path):
    return dict(server.environment(), HADOOP_TOKEN_FILE_LOCATION=path,
                KRB5CCNAME="FILE:" + os.path.join(server.root, "no-cache"))
