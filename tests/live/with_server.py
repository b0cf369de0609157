#!/usr/bin/env python3
"""Runs a program beside a real server and ends the server with it.

    with_server.py SERVER -- PROGRAM [ARGUMENT...]

SERVER: minio, versitygw, hdfs, each also with -tls; hdfs-ha, hdfs-kerberos. The program finds the server
through its environment: servers.py says which variables. The exit code is the program's.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import servers  # noqa: E402


def main(arguments):
    if len(arguments) < 3 or arguments[1] != "--" or arguments[0] not in servers.SERVERS:
        sys.exit(__doc__)
    with servers.SERVERS[arguments[0]]() as server:
        environment = servers.clean_environment(**server.environment(server.new_bucket()))
        code = subprocess.run(arguments[2:], env=environment).returncode
        return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
