#!/usr/bin/env python3
"""The HDFS store beside Hadoop's FsShell over webhdfs:// and hdfs:// and the PyPI package "hdfs", at a
cluster of its own in memory: a NameNode and a DataNode.

    bench_hdfs.py [--rounds N] [--realtime] [--tls] [--clients NAME,...]

With --tls all but hdfs:// is by https, which the data of hdfs:// has no part in.

Needs bench_store (CAIRN_BENCH_DIR), python3 with hdfs 2.7 (CAIRN_BENCH_PYTHON), Hadoop's jars (get_servers.sh
fetches them). FsShell's own start, measured by "-help", is taken off its figures. Prints rows for
docs/benchmarks.md, measurements to stderr."""

import argparse
import os
import shutil
import ssl
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "tests", "live")]
import servers  # noqa: E402
import side_by_side as bench  # noqa: E402

STORE = os.path.join(os.environ.get("CAIRN_BENCH_DIR", "build/bench/bin"), "bench_store")
PYTHON = os.environ.get("CAIRN_BENCH_PYTHON", sys.executable)
COUNT, SIZE, PARALLEL = 16, 64 << 20, 4
SETTINGS = {"dfs.replication": "1", "dfs.blocksize": str(128 << 20)}


class Place:
    def __init__(self, server, folder):
        self.server, self.round = server, 0
        self.source, self.back = folder + "/source", folder + "/back"
        self.environment = servers.clean_environment(
            **server.environment(), HDFS_LIB=servers.HADOOP, HDFS_JVM_EXTRA="-XX:TieredStopAtLevel=4")
        self.names = ["f%05d" % number for number in range(COUNT)]
        handlers = [urllib.request.ProxyHandler({})]
        if "CACERT" in server.facts:
            ca = server.facts["CACERT"]
            self.environment["REQUESTS_CA_BUNDLE"] = ca
            handlers.append(urllib.request.HTTPSHandler(
                context=ssl.create_default_context(cafile=ca)))
        self.opener = urllib.request.build_opener(*handlers)

    def there(self):
        return "/cairn/round-%d" % self.round

    def web(self):
        """As Hadoop and cairn write it: webhdfs://host:port, swebhdfs://host:port."""
        scheme, rest = self.server.facts["NN1_URL"].split("://")
        return {"http": "webhdfs", "https": "swebhdfs"}[scheme] + "://" + rest

    def cairn(self, verb):
        def make():
            uri = self.web() + self.there()
            return [STORE, verb, uri, self.source if verb == "put" else self.back, str(COUNT),
                    str(SIZE), str(PARALLEL)], self.environment
        return make

    def python(self, verb):
        def make():
            return [PYTHON, os.path.join(HERE, "peer_hdfs.py"), verb, self.server.facts["NN1_URL"],
                    "alice", self.there(), self.source if verb == "put" else self.back, str(COUNT),
                    str(PARALLEL)], self.environment
        return make

    def shell(self, *words):
        return ["bash", os.path.join(servers.HERE, "hdfs", "hdfs-cli.sh"), self.server.root, "fs",
                *words], self.environment

    def hadoop(self, scheme, verb):
        """-t: the files side by side."""
        base = "hdfs://" if scheme == "hdfs" else self.web()

        def make():
            here = self.source if verb == "put" else self.back
            sources = ["%s/%s" % (here if verb == "put" else base + self.there(), name)
                       for name in self.names]
            return self.shell("-" + verb, "-t", str(PARALLEL), *sources,
                              base + self.there() if verb == "put" else here)
        return make

    def clients(self, verb):
        web = "FsShell %s://" % self.web().split(":")[0]
        return {"cairn": self.cairn(verb), web: self.hadoop("webhdfs", verb),
                "FsShell hdfs://": self.hadoop("hdfs", verb), "hdfs (PyPI)": self.python(verb)}

    def next_round(self, _):
        """Blocks are freed by the DataNode when it hears of it: give it time."""
        self.ask("DELETE", self.there() + "?op=DELETE&recursive=true")
        self.round += 1
        self.ask("PUT", self.there() + "?op=MKDIRS")
        time.sleep(1)

    def ask(self, method, words):
        url = "%s/webhdfs/v1%s&user.name=alice" % (self.server.facts["NN1_URL"], words)
        self.opener.open(urllib.request.Request(url, method=method), timeout=30).close()


def start_of_shell(runs, place):
    found = runs.run({"start": lambda: place.shell("-help", "put")})["start"]
    return {key: found[key] for key in ("wall_s", "user_s", "sys_s")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--realtime", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--clients", default="", help="names; cairn is always needed")
    options = parser.parse_args()
    os.environ.update(DN_HEAP="512", HDFS_JVM_EXTRA="-XX:TieredStopAtLevel=4")
    with servers.Hdfs("tls" if options.tls else "plain", datanodes=1, settings=SETTINGS) as server:
        folder = servers.new_folder()
        bench.make_files(folder + "/source", COUNT, SIZE)
        place = Place(server, folder)
        pids = [int(server.process("pid", name)) for name in ("nn1", "dn1")]
        runs = bench.Bench(options.rounds, options.realtime, pids)
        start = start_of_shell(runs, place)
        print(bench.HEADER)
        for verb, before, after in (
                ("put", place.next_round, lambda name: None),
                ("get", lambda name: bench.empty(place.back),
                 lambda name: bench.check_files(place.back, place.source, COUNT))):
            clients = {name: make for name, make in place.clients(verb).items()
                       if not options.clients or name in options.clients.split(",")}
            results = runs.run(clients, before, after)
            for name, found in results.items():
                if name.startswith("FsShell"):
                    found.update({key: found[key] - start[key] for key in start})
            bench.table("%s 64 MiB x %d" % (verb, COUNT), results, COUNT * SIZE)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
