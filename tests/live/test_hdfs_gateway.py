#!/usr/bin/env python3
"""HDFS behind a gateway: with a longer path and redirects to the gateway itself, as Apache Knox does it,
and answering in one step. No DataNode can be reached but through it.

Needs CAIRN_BIN and CAIRN_LIVE_DIR. Ends with "N passed, N failed"."""

import os
import subprocess
import sys

from live_case import BIN, FULL, case, cairn, check, fails, main, servers, works
from cairn_world import World, make_lines
from hdfs_gateway import Gateway
from outages import Expected
from places import HdfsPlace

FOLDER = os.environ.get("CAIRN_LIVE_DIR", "build/debug/tests")
WORDS = make_lines(4000, 6)
EVERY = ["--checkpoint-every", "500"]
STARTED = []


def cluster():
    if not STARTED:
        STARTED.append(servers.Hdfs().__enter__())
    return STARTED[0]


def nowhere(server):
    """A map that makes every DataNode unreachable: nobody listens at port 1."""
    return ",".join("%s=127.0.0.1:1" % server.facts[name].split("://")[1]
                    for name in ("DN1_URL", "DN2_URL"))


def words(gateway):
    return ["-D", "cairn.hdfs.path-prefix=" + gateway.PREFIX,
            "-D", "cairn.hdfs.datanode-map=" + nowhere(cluster())]


class GatewayPlace(HdfsPlace):
    """Looked at past the gateway."""

    def __init__(self, gateway):
        super().__init__(cluster())
        self.uri, self.words = gateway.uri(self.root), words(gateway)


def contract(gateway):
    env = servers.clean_environment(
        **cluster().environment(), CAIRN_HDFS_USER="alice", CAIRN_HDFS_PREFIX=gateway.PREFIX,
        CAIRN_HDFS_MAP=nowhere(cluster()), CAIRN_HDFS_RACES="200" if FULL else "5",
        **{} if FULL else {"CAIRN_HDFS_LISTED": "60"})
    env["CAIRN_HDFS_URI"] = gateway.uri("/cairn")
    env.pop("CAIRN_HDFS_NAMENODES")
    done = subprocess.run([os.path.join(FOLDER, "test_hdfs_contract")], env=env, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check(done.returncode == 0, done.stdout.decode(errors="replace")[-4000:])


@case
def the_contract_of_a_store_holds_behind_a_gateway():
    for one_step in (False, True) if FULL else (False,):
        with Gateway(cluster().namenodes[0], one_step) as gateway:
            contract(gateway)
            for operation in ("CREATE", "OPEN", "RENAME", "LISTSTATUS_BATCH", "DELETE"):
                check(gateway.count(operation) > 0, "no %s came" % operation)
            check((gateway.count("data") == 0) == one_step, "not the steps of this gateway")


def run_and_restore(one_step):
    expected = Expected.of("wordcount", WORDS, EVERY)
    with Gateway(cluster().namenodes[0], one_step) as gateway, \
            World("wordcount", WORDS, EVERY, lambda root: GatewayPlace(gateway)) as world:
        code = world.run(failpoint="worker.record=2600*off->1*kill")
        check(code == -9, "%d %s" % (code, world.log_text()))
        world.check_whole()
        world.finish(expected)
        check((gateway.count("data") == 0) == one_step, "not the steps of this gateway")


@case
def a_job_runs_and_restores_behind_a_gateway():
    run_and_restore(False)


@case
def a_job_runs_and_restores_behind_a_gateway_of_one_step():
    run_and_restore(True)


@case
def a_gateway_that_asks_for_time_gets_it():
    with Gateway(cluster().namenodes[0]) as gateway:
        place = GatewayPlace(gateway)
        try:
            with World("wordcount", WORDS, EVERY, lambda root: place) as world:
                check(world.run() == 0, world.log_text())
                for command in (["list", world.uri], ["verify", world.uri]):
                    gateway.get_busy()
                    works(cairn(place.environment, *command, *place.words))
                    check(gateway.turned_away == 1, "it was never busy")
                    check(gateway.too_early == 0, "%d requests too early" % gateway.too_early)
        finally:
            place.close()


@case
def a_wrong_prefix_is_told():
    with Gateway(cluster().namenodes[0]) as gateway:
        environment = cluster().environment()
        fails(cairn(environment, "list", gateway.uri("/cairn/none")), 5, "prefix")
        fails(cairn(environment, "list", gateway.uri("/cairn/none"), "-D",
                    "cairn.hdfs.path-prefix=/gateway/other/webhdfs/v1"), 5, "prefix")


if __name__ == "__main__":
    check(os.path.exists(BIN), "no " + BIN)
    sys.exit(main())
