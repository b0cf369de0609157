#!/usr/bin/env python3
"""The S3 store beside awscrt, boto3 and rclone, at a MinIO of its own in memory, http and https.

    bench_s3.py [--rounds N] [--realtime] [--only TEXT] [--clients NAME,...] [--verbs put,get]

Needs bench_store (CAIRN_BENCH_DIR), python3 with boto3 and awscrt (CAIRN_BENCH_PYTHON), rclone 1.76 (RCLONE,
"go install github.com/rclone/rclone@v1.76.0"). Prints rows for docs/benchmarks.md, measurements to
stderr."""

import argparse
import os
import re
import shutil
import sys
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "tests", "live")]
import servers  # noqa: E402
import side_by_side as bench  # noqa: E402

STORE = os.path.join(os.environ.get("CAIRN_BENCH_DIR", "build/bench/bin"), "bench_store")
PYTHON = os.environ.get("CAIRN_BENCH_PYTHON", sys.executable)
RCLONE = os.environ.get("RCLONE", os.path.join(servers.CACHE, "bin", "rclone"))
ROWS = [("256 KiB x 4,000", 4000, 256 << 10), ("16 MiB x 64", 64, 16 << 20), ("1 GiB x 1", 1, 1 << 30)]
PARALLEL = 8


def counter(server):
    """Requests that MinIO has answered, but for the asking itself."""
    handlers = [urllib.request.ProxyHandler({})]
    if server.ca:
        import ssl
        handlers.append(urllib.request.HTTPSHandler(
            context=ssl.create_default_context(cafile=server.ca)))
    opener = urllib.request.build_opener(*handlers)

    def count():
        with opener.open(server.url + "/minio/metrics/v3/api/requests", timeout=30) as answer:
            text = answer.read().decode()
        return sum(int(float(value)) for value in
                   re.findall(r"^minio_api_requests_total\{[^}]*type=\"s3\"[^}]*\} (\S+)", text, re.M))
    return count


class Place:
    """One server, one row of the table."""

    def __init__(self, server, row, folder):
        self.server, self.bucket, self.round = server, server.new_bucket(), 0
        self.title, self.count, self.size = row
        self.source, self.back = folder + "/source", folder + "/back"
        self.environment = servers.clean_environment(**server.environment(self.bucket))

    def prefix(self):
        return "round-%d" % self.round

    def cairn(self, verb, *more):
        def make():
            folder = self.source if verb == "put" else self.back
            return [STORE, verb, "s3://%s/%s" % (self.bucket, self.prefix()), folder,
                    str(self.count), str(self.size), str(PARALLEL), *more], self.environment
        return make

    def python(self, peer, verb):
        def make():
            folder = self.source if verb == "put" else self.back
            return [PYTHON, os.path.join(HERE, "peer_s3.py"), peer, verb, self.bucket,
                    self.prefix(), folder, str(self.count), str(self.size), str(PARALLEL)
                    ], self.environment
        return make

    def rclone(self, verb):
        def make():
            there = ":s3:%s/%s" % (self.bucket, self.prefix())
            words = [self.source, there] if verb == "put" else [there, self.back]
            command = [RCLONE, "copy", *words, "--config", os.devnull, "--no-check-dest",
                       "--s3-provider", "Minio", "--s3-env-auth", "--s3-endpoint", self.server.url,
                       "--s3-no-check-bucket", "--s3-chunk-size", "16M", "--s3-upload-cutoff", "64M",
                       "--transfers", str(PARALLEL), "--s3-upload-concurrency", str(PARALLEL),
                       "--multi-thread-streams", str(PARALLEL), "--multi-thread-cutoff", "64M",
                       "--multi-thread-chunk-size", "16M"]
            if self.server.ca:
                command += ["--ca-cert", self.server.ca]
            return command, self.environment
        return make

    def clients(self, verb):
        found = {"cairn": self.cairn(verb)}
        if verb == "put":
            if self.size <= 64 << 20:
                found["cairn+digests"] = self.cairn(verb, "digest")
            if self.server.ca:
                found["cairn+unsigned"] = self.cairn(verb, "unsigned")
        found["awscrt"] = self.python("awscrt", verb)
        found["boto3"] = self.python("boto3", verb)
        found["rclone"] = self.rclone(verb)
        return found

    def next_round(self, _):
        """Behind the server's back: a delete of each object would take longer than the put."""
        shutil.rmtree(os.path.join(self.server.data, self.bucket, self.prefix()), ignore_errors=True)
        self.round += 1

    def measure(self, options):
        runs = bench.Bench(options.rounds, options.realtime, [self.server.process.pid],
                           counter(self.server))
        for verb, before, after in (
                ("put", self.next_round, lambda name: None),
                ("get", lambda name: bench.empty(self.back),
                 lambda name: bench.check_files(self.back, self.source, self.count))):
            if verb not in options.verbs.split(","):
                continue
            clients = {name: make for name, make in self.clients(verb).items()
                       if not options.clients or name in options.clients.split(",")}
            title = "%s %s %s" % (self.server.url.split(":")[0], verb, self.title)
            print(title, file=sys.stderr, flush=True)
            bench.table(title, runs.run(clients, before, after), self.count * self.size)
        self.next_round(None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--realtime", action="store_true")
    parser.add_argument("--only", default="", help="rows whose name holds this: http 16 MiB, ...")
    parser.add_argument("--clients", default="", help="names; cairn is always needed")
    parser.add_argument("--verbs", default="put,get")
    options = parser.parse_args()
    print(bench.HEADER)
    for tls in (False, True):
        for row in ROWS:
            name = "%s %s" % ("https" if tls else "http", row[0])
            if not name.startswith(options.only) and options.only not in row[0]:
                continue
            settings = {"MINIO_PROMETHEUS_AUTH_TYPE": "public"}
            with servers.Minio(tls=tls, settings=settings) as server:
                folder = servers.new_folder()
                bench.make_files(folder + "/source", *row[1:])
                Place(server, row, folder).measure(options)
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()
