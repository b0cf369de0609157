#!/usr/bin/env python3
"""Peak memory of a worker whose state is many times its budget: 10 million keys of line-length, with
checkpoints, on a 64 MB budget. Prints the peak beside the budget and the state's size.

    worker_memory.py [KEYS] [BUDGET_MB]

Needs CAIRN_BIN. Nothing is asserted; the number goes into docs/benchmarks.md."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

KEYS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
BUDGET_MB = int(sys.argv[2]) if len(sys.argv) > 2 else 64
BIN = os.environ.get("CAIRN_BIN", "build/bench/bin/cairn")


def peak_kb(pid):
    try:
        for line in open("/proc/%d/status" % pid):
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def main():
    root = tempfile.mkdtemp(prefix="cairn-memory-")
    try:
        with open(root + "/input", "w") as file:
            for number in range(KEYS):
                file.write("key-%012d,%090d\n" % (number * 2654435761 % KEYS, number))
        process = subprocess.Popen(
            [BIN, "run", "line-length", "--input", root + "/input", "--output", root + "/out",
             "--checkpoints", "file://" + root + "/ck", "--local-dir", root + "/local",
             "--checkpoint-interval", "10s", "--quiet", "-D",
             "state.backend.rocksdb.memory.fixed-per-slot=%dmb" % BUDGET_MB])
        peak = 0
        while True:
            try:
                process.wait(0.2)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, peak_kb(process.pid))
        listed = json.loads(subprocess.check_output(
            [BIN, "list", "file://" + root + "/ck/line-length", "--json"]))
        size = max(int(row.get("bytes") or 0) for row in listed["checkpoints"])
        print(json.dumps({"keys": KEYS, "budget_mb": BUDGET_MB, "peak_rss_mb": round(peak / 1024, 1),
                          "state_mb": round(size / 1e6, 1), "exit": process.returncode}))
        return process.returncode
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
