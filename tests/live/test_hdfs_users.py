#!/usr/bin/env python3
"""Who asks HDFS: a proxy user who acts for another, by name or by a ticket, and delegation tokens from a
file of Hadoop's own.

Needs CAIRN_BIN. Arguments: names of cases. Ends with "N passed, N failed"."""

import os
import re
import sys

from live_case import cairn, case, check, fails, main, servers, works
from hdfs_users import BY_TOKEN, UsersPlace, fetch, run_job, without_ticket

AS_BOB = ["-D", "cairn.hdfs.do-as=bob"]
STARTED = {}


def cluster(mode="plain"):
    """alice may act for users of the group `users`, which is bob and not carol."""
    if mode not in STARTED:
        settings = {"hadoop.proxyuser.alice.groups": "users"}
        STARTED[mode] = servers.Hdfs(mode, settings=settings).__enter__()
    return STARTED[mode]


@case
def a_proxy_user_acts_for_another_who_owns_the_files():
    server = cluster()
    place = UsersPlace(server, AS_BOB)
    try:
        run_job(place)
        files = place.files()
        check(len(files) > 3 and {owner for owner, _ in files} == {"bob"}, str(files))
        server.hadoop("fs", "-chmod", "-R", "700", place.root)
        job = place.uri + "/wordcount"
        for command in (["verify", job], ["list", job], ["gc", job, "--execute"]):
            works(cairn(place.environment, *command, *AS_BOB))
            fails(cairn(place.environment, *command), 5, "AccessControlException")
        works(cairn(place.environment, "verify", job, HADOOP_USER_NAME="bob"))
    finally:
        place.close()


@case
def who_may_not_be_impersonated_is_told_in_one_line():
    server = cluster()
    environment = server.environment()
    uri = server.uri + "/nobodys"
    for user, other in (("alice", "carol"), ("bob", "alice"), ("alice", "hdfs")):
        words = ["-D", "cairn.hdfs.do-as=" + other]
        text = "%s is not allowed to impersonate %s" % (user, other)
        for command in (["list", uri + "/job"], ["verify", uri + "/job"]):
            fails(cairn(environment, *command, *words, HADOOP_USER_NAME=user), 5, text)
        place = UsersPlace(server, words, HADOOP_USER_NAME=user)
        run_job(place, lambda ended: fails(ended, 5, text))
    check("nobodys" not in server.hadoop("fs", "-ls", "/cairn"), "a folder was made")


@case
def who_only_looks_makes_no_folder():
    server = cluster()
    environment, uri = server.environment(), server.uri + "/missing"
    done = cairn(environment, "doctor", uri)
    check(done.code == 8 and "/cairn/missing, is not there" in done.out, done.out + done.err)
    for command in (["list", uri + "/job"], ["gc", uri + "/job", "--execute", "--stale-after", "0ms"]):
        cairn(environment, *command)
    check("missing" not in server.hadoop("fs", "-ls", "/cairn"), "it was made")
    server.hadoop("fs", "-mkdir", "/cairn/missing")
    server.hadoop("fs", "-chmod", "777", "/cairn/missing")
    done = cairn(environment, "doctor", uri)
    check(done.code == 0, done.out + done.err)
    check(server.hadoop("fs", "-ls", "-R", "/cairn/missing").count("/") == 0, "the doctor left something")


@case
def a_token_file_of_hadoop_is_enough():
    server = cluster("kerberos")
    web = ["--webservice", server.namenodes[0]]
    for number, words in enumerate(([], web)):
        path = fetch(server, os.path.join(server.root, "token-%d" % number), *words)
        place = UsersPlace(server, BY_TOKEN, **without_ticket(server, path))
        try:
            run_job(place)
            check({owner for owner, _ in place.files()} == {"alice"}, str(place.files()))
            works(cairn(place.environment, "verify", place.uri + "/wordcount", *BY_TOKEN))
        finally:
            place.close()


@case
def a_token_that_was_cancelled_is_told_in_one_line():
    server = cluster("kerberos")
    path = fetch(server, os.path.join(server.root, "cancelled"), "--renewer", "alice")
    fetch(server, path, "--cancel")
    with open(path, "rb") as file:
        secrets = [word for word in re.findall(rb"[\x21-\x7e]{16,}", file.read())
                   if b"HDFS" not in word]
    environment = without_ticket(server, path)
    for command in (["list", server.uri + "/job"], ["verify", server.uri + "/job"],
                    ["get", server.uri + "/job", "key"]):
        done = cairn(environment, *command, *BY_TOKEN)
        fails(done, 5, "InvalidToken") if command[0] != "get" else check(done.code != 0, done.out)
        check(not any(word in (done.out + done.err).encode() for word in secrets), "it is shown")
    run_job(UsersPlace(server, BY_TOKEN, **environment), lambda ended: fails(ended, 5, "InvalidToken"))
    fails(cairn(without_ticket(server, os.path.join(server.root, "none")), "list",
                server.uri + "/job", *BY_TOKEN), 5, "token file")


@case
def a_proxy_user_with_a_ticket_acts_for_another():
    server = cluster("kerberos")
    place = UsersPlace(server, server.words + AS_BOB)
    try:
        run_job(place)
        check({owner for owner, _ in place.files()} == {"bob"}, str(place.files()))
        fails(cairn(place.environment, "list", place.uri + "/wordcount", *server.words, "-D",
                    "cairn.hdfs.do-as=carol"), 5, "alice", "is not allowed to impersonate carol")
    finally:
        place.close()


if __name__ == "__main__":
    sys.exit(main())
