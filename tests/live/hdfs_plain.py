"""Plain WebHDFS with the standard library, to look into a file system and to put things there. Simple
authentication only; several NameNodes are asked in turn."""

import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request


# For a DataNode or NameNode that comes back.
PATIENCE_S = 40


class WebHdfs:
    def __init__(self, namenodes, user, ca=None):
        self.namenodes, self.user = namenodes, user
        context = ssl.create_default_context(cafile=ca) if ca else None
        handlers = [urllib.request.HTTPSHandler(context=context)] if ca else []
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)

    def ask(self, method, path, op, **parameters):
        """The body of the first NameNode that is active; FileNotFoundError if that says so. A server
        that has just been started again is waited for."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.ask_once(method, path, op, **parameters)
            except urllib.error.URLError as error:
                if isinstance(error, urllib.error.HTTPError) or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def ask_once(self, method, path, op, **parameters):
        query = urllib.parse.urlencode(dict(parameters, op=op, **{"user.name": self.user}))
        last = None
        for namenode in self.namenodes:
            url = "%s/webhdfs/v1%s?%s" % (namenode, urllib.parse.quote(path), query)
            request = urllib.request.Request(url, method=method)
            try:
                with self.opener.open(request, timeout=60) as answer:
                    return answer.read()
            except urllib.error.HTTPError as error:
                body = error.read().decode(errors="replace")
                if "StandbyException" not in body:
                    kind = FileNotFoundError if error.code == 404 else OSError
                    raise kind("%s %s: %s" % (op, path, body[:300])) from error
                last = error
            except OSError as error:
                last = error
        raise last

    def list(self, path):
        """(path, status) of every file below."""
        try:
            answer = json.loads(self.ask("GET", path, "LISTSTATUS"))
        except FileNotFoundError:
            return
        for entry in answer["FileStatuses"]["FileStatus"]:
            inner = path.rstrip("/") + "/" + entry["pathSuffix"]
            if entry["type"] == "DIRECTORY":
                yield from self.list(inner)
            else:
                yield inner, entry

    def read(self, path):
        return self.ask("GET", path, "OPEN")

    def write(self, path, data):
        """A new file; the redirect of a PUT is followed here."""
        location = json.loads(self.ask("PUT", path, "CREATE", noredirect="true"))["Location"]
        request = urllib.request.Request(location, data, method="PUT",
                                         headers={"Content-Type": "application/octet-stream"})
        with self.opener.open(request, timeout=60):
            pass

    def make_folder(self, path):
        self.ask("PUT", path, "MKDIRS", permission="777")

    def remove(self, path):
        self.ask("DELETE", path, "DELETE", recursive="true")
