#!/usr/bin/env python3
"""Checks the Promela model of the checkpoint protocol with spin, and that its mutants fail.

    run_model.py [--quick] [--jobs N] [--only TEXT] [--trail]

One line for each configuration, then `N passed, N failed`; exit 1 if anything is not as expected,
2 if a tool is missing. Works in a temporary folder and leaves nothing behind.
"""

import argparse
import concurrent.futures
import dataclasses
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

MODEL = pathlib.Path(__file__).resolve().with_name("checkpoint.pml")

MEMORY_MIB = 2000
DEPTH = 100000
MUTANT_SECONDS = 300
CORRECT_SECONDS = 3600

HOLDS, REFUTED = "holds", "refuted"


@dataclasses.dataclass(frozen=True)
class Run:
    """One compilation of the model and one search of it."""

    name: str
    defines: str
    expect: str = HOLDS
    quick: bool = True
    big: bool = False  # needs most of the memory bound: runs alone
    reach: bool = False  # every statement of the model must be reached
    partial_minutes: int = 0  # a bitstate search with a time limit instead of an exhaustive one


CORRECT = [
    Run("four attempts", "E=4 N=1 STEP"),
    Run("three attempts, three checkpoints", "E=3 N=3"),
    Run("three attempts, late creates", "E=3 N=2 STEP TRANSIT"),
    Run("three attempts, n+1 ahead", "E=3 N=2 STEP AHEAD"),
    Run("three attempts, savepoint, gc", "E=3 N=1 STEP SAVEPOINT GCS=1"),
    Run("n+1 ahead, gc", "E=2 N=3 STEP AHEAD GCS=1", reach=True),
    Run("n+1 ahead, late creates", "E=2 N=3 AHEAD TRANSIT"),
    Run("savepoint, late creates, gc", "E=2 N=2 STEP SAVEPOINT TRANSIT GCS=1", quick=False),
    Run("savepoint, gc", "E=2 N=2 STEP SAVEPOINT GCS=1", reach=True),
    Run("two workers", "E=2 N=1 W=2"),
    Run("two workers, one attempt, gc", "E=1 N=2 W=2 GCS=1"),
    Run("four checkpoints", "E=2 N=4"),
    Run("two gc at once", "E=2 N=1 STEP GCS=2"),
    Run("two gc at once, two checkpoints", "E=2 N=2 STEP GCS=2", quick=False),
    Run("two gc at once, n+1 ahead", "E=2 N=2 STEP AHEAD GCS=2", quick=False),
    Run("three checkpoints, savepoint, gc", "E=2 N=3 STEP SAVEPOINT GCS=1", quick=False, big=True),
    Run("three attempts, gc", "E=3 N=2 STEP GCS=1", quick=False, big=True),
    Run("two workers, two checkpoints", "E=2 N=2 W=2", quick=False, big=True),
    Run("two workers, gc", "E=2 N=1 W=2 GCS=1", quick=False, big=True),
    Run("everything at once (bitstate, not exhaustive)",
        "E=3 N=3 STEP AHEAD TRANSIT SAVEPOINT GCS=2", quick=False, big=True, partial_minutes=3),
]

