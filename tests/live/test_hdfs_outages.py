#!/usr/bin/env python3
"""HDFS in trouble under a worker whose checkpoints are in it: a DataNode dies in the middle of uploads
and of a restore, the active NameNode dies and the standby takes over, safe mode is entered, the space
quota is reached. The job goes on, or ends with one clear line; the last committed checkpoint restores and
no temporary file is left.

Needs CAIRN_BIN. Arguments: names of cases. Ends with "N passed, N failed"."""

import os
import sys
import time

from live_case import FULL, cairn, case, check, fails, main, servers, works
from cairn_world import World, make_lines, wait_for
from places import place_on
from outages import LARGE, Expected, after_commits

ROUNDS = 5 if FULL else 1
WORDS = make_lines(4000, 6)
SLOW = "worker.record=sleep(1)"
# One checkpoint counts.
FIRST_KILL = "commit.confirm.after=1*kill"
EVERY = ["--checkpoint-every", "500"]
LARGE_EVERY = ["--checkpoint-every", "10000"]
TOLERANT = ["-D", "execution.checkpointing.tolerable-failed-checkpoints=100"]
# What one DataNode has the other has.
TWICE = ["-D", "cairn.hdfs.replication=2"]
STARTED = {}


def cluster(mode="plain"):
    if mode not in STARTED:
        STARTED[mode] = servers.Hdfs(mode).__enter__()
    return STARTED[mode]


def disturbed(server, job, data, words, disturb, failpoint=None):
    """One worker, one disturbance; the job goes on to its end."""
    expected = Expected.of(job, data, [word for word in words if word not in TWICE + TOLERANT])
    with World(job, data, words, place_on(server, None)) as world:
        worker = world.start(failpoint=failpoint)
        disturb(server, world, worker)
        code = world.end(worker, timeout=240)
        check(code == 0, "the worker ended with %d\n%s" % (code, world.log_text()))
        world.check_end(expected)


def uploading(world, worker):
    """Until files of a checkpoint arrive."""
    def arrives():
        return any("/shared/" in path for path, _ in world.place.client.list(world.place.root))

    check(wait_for(lambda: arrives() or worker.poll() is not None), world.log_text())
    check(worker.poll() is None, "the worker ended early\n" + world.log_text())


@case
def a_datanode_dies_in_the_middle_of_uploads():
    def disturb(server, world, worker):
        uploading(world, worker)
        server.process("kill", "dn1")
        time.sleep(3)
        server.process("start", "dn1")

    for _ in range(ROUNDS):
        disturbed(cluster(), "line-length", LARGE, LARGE_EVERY + TWICE + TOLERANT, disturb)


@case
def a_datanode_is_silent_in_the_middle_of_uploads():
    def disturb(server, world, worker):
        uploading(world, worker)
        server.process("pause", "dn1")
        time.sleep(20)
        server.process("cont", "dn1")

    disturbed(cluster(), "line-length", LARGE, LARGE_EVERY + TWICE + TOLERANT, disturb)


@case
def a_datanode_dies_in_the_middle_of_a_restore():
    server = cluster()
    expected = Expected.of("line-length", LARGE, LARGE_EVERY)
    with World("line-length", LARGE, LARGE_EVERY + TWICE, place_on(server, None)) as world:
        code = world.run(failpoint=FIRST_KILL)
        check(code == -9, "%d %s" % (code, world.log_text()))
        worker = world.start(failpoint="restore.download.file=sleep(500)")
        check(wait_for(lambda: os.path.isdir(world.local) and
                       any(names for _, _, names in os.walk(world.local))), "no restore begins")
        server.process("kill", "dn1")
        try:
            code = world.end(worker, timeout=240)
        finally:
            server.process("start", "dn1")
        check(code == 0, "exit %d\n%s" % (code, world.log_text()))
        world.check_end(expected)


def is_standby(server):
    try:
        return "standby" in server.hadoop("haadmin", "-getServiceState", "nn1")
    except servers.ServerError:
        return False


