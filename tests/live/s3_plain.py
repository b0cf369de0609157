"""Plain signed requests to an S3 server, with the standard library alone: makes buckets, looks into
them, and is a second opinion on what the product's client says. Signature Version 4, written from the
S3 API Reference; nothing in common with s3/s3_sigv4.c."""

import datetime
import hashlib
import hmac
import http.client
import ssl
import urllib.parse
import xml.etree.ElementTree as xml


class S3Error(Exception):
    """An answer that is not 2xx."""

    def __init__(self, what, status, body):
        super().__init__("%s: %d %s" % (what, status, body[:300].decode(errors="replace")))
        self.status = status


def encode(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-._~")


def hmac_of(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class S3:
    """One server and who asks it."""

    def __init__(self, url, key, secret, region="us-east-1", token=None, ca=None):
        self.url = urllib.parse.urlsplit(url)
        self.key, self.secret, self.region, self.token = key, secret, region, token
        self.context = ssl.create_default_context(cafile=ca) if ca else None
        if ca:
            # A test may give the server a name that is not its own.
            self.context.check_hostname = False

    def headers(self, method, path, query, headers, body, service="s3"):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        signed = {"host": self.url.netloc, "x-amz-date": now, "x-amz-content-sha256": digest}
        signed.update({name.lower(): value for name, value in (headers or {}).items()})
        if self.token:
            signed["x-amz-security-token"] = self.token
        names = sorted(signed)
        canonical = "\n".join([method, path, query] +
                              ["%s:%s" % (name, signed[name]) for name in names] +
                              ["", ";".join(names), digest])
        scope = "%s/%s/%s/aws4_request" % (now[:8], self.region, service)
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            key = hmac_of(key, part)
        signed["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%s" % (
            self.key, scope, ";".join(names), hmac_of(key, text).hex())
        return signed

    def request(self, method, path, query=None, body=b"", headers=None, service="s3"):
        """(status, body)"""
        path = encode(path, "/")
        text = "&".join(sorted("%s=%s" % (encode(name), encode(value))
                               for name, value in (query or {}).items()))
        signed = self.headers(method, path, text, headers, body, service)
        connect = http.client.HTTPSConnection if self.context else http.client.HTTPConnection
        more = {"context": self.context} if self.context else {}
        connection = connect(self.url.hostname, self.url.port, timeout=60, **more)
        try:
            connection.request(method, path + ("?" + text if text else ""), body, signed)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def must(self, method, path, *more, **named):
        status, body = self.request(method, path, *more, **named)
        if status // 100 != 2:
            raise S3Error("%s %s" % (method, path), status, body)
        return body

    def make_bucket(self, bucket):
        self.must("PUT", "/" + bucket)

    def get(self, bucket, key):
        return self.must("GET", "/%s/%s" % (bucket, key))

    def put(self, bucket, key, body):
        self.must("PUT", "/%s/%s" % (bucket, key), body=body)

    def delete(self, bucket, key):
        self.must("DELETE", "/%s/%s" % (bucket, key))

    def pages(self, bucket, query, token_in, token_out):
        """Each page of a listing as (root element, function that finds tags in it)."""
        while True:
            root = xml.fromstring(self.must("GET", "/" + bucket, query))
            space = root.tag[:root.tag.find("}") + 1]
            yield root, space
            token = root.findtext(space + token_out)
            if root.findtext(space + "IsTruncated") != "true" or not token:
                return
            query = dict(query, **{token_in: token})

    def keys(self, bucket, prefix=""):
        found = set()
        query = {"list-type": "2", "prefix": prefix}
        for root, space in self.pages(bucket, query, "continuation-token", "NextContinuationToken"):
            found.update(entry.findtext(space + "Key") for entry in root.iter(space + "Contents"))
        return found

    def uploads(self, bucket, prefix=""):
        """Keys of open multipart uploads. MinIO takes the prefix for a whole key: filtered here."""
        found = []
        for root, space in self.pages(bucket, {"uploads": ""}, "key-marker", "NextKeyMarker"):
            found += [entry.findtext(space + "Key") for entry in root.iter(space + "Upload")]
        return sorted(key for key in found if key.startswith(prefix))

    def remove_bucket(self, bucket):
        for key in self.keys(bucket):
            self.delete(bucket, key)
        self.must("DELETE", "/" + bucket)

    def assume_role(self, policy=None, seconds=900):
        """(key, secret, token) of a short-lived identity with no more rights than `policy`."""
        form = {"Action": "AssumeRole", "Version": "2011-06-15", "DurationSeconds": str(seconds)}
        if policy:
            form["Policy"] = policy
        body = urllib.parse.urlencode(form).encode()
        root = xml.fromstring(self.must(
            "POST", "/", body=body, service="sts",
            headers={"content-type": "application/x-www-form-urlencoded"}))
        space = root.tag[:root.tag.find("}") + 1]
        found = next(root.iter(space + "Credentials"))
        return tuple(found.findtext(space + name)
                     for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