MUTANTS = [
    # Epochs and the head.
    Run("READ_BEFORE_CLAIM", "E=2 N=2", REFUTED),
    Run("HEAD_IS_HIGHEST_ID", "E=3 N=2", REFUTED),
    Run("NO_LOOK_AFTER_START", "E=4 N=1", REFUTED),
    Run("NO_LOOK_AFTER_READ", "E=4 N=1 STEP"),
    Run("NO_FIRST_ID", "E=3 N=2 STEP GCS=1", REFUTED),
    # The decision on n.
    Run("OVERWRITE", "E=2 N=2", REFUTED),
    Run("ABORT_WITHOUT_KEY", "E=1 N=2", REFUTED),
    Run("TAKEN_KEY_NOT_COMPARED", "E=1 N=1", REFUTED),
    Run("NO_LOOK_AFTER_COMMIT", "E=2 N=1", REFUTED),
    Run("NO_LOOK_AFTER_ABORT", "E=2 N=2", REFUTED),
    Run("LOWER_IDS_UNDECIDED", "E=1 N=2 AHEAD", REFUTED),
    Run("BASE_UNCONFIRMED", "E=1 N=2 AHEAD", REFUTED),
    Run("KEYS_WITHOUT_EPOCH", "E=2 N=2 GCS=1", REFUTED),
    Run("COMMIT_WITHOUT_ALL_PARTS", "E=1 N=1 W=2", REFUTED),
    # Output.
    Run("PUBLISH_BEFORE_COMMIT", "E=1 N=1", REFUTED),
    Run("PUBLISH_LATE", "E=1 N=2", REFUTED),
    Run("HEAD_NOT_PUBLISHED", "E=2 N=2", REFUTED),
    # Retention by the living writer.
    Run("NO_CERTIFICATE", "E=1 N=2", REFUTED),
    Run("NO_LOOK_AFTER_CERTIFICATE", "E=2 N=2 STEP", REFUTED),
    Run("NO_BOUNDARY", "E=2 N=2", REFUTED),
    Run("ALL_CERTIFICATES_COUNT", "E=2 N=2 STEP", REFUTED),
    Run("RETENTION_IGNORES_IN_FLIGHT", "E=1 N=3 AHEAD", REFUTED),
    Run("BASE_NOT_PINNED", "E=2 N=3 AHEAD GCS=1", REFUTED),
    Run("DATA_BEFORE_MANIFEST", "E=2 N=3 STEP AHEAD"),
    # GC from outside.
    Run("GC_ON_CLAIM_ALONE", "E=2 N=2 GCS=1", REFUTED),
    Run("GC_WITH_CLAIM_PENDING", "E=3 N=2 STEP GCS=1", REFUTED),
    Run("GC_TOUCHES_LIVING", "E=1 N=1 GCS=1", REFUTED),
    Run("GC_RETIRES_TO_HEAD", "E=2 N=3 AHEAD GCS=1", REFUTED),
    Run("GC_FREES_LIVING_IDS", "E=2 N=2 GCS=1", REFUTED),
    Run("GC_NO_LOOK_AFTER_CERTIFICATE", "E=3 N=2 STEP GCS=1", REFUTED),
    Run("GC_NO_SECOND_CLAIMS", "E=2 N=2 STEP AHEAD GCS=1"),
    Run("GC_MANIFESTS_FIRST", "E=2 N=2 STEP AHEAD GCS=1"),
    # Savepoints.
    Run("SAVEPOINT_IS_PARENT", "E=2 N=2 SAVEPOINT", REFUTED),
    Run("SAVEPOINT_NOT_CHECKED", "E=3 N=1 SAVEPOINT GCS=1", REFUTED),
    Run("NO_LOOK_AFTER_SAVEPOINT", "E=3 N=1 SAVEPOINT GCS=1", REFUTED),
    Run("GC_IGNORES_SAVEPOINTS", "E=2 N=1 SAVEPOINT GCS=1", REFUTED),
]


class Surprise(Exception):
    """Something other than a verdict came out of a run."""


