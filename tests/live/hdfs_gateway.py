"""A gateway before WebHDFS: what Apache Knox does to it, or what servers do that answer in one step.

    with Gateway(server.namenodes[0]) as gateway:
        gateway.uri("/cairn"), gateway.PREFIX

As Knox it serves a longer path and sends redirects to itself, with the DataNode's address hidden in the
query. With one_step it follows them itself and sends the DataNode's reply."""

import base64
import http.client
import http.server
import threading
import time
from urllib.parse import parse_qs, quote, urlsplit

PIECE = 256 << 10
# Of the first request to a gateway that is busy; what comes earlier again has not listened.
BUSY_S = 2


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self):
        gateway = self.server.gateway
        self.left = int(self.headers.get("Content-Length", "0"))
        parts = urlsplit(self.path)
        gateway.note(self.command, parse_qs(parts.query).get("op", ["data"])[0])
        if gateway.is_busy():
            self.reply(503, b"<html>busy</html>", [("Retry-After", str(BUSY_S))])
        elif parts.path.startswith(gateway.DATA):
            self.relay(base64.urlsafe_b64decode(parse_qs(parts.query)["_"][0]).decode(), self.send_on)
        elif parts.path.startswith(gateway.PREFIX):
            rest = self.path[len(gateway.PREFIX):]
            self.relay(gateway.namenode + "/webhdfs/v1" + rest, self.send_on_or_redirect, body=False)
        else:
            self.reply(404, b"<html>no such service</html>")
        self.close_connection = self.close_connection or self.left > 0

    do_GET = do_PUT = do_DELETE = do_POST = answer

    def reply(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def relay(self, url, answered, body=True):
        """The request goes to `url`, with its body or without; `answered` gets the reply."""
        parts = urlsplit(url)
        peer = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        try:
            peer.putrequest(self.command, parts.path + ("?" + parts.query if parts.query else ""))
            length = self.left if body else 0
            if self.command in ("PUT", "POST"):
                peer.putheader("Content-Length", str(length))
            for name in ("Content-Type", "X-XSRF-HEADER"):
                if name in self.headers:
                    peer.putheader(name, self.headers[name])
            peer.endheaders()
            self.send_body(peer, length)
            answered(peer.getresponse())
        except (OSError, http.client.HTTPException):
            self.close_connection = True
        finally:
            peer.close()

    def send_body(self, peer, length):
        while length > 0:
            piece = self.rfile.read(min(PIECE, length))
            if not piece:
                raise OSError("the client has gone")
            self.left -= len(piece)
            length -= len(piece)
            try:
                peer.send(piece)
            except OSError:
                return  # it may have answered

    def send_on_or_redirect(self, answer):
        gateway = self.server.gateway
        if answer.status != 307:
            self.send_on(answer)
            return
        there = answer.getheader("Location")
        if gateway.one_step:
            self.relay(there, self.send_on)
            return
        path = urlsplit(there).path.removeprefix("/webhdfs/v1")
        hidden = base64.urlsafe_b64encode(there.encode()).decode()
        self.reply(307, b"", [("Location", "%s%s%s?_=%s" % (gateway.url, gateway.DATA, path,
                                                           quote(hidden)))])

    def send_on(self, answer):
        """A reply of known length as it comes; one that ends early is cut."""
        self.send_response(answer.status)
        for name in ("Content-Type", "Date"):
            if answer.getheader(name):
                self.send_header(name, answer.getheader(name))
        if answer.length is None or self.command == "HEAD":
            body = answer.read()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        left = answer.length
        self.send_header("Content-Length", str(left))
        self.end_headers()
        while left > 0:
            piece = answer.read(min(PIECE, left))
            if not piece:
                raise OSError("the DataNode has cut it")
            self.wfile.write(piece)
            left -= len(piece)


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A client that goes away is none of ours."""


class Gateway:
    PREFIX = "/gateway/default/webhdfs/v1"
    DATA = "/gateway/default/webhdfs/data/v1/webhdfs/v1"

    def __init__(self, namenode, one_step=False):
        self.namenode, self.one_step = namenode, one_step
        self.lock = threading.Lock()
        self.seen = []  # (method, operation); "data" is the second step
        self.busy_until, self.turned_away, self.too_early = None, 0, 0

    def __enter__(self):
        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.listener.gateway = self
        self.port = self.listener.server_address[1]
        self.url = "http://127.0.0.1:%d" % self.port
        self.thread = threading.Thread(target=self.listener.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self.listener.server_close()

    def uri(self, path):
        return "webhdfs://127.0.0.1:%d%s" % (self.port, path)

    def note(self, method, operation):
        with self.lock:
            self.seen.append((method, operation))

    def count(self, operation):
        with self.lock:
            return sum(1 for _, each in self.seen if each == operation)

    def get_busy(self):
        """The next request is turned away with Retry-After; from it on the time runs."""
        with self.lock:
            self.busy_until, self.turned_away, self.too_early = 0, 0, 0

    def is_busy(self):
        with self.lock:
            if self.busy_until is None:
                return False
            now = time.monotonic()
            if self.busy_until == 0:
                self.busy_until = now + BUSY_S
                self.turned_away += 1
                return True
            if now < self.busy_until:
                self.too_early += 1
                return True
            self.busy_until = None
            return False
