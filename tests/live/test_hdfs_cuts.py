#!/usr/bin/env python3
"""Uploads to HDFS that are cut on their way to the DataNode, and creators of one name. A DataNode closes
what it got before a cut as a file that looks complete: it must never have the name of an object.

CAIRN_LIVE_FULL=1: a cut at each 64 KiB and 200 races, instead of each 512 KiB and 25. Needs
CAIRN_LIVE_DIR. Ends with "N passed, N failed"."""

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

from live_case import FULL, case, check, main, servers
from hdfs_plain import WebHdfs

FOLDER = os.environ.get("CAIRN_LIVE_DIR", "build/debug/tests")
SIZE = 4 << 20
STEP = (64 << 10) if FULL else (512 << 10)
RACES = 200 if FULL else 25
PATTERN = bytes(i % 251 for i in range(SIZE))
STARTED = []


def cluster():
    if not STARTED:
        STARTED.append(servers.Hdfs().__enter__())
    return STARTED[0]


class Cutter:
    """Stands before a DataNode. Of each upload `limit` bytes of the body pass, then the connections
    end: in order, or by a reset."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.to = (parts.hostname, parts.port)
        self.limit, self.reset, self.cuts = None, False, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.map = "%s:%d=127.0.0.1:%d" % (*self.to, self.listener.getsockname()[1])
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client = self.listener.accept()[0]
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        server = socket.create_connection(self.to)
        threading.Thread(target=self.back, args=(server, client), daemon=True).start()
        try:
            self.forth(client, server)
        except OSError:
            pass
        for end in (server, client):
            if self.reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            end.close()

    def forth(self, client, server):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(65536)
            if not data:
                return
            head += data
        head, body = head.split(b"\r\n\r\n", 1)
        server.sendall(head + b"\r\n\r\n")
        left = self.limit if head.startswith(b"PUT ") else None
        while left is None or left > 0:
            server.sendall(body[:left])
            left = None if left is None else left - len(body[:left])
            if left == 0:
                break
            body = client.recv(65536)
            if not body:
                return
        self.cuts += 1

    @staticmethod
    def back(server, client):
        try:
            while data := server.recv(65536):
                client.sendall(data)
        except OSError:
            pass


def put_once(server, *words):
    done = subprocess.run([os.path.join(FOLDER, "put_once"), *map(str, words)], timeout=120,
                          capture_output=True, text=True, env=servers.clean_environment(**server.environment()))
    return done.stdout.strip(), done.stderr.strip()


def names(client, folder):
    return sorted(path.rsplit("/", 1)[1] for path, _ in client.list(folder))


@case
def an_upload_that_is_cut_anywhere_is_no_object():
    server = cluster()
    client = WebHdfs(server.namenodes, "alice")
    cutters = [Cutter(server.facts[name]) for name in ("DN1_URL", "DN2_URL")]
    mapped = ",".join(cutter.map for cutter in cutters)
    uri = server.uri + "/cuts"
    late = 0
    for reset in (False, True):
        for limit in range(1, SIZE + 2, STEP):
            limit = min(limit, SIZE)
            for cutter in cutters:
                cutter.limit, cutter.reset = limit, reset
            before = sum(cutter.cuts for cutter in cutters)
            code, text = put_once(server, uri, "key", SIZE, mapped)
            check(sum(cutter.cuts for cutter in cutters) > before, "nothing was cut at %d" % limit)
            check(code == "unavailable", "cut at %d: %s: %s" % (limit, code, text))
            found = names(client, "/cairn/cuts")
            check("key" not in found, "cut at %d: there is an object" % limit)
            check(all(name.startswith(".tmp-") for name in found), str(found))
            late = max(late, len(found))
    print("        at most %d temporaries at a time" % late)
    # A DataNode may make the file of an upload that is long given up.
    time.sleep(2)
    check("key" not in names(client, "/cairn/cuts"), "an object appears late")
    for cutter in cutters:
        cutter.limit = None
    check(put_once(server, uri, "key", SIZE, mapped)[0] == "ok", "the whole upload fails")
    check(put_once(server, uri, "--sweep")[0] == "ok", "the sweep fails")
    check(names(client, "/cairn/cuts") == ["key"], str(names(client, "/cairn/cuts")))
    check(client.read("/cairn/cuts/key") == PATTERN, "other bytes")


@case
def each_race_of_two_creators_has_one_winner():
    server = cluster()
    done = subprocess.run([os.path.join(FOLDER, "race_commit"), server.uri + "/races", str(RACES)],
                          capture_output=True, text=True, timeout=900,
                          env=servers.clean_environment(**server.environment()))
    text = done.stdout + done.stderr
    check(done.returncode == 0 and "%d rounds, 0 bad" % RACES in text, text[-2000:])
    left = [name for name in names(WebHdfs(server.namenodes, "alice"), "/cairn/races")
            if name.startswith(".tmp-")]
    check(not left, "temporaries stay: %s" % left)


if __name__ == "__main__":
    sys.exit(main())
