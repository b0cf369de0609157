#!/usr/bin/env python3
"""Delegation tokens that end soon: a job renews its own in time, takes another from a file that is
replaced, and without either ends with one line.

Needs CAIRN_BIN. Arguments: names of cases. Ends with "N passed, N failed"."""

import os
import re
import sys
import time

from live_case import cairn, case, check, fails, main, servers
from cairn_world import World, wait_for
from hdfs_users import BY_TOKEN, EVERY, WORDS, UsersPlace, fetch, run_job, without_ticket

# A token that nobody renews ends after so long.
INTERVAL_S = 15
# So that a job lasts for more than one of these.
SLOW = "worker.record=sleep(12)"
STARTED = []


def cluster():
    if not STARTED:
        settings = {"dfs.namenode.delegation.token.renew-interval": str(INTERVAL_S * 1000),
                    "dfs.namenode.delegation.token.max-lifetime": "600000"}
        STARTED.append(servers.Hdfs("kerberos", settings=settings).__enter__())
    return STARTED[0]


def audited(server, command):
    """How often alice has done it, by the NameNode's own account."""
    with open(os.path.join(server.root, "log", "nn1.log"), errors="replace") as file:
        return len(re.findall(r"ugi=alice[^\n]*cmd=%s\b" % command, file.read()))


@case
def a_job_outlives_its_token_by_renewing_it():
    server = cluster()
    before = [audited(server, name) for name in ("getDelegationToken", "renewDelegationToken")]
    place = UsersPlace(server, server.words)
    begin = time.monotonic()
    with World("wordcount", WORDS, EVERY, lambda root: place) as world:
        check(world.run(failpoint=SLOW) == 0, world.log_text())
        lasted = time.monotonic() - begin
        check(lasted > INTERVAL_S + 2, "the job is too fast to tell: %.1f s" % lasted)
        world.check_reported()
    after = [audited(server, name) for name in ("getDelegationToken", "renewDelegationToken")]
    fetched, renewed = (b - a for a, b in zip(before, after))
    # Each program fetches one, and asks with a renewal how long it lasts.
    check(renewed > fetched > 0, "%d tokens, renewed %d times" % (fetched, renewed))


@case
def a_job_outlives_its_token_by_a_new_file():
    server = cluster()
    path = fetch(server, os.path.join(server.root, "job-token"))
    place = UsersPlace(server, BY_TOKEN, **without_ticket(server, path))
    with World("wordcount", WORDS, EVERY, lambda root: place) as world:
        worker = world.start(failpoint=SLOW)
        begin = time.monotonic()
        while worker.poll() is None:
            os.replace(fetch(server, path + ".new"), path)
            wait_for(lambda: worker.poll() is not None, INTERVAL_S / 3)
        check(world.end(worker) == 0, world.log_text())
        check(time.monotonic() - begin > INTERVAL_S + 2, "the job is too fast to tell")
        world.check_reported()


@case
def a_token_that_has_ended_is_told_in_one_line():
    server = cluster()
    path = fetch(server, os.path.join(server.root, "ended"), "--renewer", "alice")
    time.sleep(INTERVAL_S + 2)
    environment = without_ticket(server, path)
    for command in ("list", "verify"):
        fails(cairn(environment, command, server.uri + "/job", *BY_TOKEN), 5, "InvalidToken")
    run_job(UsersPlace(server, BY_TOKEN, **environment), lambda ended: fails(ended, 5, "InvalidToken"))


if __name__ == "__main__":
    sys.exit(main())
