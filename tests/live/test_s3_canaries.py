#!/usr/bin/env python3
"""Marked secrets go in by every way that a user has; none comes out: not in a log, an error, an object of
the store, --json, a local file, a command line, or a core.

Needs CAIRN_BIN. Ends with "N passed, N failed"."""

import json
import os
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile

from live_case import BIN, cairn, case, check, main, servers
from cairn_world import World, make_lines, wait_for

DATA = make_lines(3000, 4)
EVERY = ["--checkpoint-every", "500", "--log-level", "debug"]


class Ways:
    """A server, and for each way in: environment and words of a program that uses it. Every secret of a
    way is in `marks`."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.bucket = server.new_bucket()
        self.base = server.environment()
        self.marks = {server.secret, servers.CANARY}

    def without(self, **more):
        return dict(self.base, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", **more)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
            file.write(text)
        return path

    def by_environment(self):
        return self.base, []

    def by_session(self):
        key, secret, token = self.server.client().assume_role()
        self.marks |= {secret, token, token[20:60]}
        return dict(self.base, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret,
                    AWS_SESSION_TOKEN=token), []

    def by_profile(self):
        path = self.write("credentials", "[team]\naws_access_key_id = %s\naws_secret_access_key = %s\n"
                          % (self.server.key, self.server.secret))
        return self.without(AWS_SHARED_CREDENTIALS_FILE=path, AWS_PROFILE="team"), []

    def by_process(self):
        answer = self.write("answer", json.dumps({
            "Version": 1, "AccessKeyId": self.server.key, "SecretAccessKey": self.server.secret}))
        path = self.write("config", "[profile tool]\ncredential_process = /bin/cat %s\n" % answer)
        return self.without(AWS_CONFIG_FILE=path, AWS_PROFILE="tool"), []

    def by_configuration(self):
        path = self.write("config.yaml", "s3:\n  access-key: %s\n  secret-key: %s\n"
                          % (self.server.key, self.server.secret))
        return self.without(), ["--conf", path]

    def by_wrong_secret(self):
        wrong = servers.CANARY + secrets.token_hex(8)
        return dict(self.base, AWS_SECRET_ACCESS_KEY=wrong), []

    def by_wrong_token(self):
        wrong = servers.CANARY + secrets.token_hex(40)
        return dict(self.base, AWS_SESSION_TOKEN=wrong), []


def look(ways, what, text):
    for mark in ways.marks:
        check(mark not in text, "%s holds %s..." % (what, mark[:6]))


def look_into_folder(ways, folder):
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                look(ways, name, file.read().decode(errors="replace"))


def look_into_store(ways):
    client = ways.server.client()
    for key in client.keys(ways.bucket):
        look(ways, key, key + client.get(ways.bucket, key).decode(errors="replace"))


def look_at_process(ways, process):
    """Its command line and its title; its environment is its own."""
    for name in ("cmdline", "comm", "status"):
        with open("/proc/%d/%s" % (process.pid, name), "rb") as file:
            look(ways, "/proc/PID/" + name, file.read().decode(errors="replace"))


def use(ways, way, expected):
    """A worker and every command that reads; what they say and leave is looked at."""
    environment, words = getattr(ways, way)()
    place = type("Place", (), {"uri": "s3://%s/%s" % (ways.bucket, way), "environment": environment, "words": [],
                               "secrets": tuple(ways.marks), "close": lambda self: None})
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    with World("wordcount", DATA, EVERY + words, place=lambda root: place()) as world:
        worker = world.start(failpoint="worker.record=sleep(1)")
        wait_for(lambda: world.log_text().count("committed") > 1 or worker.poll() is not None)
        if worker.poll() is None:
            look_at_process(ways, worker)
            look_into_folder(ways, world.local)
        code = world.end(worker)
        check((code == 0) == expected, "%s: exit %d: %s" % (way, code, world.log_text()))
        look(ways, "the log", world.log_text())
        for command in (["list"], ["show"], ["verify"], ["scan"], ["gc"], ["doctor"]):
            for more in ([], ["--json"]):
                target = place.uri if command == ["doctor"] else world.uri
                ended = cairn(environment, *command, target, *more, *words)
                check(ended.code != 2, ended.err)
                look(ways, " ".join(command + more), ended.out + ended.err)


@case
def no_secret_comes_out_by_any_way():
    with servers.Minio() as server, tempfile.TemporaryDirectory() as folder:
        ways = Ways(server, folder)
        for way in ("by_environment", "by_session", "by_profile", "by_process", "by_configuration"):
            use(ways, way, True)
        for way in ("by_wrong_secret", "by_wrong_token"):
            use(ways, way, False)
        look_into_store(ways)


@case
def a_secret_on_the_command_line_is_refused_and_not_repeated():
    with servers.Minio() as server:
        ended = cairn(server.environment(), "list", "s3://b/ck/wordcount", "-D",
                      "s3.secret-key=" + servers.CANARY)
        check(ended.code == 2 and servers.CANARY not in ended.err, ended.err)


@case
def a_crash_leaves_no_core():
    """Where the system would write one: the limit is the process's own."""
    with servers.Minio() as server:
        bucket = server.new_bucket()
        folder = tempfile.mkdtemp(prefix="cairn-core-")
        try:
            with open(os.path.join(folder, "input"), "wb") as file:
                file.write(DATA)
            process = subprocess.Popen(
                [BIN, "run", "wordcount", "--input", "input", "--output", "out", "--checkpoints",
                 "s3://%s/ck" % bucket, *EVERY], cwd=folder, stdin=subprocess.DEVNULL,
                env=servers.clean_environment(CAIRN_FAILPOINT="worker.record=sleep(5)",
                                              **server.environment()),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE,
                                                      (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2))
            for line in process.stderr:
                if b"committed" in line:
                    break
            with open("/proc/%d/limits" % process.pid) as file:
                limit = next(line for line in file if line.startswith("Max core file size"))
            process.send_signal(signal.SIGABRT)
            process.stderr.read()
            process.wait()
            check(limit.split()[4] == "0", "core files are allowed: " + limit)
            check(not [name for name in os.listdir(folder) if "core" in name], "a core")
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
