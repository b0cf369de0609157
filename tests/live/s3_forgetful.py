"""An S3 server that takes create-only puts and forgets the condition: a proxy that signs each request
anew, without If-None-Match, and hands it to a real server.

    with Forgetful(server) as url: ...
"""

import http.client
import http.server
import threading
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    client = None
    kept = ("content-type", "content-md5", "range", "if-match")

    def forward(self):
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(length)
        url = urllib.parse.urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()
                   if name.lower() in self.kept}
        query = "&".join(sorted(url.query.split("&"))) if url.query else ""
        signed = self.client.headers(self.command, url.path, query, headers, body)
        connection = http.client.HTTPConnection(self.client.url.hostname, self.client.url.port,
                                                timeout=60)
        connection.request(self.command, url.path + ("?" + query if query else ""), body, signed)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        size = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(size or 0))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward

    def log_message(self, *_):
        """Quiet."""


class Forgetful:
    def __init__(self, server):
        handler = type("Bound", (Handler,), {"client": server.client()})
        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self):
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()
        return "http://127.0.0.1:%d" % self.httpd.server_address[1]

    def __exit__(self, *_):
        self.httpd.shutdown()
        self.httpd.server_close()