class Tools:
    """The programs that run now, so that an interrupt can end them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = set()
        self.stopped = False

    def start(self, command, folder):
        with self.lock:
            if self.stopped:
                raise Surprise("interrupted")
            child = subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
            self.running.add(child)
            return child

    def stop(self):
        with self.lock:
            self.stopped = True
            for child in self.running:
                child.kill()


TOOLS = Tools()


def call(command, folder, seconds):
    """Runs one tool; its output, or Surprise with the end of it."""
    child = TOOLS.start(command, folder)
    try:
        output = child.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired as late:
        child.kill()
        child.wait()
        raise Surprise(f"{command[0]}: no end after {seconds} s") from late
    finally:
        TOOLS.running.discard(child)
    if child.returncode != 0:
        lines = output.strip().splitlines() or [f"exit status {child.returncode}"]
        raise Surprise(f"{command[0]}: {lines[-1]}")
    return output


def build(run, mutant, folder):
    """Generates and compiles the verifier of `run` in `folder`."""
    defines = [f"-D{word}" for word in run.defines.split()]
    if mutant:
        defines.append(f"-DM_{run.name}")
    generated = call(["spin", "-a", *defines, str(MODEL)], folder, MUTANT_SECONDS)
    if "rror" in generated:
        raise Surprise("spin: " + generated.strip().splitlines()[0])
    flags = ["-DSAFETY", f"-DMEMLIM={MEMORY_MIB}"]
    flags.append("-DBITSTATE" if run.partial_minutes else "-DCOLLAPSE")
    if run.expect == REFUTED:
        flags.append("-DREVERSE")  # runs the processes started last first: finds overtaking soon
    level = "-O1" if run.expect == REFUTED else "-O2"  # a refutation takes less than the compiler
    call(["gcc", level, "-w", *flags, "-o", "pan", "pan.c"], folder, MUTANT_SECONDS)
    return defines


def search(run, mutant, folder):
    """Runs the verifier: (verdict, states, what was violated)."""
    command = ["./pan", "-E", f"-m{DEPTH}"]
    command += [f"-Q{run.partial_minutes}", "-w33"] if run.partial_minutes else ["-w22"]
    output = call(command, folder, MUTANT_SECONDS if mutant else CORRECT_SECONDS)
    states = re.search(r"^\s*(\S+) states, stored", output, re.M)
    errors = re.search(r"errors: (\d+)", output)
    if not states or not errors:
        raise Surprise("pan: no summary in its output")
    count = int(float(states.group(1)))
    if int(errors.group(1)) > 0:
        violated = re.search(r"pan:1: (assertion violated.*?) \(at depth", output)
        if not violated:
            raise Surprise("pan: an error that is no assertion of the model")
        return REFUTED, count, violated.group(1)
    if "max search depth too small" in output:
        raise Surprise(f"pan: the search went deeper than {DEPTH}")
    if "Search not completed" in output and not run.partial_minutes:
        raise Surprise(f"pan: the search does not fit into {MEMORY_MIB} MiB")
    if run.reach and re.search(r"unreached in proctype (worker|gc)\n(?!\t\(0 of )", output):
        raise Surprise("pan: a statement of the model is never reached")
    return HOLDS, count, ""


def trail(defines, folder):
    """The counterexample: each change of the store or of a ghost, and who made it."""
    steps = call(["spin", "-t", "-p", "-g", "-k", "checkpoint.pml.trail", *defines, str(MODEL)],
                 folder, MUTANT_SECONDS)
    who, values = "", {}
    for line in steps.split("spin: trail ends")[0].splitlines():
        step = re.match(r"\s*\d+:\s+proc\s+(\d+) \((:?\w+:?):", line)
        change = re.match(r"\t\t(\w+)(\[\d+\])? = (-?\d+)$", line)
        if step:
            who = f"{step.group(2)} {step.group(1)}"
        elif change and not change.group(1).startswith("t_"):
            name = change.group(1) + (change.group(2) or "")
            if values.get(name, "0") != change.group(3):
                values[name] = change.group(3)
                yield f"    {who}: {name} = {change.group(3)}"


def check(run, mutant, want_trail):
    """One whole configuration: (as expected, the line to print, the lines of its trail)."""
    started = time.monotonic()
    steps = []
    with tempfile.TemporaryDirectory(prefix="cairn-model-") as folder:
        try:
            defines = build(run, mutant, folder)
            verdict, states, violated = search(run, mutant, folder)
            passed = verdict == run.expect
            said = f"{states:>11,} states  {verdict}"
            if want_trail and verdict == REFUTED:
                steps = [f"    {violated}", *trail(defines, folder)]
        except Surprise as surprise:
            passed, said = False, str(surprise)
    if passed and mutant and run.expect == HOLDS:
        said += " (covered by another rule)"
    label = ("mutant " if mutant else "model  ") + run.name
    seconds = time.monotonic() - started
    mark = "ok  " if passed else "FAIL"
    return passed, f"{mark} {label} [{run.defines}]  {seconds:.1f} s  {said}", steps


def plan(options):
    """The runs of this call as (run, is a mutant), the long ones first."""
    runs = [(run, False) for run in CORRECT if run.quick or not options.quick]
    runs += [(run, True) for run in MUTANTS]
    return [(run, mutant) for run, mutant in runs if options.only in run.name]


def run_all(options):
    """Runs and reports everything that was chosen; the results."""
    results = []

    def report(result):
        results.append(result[0])
        print("\n".join([result[1], *result[2]]), flush=True)

    chosen = plan(options)
    with concurrent.futures.ThreadPoolExecutor(max(1, options.jobs)) as pool:
        pending = [pool.submit(check, run, mutant, options.trail)
                   for run, mutant in chosen if not run.big]
        try:
            for done in concurrent.futures.as_completed(pending):
                report(done.result())
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            TOOLS.stop()
            raise
    for run, mutant in chosen:
        if run.big:
            report(check(run, mutant, options.trail))
    return results


def interrupt(number, frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the smaller configurations only")
    parser.add_argument("--jobs", type=int, default=2, help="searches at once (default 2)")
    parser.add_argument("--only", default="", metavar="TEXT", help="runs whose name holds TEXT")
    parser.add_argument("--trail", action="store_true", help="print each counterexample")
    options = parser.parse_args()

    for tool in ("spin", "gcc"):
        if not shutil.which(tool):
            print(f"{tool} is not installed", file=sys.stderr)
            return 2

    signal.signal(signal.SIGTERM, interrupt)
    try:
        results = run_all(options)
    except KeyboardInterrupt:
        TOOLS.stop()
        return 130
    failed = results.count(False)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
