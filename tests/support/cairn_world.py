"""What the scripted tests share: a job in scratch folders, its store read with plain calls, and the
invariants of the project checked on it. Python's standard library only; no code of the product.

Where the checkpoints are is a place: a Folder of the world, unless the test names another kind (live
servers: tests/live/places.py). A place has `uri`, `environment` and `words` of the command line for the
programs that use it, `secrets` that may be in no output, keys(job), read(job, key), leftovers() and
close()."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

BIN = os.environ.get("CAIRN_BIN", "build/debug/bin/cairn")


def make_lines(count, seed):
    """Lines of words from a skewed vocabulary, the same for the same arguments on any machine."""
    state = seed
    lines = []
    for _ in range(count):
        words = []
        for _ in range(6):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            rank = int((state >> 33) / 2**31 * 1000) ** 2 // 400
            words.append("w%d" % rank)
        lines.append(" ".join(words))
    return ("\n".join(lines) + "\n").encode()


class Failure(Exception):
    """An invariant does not hold."""


class Folder:
    """Checkpoints in a folder."""

    secrets = ()

    def __init__(self, root):
        self.path = os.path.join(root, "checkpoints")
        self.uri = "file://" + self.path
        self.environment, self.words = {}, []

    def keys(self, job):
        """Of all objects below the job, relative."""
        root = os.path.join(self.path, job)
        return {os.path.relpath(os.path.join(folder, name), root)
                for folder, _, names in os.walk(root) for name in names}

    def read(self, job, key):
        with open(os.path.join(self.path, job, key), "rb") as file:
            return file.read()

    def leftovers(self):
        """What writers have begun, not ended and not removed."""
        folder = os.path.join(self.path, ".cairn-tmp")
        return os.listdir(folder) if os.path.isdir(folder) else []

    def close(self):
        """The world's folder goes with the world."""


@contextlib.contextmanager
def opened_place(server):
    """The function that makes places beside a live server, which is started; of folders for None."""
    if server is None:
        yield Folder
        return
    import places
    with places.opened(server) as place:
        yield place


