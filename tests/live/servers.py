"""Real servers for the tests: MinIO, versitygw and HDFS, started on loopback in folders of their own.

    with servers.Minio(tls=True) as server:
        bucket = server.new_bucket()
        subprocess.run([...], env=dict(os.environ, **server.environment(bucket)))
        server.kill(); server.start()       same port, same data

All ends with the test, however that ends (live_guard.py). The programs come from get_servers.sh.
"""

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from live_guard import Guard
from s3_plain import S3

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cairn")
HADOOP = os.path.join(CACHE, "hadoop-3.5.0", "lib")
START_S = 60
STOP_S = 20
# In every secret that a test gives to the product: what is found in an output has leaked.
CANARY = "cAnArY"


class ServerError(Exception):
    """A server does not do what a test needs of it."""


def new_folder():
    """In memory where there is memory: what the servers write is nobody's to keep. Not where user
    attributes are refused, which versitygw keeps its notes in."""
    base = None
    if os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 4 << 30:
        base = "/dev/shm"
    path = tempfile.mkdtemp(prefix="cairn-live-", dir=base)
    try:
        os.setxattr(path, "user.cairn", b"1")
    except OSError:
        os.rmdir(path)
        path = tempfile.mkdtemp(prefix="cairn-live-")
    Guard.get().folder(path)
    return path


def free_port():
    """Below the ports that the kernel gives to clients: it stays free while a server restarts."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        top = int(file.read().split()[0])
    while True:
        port = random.SystemRandom().randrange(max(1024, top - 12000), top - 1)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_until(condition, what, timeout=START_S):
    until = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > until:
            raise ServerError("%s: not in %d s" % (what, timeout))
        time.sleep(0.05)


def clean_environment(**more):
    """What a program gets that must find its server by what a test says, not by what this machine is
    set up for."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("AWS_", "HADOOP_", "KRB5"))}
    return dict(kept, **more)


def get(*names):
    subprocess.run([os.path.join(HERE, "get_servers.sh"), *names], check=True)


class Certificates:
    """An authority of our own and a certificate of it."""

    def __init__(self, folder, names="DNS:localhost,IP:127.0.0.1"):
        os.makedirs(folder)
        self.ca, self.key, self.chain = (os.path.join(folder, name)
                                         for name in ("ca.pem", "private.key", "public.crt"))
        self.folder = folder
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self.openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
                     "-subj", "/CN=cairn tests", "-addext", "basicConstraints=critical,CA:TRUE",
                     "-addext", "keyUsage=critical,keyCertSign")
        self.openssl("req", *new_key, "-keyout", "private.key", "-out", "server.csr",
                     "-subj", "/CN=localhost")
        with open(os.path.join(folder, "names"), "w") as file:
            file.write("subjectAltName=%s\n" % names)
        self.openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "30", "-extfile", "names", "-out", "public.crt")

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise ServerError("openssl %s: %s" % (words[0], done.stderr))


