"""What the scripts of this folder share: cases whose names are sentences, and the command `cairn`
beside a server.

    @case
    def a_wrong_key_is_access(): ...
    if __name__ == "__main__":
        sys.exit(main())        arguments: names of cases, all if none
"""

import os
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import servers  # noqa: E402
from cairn_world import BIN, Failure  # noqa: E402,F401

# The counts of a release; without it those of CI.
FULL = os.environ.get("CAIRN_LIVE_FULL") == "1"
# A hang ends here.
DEADLINE_S = 150
CASES = []


def case(function):
    CASES.append(function)
    return function


class Ended:
    """A process that has ended."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.err = done.stderr.decode(errors="replace")


def cairn(environment, *words, timeout=DEADLINE_S, **more):
    """Runs it with what a server's environment() gives, changed as `more` says; None removes."""
    env = servers.clean_environment(**environment)
    env.update(more)
    env = {name: value for name, value in env.items() if value is not None}
    try:
        return Ended(subprocess.run([BIN, *map(str, words)], stdin=subprocess.DEVNULL, env=env,
                                    capture_output=True, timeout=timeout))
    except subprocess.TimeoutExpired as late:
        raise Failure("cairn %s hangs: %s" % (" ".join(map(str, words)), late.stderr)) from late


def check(condition, text):
    if not condition:
        raise Failure(text)


def works(ended):
    check(ended.code == 0, "exit %d: %s" % (ended.code, ended.err))
    return ended


def fails(ended, code, *texts):
    """Ended with `code`, and one line on stderr that holds every text (log lines come before)."""
    lines = [line for line in ended.err.splitlines() if line.startswith("cairn: ")]
    check(ended.code == code, "exit %d, wanted %d: %s" % (ended.code, code, ended.err))
    check(len(lines) == 1, "wanted one line: %r" % ended.err)
    check(not lines[0].endswith("."), lines[0])
    check(servers.CANARY not in ended.err + ended.out, "a secret: " + lines[0])
    for text in texts:
        check(text in lines[0], "%r is not in %r" % (text, lines[0]))
    return lines[0]


def main():
    wanted = sys.argv[1:]
    passed = failed = 0
    for function in CASES:
        if wanted and function.__name__ not in wanted:
            continue
        begin = time.monotonic()
        try:
            function()
            print("ok      %s (%.1f s)" % (function.__name__, time.monotonic() - begin))
            passed += 1
        except (Failure, servers.ServerError) as failure:
            print("FAILED  %s: %s" % (function.__name__, failure))
            failed += 1
        except Exception:
            print("FAILED  %s: %s" % (function.__name__, traceback.format_exc()))
            failed += 1
        sys.stdout.flush()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0