@case
def the_active_namenode_dies_and_the_standby_takes_over():
    def disturb(server, world, worker):
        after_commits(world, worker, 2)
        server.process("kill", "nn1")
        time.sleep(1)
        server.hadoop("haadmin", "-transitionToActive", "--forceactive", "nn2")

    server = cluster("ha")
    disturbed(server, "wordcount", WORDS, EVERY + TOLERANT, disturb, SLOW)
    server.process("start", "nn1")
    check(wait_for(lambda: is_standby(server)), "nn1 does not come back")

    def fails_over():
        try:
            return server.hadoop("haadmin", "-failover", "nn2", "nn1") is not None
        except servers.ServerError:
            return False  # it waits for block reports, in safe mode

    def back(server, world, worker):
        after_commits(world, worker, 2)
        check(wait_for(fails_over), "nn1 does not become active again")

    disturbed(server, "wordcount", WORDS, EVERY + TOLERANT, back, SLOW)


@case
def a_namenode_without_standby_restarts():
    def disturb(server, world, worker):
        after_commits(world, worker, 2)
        server.process("kill", "nn1")
        time.sleep(1)
        server.process("start", "nn1")

    disturbed(cluster(), "wordcount", WORDS, EVERY + TOLERANT, disturb, SLOW)


@case
def safe_mode_is_waited_for():
    def disturb(server, world, worker):
        after_commits(world, worker, 2)
        server.hadoop("dfsadmin", "-safemode", "enter")
        time.sleep(5)
        server.hadoop("dfsadmin", "-safemode", "leave")

    disturbed(cluster(), "wordcount", WORDS, EVERY + TOLERANT, disturb, SLOW)


@case
def safe_mode_that_stays_is_unavailable_and_reads_go_on():
    server = cluster()
    with World("wordcount", WORDS, EVERY, place_on(server, None)) as world:
        code = world.run(failpoint="worker.record=2600*off->1*kill")
        check(code == -9, world.log_text())
        server.hadoop("dfsadmin", "-safemode", "enter")
        try:
            world.check_whole()
            code = world.run()
            lines = [line for line in world.log_text().splitlines() if line.startswith("cairn: ")]
            check(code == 6, "exit %d\n%s" % (code, world.log_text()))
            check(len(lines) == 1 and "safe mode" in lines[0].lower(), str(lines))
        finally:
            server.hadoop("dfsadmin", "-safemode", "leave")
        world.finish(Expected.of("wordcount", WORDS, EVERY))


@case
def a_space_quota_hit_in_the_middle_of_a_file_ends_the_worker_with_one_line():
    server = cluster()
    with World("line-length", LARGE, LARGE_EVERY, place_on(server, None)) as world:
        code = world.run(failpoint=FIRST_KILL)
        check(code == -9, "%d %s" % (code, world.log_text()))
        root = world.place.root
        used = sum(status["length"] for _, status in world.place.client.list(root))
        server.hadoop("dfsadmin", "-setSpaceQuota", str(used + (4 << 20)), root)
        code = world.run()
        lines = [line for line in world.log_text().splitlines() if line.startswith("cairn: ")]
        check(code == 9, "exit %d\n%s" % (code, world.log_text()))
        check(len(lines) == 1 and "quota" in lines[0].lower(), str(lines))
        world.check_whole()
        world.check_reported()
        server.hadoop("dfsadmin", "-clrSpaceQuota", root)
        world.finish(Expected.of("line-length", LARGE, LARGE_EVERY))


@case
def a_folder_of_somebody_else_is_access():
    server = cluster()
    with World("wordcount", WORDS, EVERY, place_on(server, None)) as world:
        check(world.run() == 0, world.log_text())
        server.hadoop("fs", "-chmod", "-R", "700", world.place.root)
        bob = {"HADOOP_USER_NAME": "bob"}
        for words in (["list", world.uri], ["verify", world.uri], ["gc", world.uri, "--execute"]):
            fails(cairn(world.place.environment, *words, **bob), 5, "denied")
        works(cairn(world.place.environment, "verify", world.uri))


if __name__ == "__main__":
    sys.exit(main())