class S3Server:
    """What MinIO and versitygw have in common."""

    name = ""
    # Is a create-only put one step of the server? Else the contract and the probes know.
    racy = False
    region = "us-east-1"

    def __init__(self, tls=False, settings=None, names=None):
        """`names`: of the certificate, if it is to be another's."""
        get(self.name)
        self.root = new_folder()
        self.data = os.path.join(self.root, "data")
        os.makedirs(self.data)
        self.log = os.path.join(self.root, "log")
        self.certificates = None
        if tls or names:
            self.certificates = Certificates(os.path.join(self.root, "tls"), *filter(None, [names]))
        self.ca = self.certificates.ca if self.certificates else None
        self.settings = settings or {}
        self.key = "key" + secrets.token_hex(6)
        self.secret = CANARY + secrets.token_hex(12)
        self.process = None
        self.take_port()

    def take_port(self):
        self.port = free_port()
        self.url = "%s://127.0.0.1:%d" % ("https" if self.ca else "http", self.port)

    def __enter__(self):
        for _ in range(3):
            try:
                self.start()
                return self
            except ServerError:
                if "address already in use" not in self.log_text():
                    raise
                self.take_port()
        raise ServerError("%s: no free port" % self.name)

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    def log_text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def command(self):
        raise NotImplementedError

    def start(self):
        """Returns when requests are answered."""
        command, extra = self.command()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, env=dict(os.environ, **extra, **self.settings), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, cwd=self.root)
        wait_until(self.answers, "%s does not answer, see %s" % (self.name, self.log))

    def answers(self):
        if self.process.poll() is not None:
            raise ServerError("%s ended with %d: %s" % (self.name, self.process.returncode,
                                                        self.log_text()[-2000:]))
        try:
            return self.client().request("GET", "/")[0] == 200
        except OSError:
            return False

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        """As an operator does it."""
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def client(self):
        return S3(self.url, self.key, self.secret, self.region, ca=self.ca)

    def new_bucket(self):
        bucket = "cairn-" + secrets.token_hex(6)
        self.client().make_bucket(bucket)
        return bucket

    def environment(self, bucket=None):
        """For a program that is to use the server: the variables of AWS's tools, and ours that tell
        the C programs of this folder where to go."""
        found = {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.path.join(self.root, "no-file"),
            "AWS_SHARED_CREDENTIALS_FILE": os.path.join(self.root, "no-file"),
            "CAIRN_S3_SERVER": self.name,
            "CAIRN_S3_ENDPOINT": self.url,
        }
        if self.racy:
            found["CAIRN_S3_RACY"] = "1"
        if self.ca:
            found.update(AWS_CA_BUNDLE=self.ca, CAIRN_S3_CA=self.ca)
        if bucket:
            found["CAIRN_S3_BUCKET"] = bucket
        return found