class World:
    """One job: input, output, checkpoints, and a local folder that is new for each run of a worker.
    `place`: a function that makes a place, from the folder of the world. `program`: what is run, if the
    job's name does not say it."""

    program = None

    def __init__(self, job, data, extra=(), place=Folder):
        self.root = tempfile.mkdtemp(prefix="cairn-world-")
        self.place = place(self.root)
        self.job = job
        self.extra = list(extra)
        self.runs = 0
        self.reported = 0
        self.input = os.path.join(self.root, "input.txt")
        with open(self.input, "wb") as file:
            file.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.place.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    @property
    def uri(self):
        return self.place.uri + "/" + self.job

    def environment(self):
        env = dict(os.environ, **self.place.environment)
        env.pop("CAIRN_FAILPOINT", None)
        return env

    def start(self, failpoint=None, trace=None, extra=()):
        """A worker on an empty local disk; stderr goes to a file."""
        self.runs += 1
        self.local = self.path("local-%d" % self.runs)
        self.log = self.path("log-%d" % self.runs)
        env = self.environment()
        if failpoint:
            env["CAIRN_FAILPOINT"] = failpoint
        if trace:
            env["CAIRN_FAILPOINT_TRACE"] = trace
        command = [BIN, "run", self.program or self.job, "--input", self.input, "--output", self.path("out"),
                   "--checkpoints", self.place.uri,
                   "--local-dir", self.local] + self.place.words + self.extra + list(extra)
        with open(self.log, "wb") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    env=env, start_new_session=True)

    def end(self, process, timeout=120):
        """Waits; a worker that hangs is a failure. Then its local disk is lost."""
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Failure("the worker hangs:\n" + self.log_text())
        for match in re.finditer(r"checkpoint (\d+) committed", self.log_text()):
            self.reported = max(self.reported, int(match.group(1)))
        self.check_secrets(self.log_text())
        shutil.rmtree(self.local, ignore_errors=True)
        return code

    def run(self, **options):
        return self.end(self.start(**options))

    def log_text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def kill(self, process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def check_secrets(self, text):
        """I7"""
        for secret in self.place.secrets:
            if secret in text:
                raise Failure("a secret is in the output:\n" + text)

    def command(self, *arguments):
        done = subprocess.run([BIN] + list(arguments) + self.place.words, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=120, env=self.environment())
        err = done.stderr.decode(errors="replace")
        self.check_secrets(err + done.stdout.decode(errors="replace"))
        return done.returncode, done.stdout, err

    def output(self):
        """Everything that was published, in the order of the names."""
        folder = self.path("out")
        parts = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        for name in parts:
            if not re.fullmatch(r"part-\d{12}-\d{5}", name):
                raise Failure("the output holds %s" % name)
        return b"".join(open(os.path.join(folder, name), "rb").read() for name in parts)

    def objects(self):
        """Keys below the job root, relative."""
        return self.place.keys(self.job)

    def read_object(self, key):
        return self.place.read(self.job, key)

    def manifests(self):
        """Standing manifests by id; their seals are checked with hashlib."""
        found = {}
        for key in self.objects():
            match = re.fullmatch(r"chk-(\d+)/manifest\.json", key)
            if match:
                found[int(match.group(1))] = parse_sealed(key, self.read_object(key))
        return found

    def check_objects(self, in_flight=False):
        """I2, I3, I5: what a standing commit names is there and whole; with in_flight false, nothing
        else is there."""
        objects = self.objects()
        named = set()
        for manifest in self.manifests().values():
            for operator in manifest.get("operators", []):
                for subtask in operator["subtasks"]:
                    named.add("chk-%s/%s/%d/%s-%s-part.json" % (
                        manifest["id"], operator["uid"], subtask["index"], manifest["epoch"],
                        subtask["attempt"]))
                    for file in files_of(subtask):
                        named.add(file["key"])
                        self.check_file(file, objects)
        if in_flight:
            return
        for key in objects - named:
            # What a killed worker's probe of the store has left goes after an hour.
            if not re.fullmatch(r"epochs/\d+/(claim|start)\.json|gc/\d+-[0-9a-f]+\.json|"
                                r"chk-\d+/manifest\.json|probe/[0-9a-f]+/\d+", key):
                raise Failure("%s is garbage" % key)
        leftovers = self.place.leftovers()
        if leftovers:
            raise Failure("left over in the store: %s" % leftovers)

    def check_file(self, file, objects):
        if file["key"] not in objects:
            raise Failure("%s is named by a manifest and is not there" % file["key"])
        data = self.read_object(file["key"])
        offset, size = int(file["offset"]), int(file["size"])
        if hashlib.sha256(data[offset:offset + size]).hexdigest() != file["sha256"]:
            raise Failure("%s is damaged" % file["key"])

    def check_reported(self):
        """I2: what was reported as committed counts, or was retired by something newer that counts."""
        if self.reported == 0:
            return
        code, out, err = self.command("list", self.uri, "--json")
        if code != 0:
            raise Failure("list: %d %s" % (code, err))
        counting = [int(row["id"]) for row in json.loads(out)["checkpoints"] if row["counts"]]
        if not counting or max(counting) < self.reported:
            raise Failure("checkpoint %d was reported, %s count" % (self.reported, counting))

    def check_whole(self):
        code, _, err = self.command("verify", self.uri)
        if code != 0:
            raise Failure("verify: %d %s" % (code, err))

    def finish(self, expected):
        """Runs without faults to the end and checks everything."""
        code = self.run()
        if code != 0:
            raise Failure("the last run ended with %d\n%s" % (code, self.log_text()))
        self.check_end(expected)
        if self.run() != 0 or self.output() != expected:
            raise Failure("a run after the end changed the output\n" + self.log_text())

    def check_end(self, expected):
        """Of a job that has ended: the output, the store, and the store after garbage collection."""
        if self.output() != expected:
            raise Failure("the published output differs from that of the undisturbed run")
        self.check_whole()
        self.check_reported()
        code, _, err = self.command("gc", self.uri, "--execute", "--stale-after", "0ms")
        if code != 0:
            raise Failure("gc: %d %s" % (code, err))
        self.check_objects()


def files_of(subtask):
    """All that a subtask of a manifest names."""
    states = subtask.get("operator_states")
    return subtask["files"] + subtask["outputs"] + ([states["file"]] if states else [])


def parse_sealed(key, data):
    body, last = data[:-1].rsplit(b"\n", 1)
    body += b"\n"
    match = re.fullmatch(rb'\s*"sha256": "([0-9a-f]{64})"\s*\}', last)
    if not match or hashlib.sha256(body).hexdigest() != match.group(1).decode():
        raise Failure("%s has a broken seal" % key)
    return json.loads(data)


def wait_for(condition, timeout=60):
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False
