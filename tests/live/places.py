"""Places (see tests/support/cairn_world.py) on live servers. Each world has a prefix of its own on a
server that many worlds share.

    with places.opened("minio") as place:
        with World("wordcount", data, place=place) as world: ...
"""

import contextlib
import itertools
import os

import servers
from hdfs_plain import WebHdfs

NUMBER = itertools.count(1)


class S3Place:
    """Below a prefix of a bucket."""

    def __init__(self, server, bucket):
        self.client, self.bucket = server.client(), bucket
        self.prefix = "w%d" % next(NUMBER)
        self.uri = "s3://%s/%s" % (bucket, self.prefix)
        self.environment, self.words = server.environment(), []
        self.secrets = (server.secret, servers.CANARY)

    def keys(self, job):
        root = "%s/%s/" % (self.prefix, job)
        return {key[len(root):] for key in self.client.keys(self.bucket, root)}

    def read(self, job, key):
        return self.client.get(self.bucket, "%s/%s/%s" % (self.prefix, job, key))

    def write(self, job, key, data):
        self.client.put(self.bucket, "%s/%s/%s" % (self.prefix, job, key), data)

    def leftovers(self):
        return self.client.uploads(self.bucket, self.prefix + "/")

    def close(self):
        for key in self.client.keys(self.bucket, self.prefix + "/"):
            self.client.delete(self.bucket, key)


class HdfsPlace:
    """Below a folder. Temporaries have names of their own there and count as objects."""

    def __init__(self, server):
        self.client = WebHdfs(server.namenodes, "alice", server.facts.get("CACERT"))
        self.root = "/cairn/w%d" % next(NUMBER)
        self.uri = server.uri + self.root.removeprefix("/cairn")
        self.environment, self.words = server.environment(), server.words
        self.secrets = (servers.CANARY,)
        self.client.make_folder(self.root)

    def keys(self, job):
        root = "%s/%s/" % (self.root, job)
        return {path[len(root):] for path, _ in self.client.list(root[:-1])}

    def read(self, job, key):
        return self.client.read("%s/%s/%s" % (self.root, job, key))

    def write(self, job, key, data):
        self.client.write("%s/%s/%s" % (self.root, job, key), data)

    def leftovers(self):
        """Temporaries that stand beside the jobs, not in one."""
        found = (path[len(self.root) + 1:] for path, _ in self.client.list(self.root))
        return [path for path in found if path.startswith(".") or "/." in path]

    def close(self):
        self.client.remove(self.root)


def place_on(server, bucket):
    """A function that makes places on a server that runs."""
    if isinstance(server, servers.Hdfs):
        return lambda root: HdfsPlace(server)
    return lambda root: S3Place(server, bucket)


@contextlib.contextmanager
def opened(name):
    """Starts a server; gives the function that makes places on it."""
    with servers.SERVERS[name]() as server:
        for variable in list(os.environ):
            if variable.startswith(("AWS_", "HADOOP_")):
                del os.environ[variable]
        yield place_on(server, server.new_bucket())