class Minio(S3Server):
    name = "minio"

    def command(self):
        command = [os.path.join(CACHE, "bin", "minio"), "server", "--quiet",
                   "--address", "127.0.0.1:%d" % self.port]
        certificates = self.certificates.folder if self.ca else os.path.join(self.root, "none")
        return command + ["--certs-dir", certificates, self.data], {
            "MINIO_ROOT_USER": self.key, "MINIO_ROOT_PASSWORD": self.secret,
            "MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "HOME": self.root}


class Versitygw(S3Server):
    name = "versitygw"
    racy = True

    def command(self):
        command = [os.path.join(CACHE, "bin", "versitygw"), "--quiet", "--keep-alive",
                   "--region", self.region, "--port", "127.0.0.1:%d" % self.port]
        if self.ca:
            command += ["--cert", self.certificates.chain, "--key", self.certificates.key]
        return command + ["posix", self.data], {
            "ROOT_ACCESS_KEY": self.key, "ROOT_SECRET_KEY": self.secret, "HOME": self.root}


class Hdfs:
    """NameNode(s) and two DataNodes. `mode`: plain, tls, ha or kerberos."""

    name = "hdfs"

    def __init__(self, mode="plain", datanodes=2, settings=None):
        get("hadoop")
        self.mode = mode
        self.root = new_folder()
        self.jvm = dict(os.environ, HDFS_LIB=HADOOP, NDN=str(datanodes))
        if settings:
            extra = os.path.join(self.root, "extra")
            with open(extra, "w") as file:
                file.writelines("%s=%s\n" % pair for pair in settings.items())
            self.jvm["HDFS_EXTRA_HDFS"] = extra
        self.facts = {}

    def __enter__(self):
        # A JVM of level 1 starts in half the time; TLS is nine times slower with it.
        if self.mode == "tls":
            self.jvm["HDFS_JVM_EXTRA"] = "-XX:TieredStopAtLevel=4"
        self.jvm["PORT_BASE"] = str(20000 + random.SystemRandom().randrange(10000))
        self.script("hdfs-up.sh", self.root, self.mode, timeout=180)
        with open(os.path.join(self.root, "cluster.env")) as file:
            for line in file.read().splitlines():
                name, _, value = line.removeprefix("export ").partition("=")
                self.facts[name] = value.strip("'")
        if self.mode == "kerberos":
            self.ticket("hdfs", "hdfs/localhost")
        return self

    def __exit__(self, *_):
        self.jvm["SIGNAL"] = "KILL"  # nobody starts it again
        self.script("hdfs-down.sh", self.root)
        shutil.rmtree(self.root, ignore_errors=True)

    def script(self, name, *words, timeout=120):
        done = subprocess.run(["bash", os.path.join(HERE, "hdfs", name), *words], env=self.jvm,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout)
        if done.returncode != 0:
            raise ServerError("%s %s: %s" % (name, " ".join(words), done.stdout[-3000:]))
        return done.stdout

    def hadoop(self, *words):
        """Hadoop's own tools: fs, dfsadmin, haadmin."""
        return self.script("hdfs-cli.sh", self.root, *words)

    def process(self, action, name):
        """start stop kill pause cont; nn1 nn2 dn1 dn2 jn1"""
        return self.script("hdfs-proc.sh", self.root, action, name)

    def ticket(self, keytab, principal):
        """Puts a ticket into a cache of its own; returns its name for KRB5CCNAME."""
        cache = "FILE:%s/krb5/cc.%s" % (self.root, keytab)
        self.jvm.update(KRB5_CONFIG=self.facts["KRB5_CONFIG"], KRB5CCNAME=cache)
        subprocess.run(["kinit", "-k", "-t", "%s/%s.keytab" % (self.facts["KEYTABS"], keytab),
                        "%s@%s" % (principal, self.facts["REALM"])], env=self.jvm, check=True)
        return cache

    @property
    def namenodes(self):
        return [self.facts[name] for name in ("NN1_URL", "NN2_URL") if name in self.facts]

    @property
    def uri(self):
        """Of the folder that everybody may write to. Two NameNodes are found by their service."""
        if self.mode == "ha":
            return "hdfs://ns/cairn"
        scheme, rest = self.facts["NN1_URL"].split("://")
        return "%s://%s/cairn" % ("swebhdfs" if scheme == "https" else "webhdfs", rest)

    @property
    def words(self):
        """Of the command line of cairn."""
        found = []
        if self.mode == "tls":
            found += ["-D", "cairn.hdfs.ca-file=" + self.facts["CACERT"]]
        if self.mode == "kerberos":
            found += ["-D", "cairn.hdfs.auth=kerberos"]
        return found

    def environment(self, _=None):
        found = {
            "HADOOP_USER_NAME": "alice",
            "HADOOP_CONF_DIR": os.path.join(self.root, "conf", "cli"),
            "CAIRN_HDFS_MODE": self.mode,
            "CAIRN_HDFS_NAMENODES": ",".join(self.namenodes),
            "CAIRN_HDFS_ROOT": "/cairn",
            "CAIRN_HDFS_URI": self.uri,
        }
        if self.mode == "tls":
            found["CAIRN_HDFS_CA"] = self.facts["CACERT"]
        if self.mode == "kerberos":
            found.update(KRB5_CONFIG=self.facts["KRB5_CONFIG"],
                         KRB5CCNAME=self.ticket("alice", "alice"), CAIRN_HDFS_AUTH="kerberos")
        return found

    def new_bucket(self):
        return None


SERVERS = {
    "minio": Minio,
    "minio-tls": lambda: Minio(tls=True),
    "versitygw": Versitygw,
    "versitygw-tls": lambda: Versitygw(tls=True),
    "hdfs": Hdfs,
    "hdfs-tls": lambda: Hdfs("tls"),
    "hdfs-ha": lambda: Hdfs("ha"),
    "hdfs-kerberos": lambda: Hdfs("kerberos"),
}
