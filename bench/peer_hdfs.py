"""What bench_store does, by the "hdfs" package of PyPI; started by bench_hdfs.py.

    peer_hdfs.py put|get URL USER FOLDER DIR COUNT PARALLEL"""

import sys
from concurrent.futures import ThreadPoolExecutor

from side_by_side import Meter

CHUNK = 1 << 20  # its default, 64 KiB, costs more


def main(verb, url, user, folder, local, count, parallel):
    from hdfs import InsecureClient

    client = InsecureClient(url, user=user)

    def move(number):
        name = "f%05d" % number
        there, here = "%s/%s" % (folder, name), "%s/%s" % (local, name)
        if verb == "put":
            client.upload(there, here, chunk_size=CHUNK)
        else:
            client.download(there, here, chunk_size=CHUNK)

    with Meter():
        with ThreadPoolExecutor(int(parallel)) as pool:
            list(pool.map(move, range(int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
