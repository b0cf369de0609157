#!/usr/bin/env python3
"""Makes a real text of a wanted size from what a Debian machine has on disk, without network.

    make_text.py BYTES > text

The sources, each in the order of its file names: the licence texts of /usr/share/common-licenses,
Perl's manuals below /usr/share/perl, manual pages and the documents of packages. They are put one
after another, and from the start again if they are fewer bytes than asked for. On one machine the
same size gives the same text. It ends with a newline and may be one line longer than BYTES.
"""
import gzip
import sys
from pathlib import Path

SOURCES = (
    ("/usr/share/common-licenses", "*"),
    ("/usr/share/perl", "**/*.pod"),
    ("/usr/share/man/man*", "*.gz"),
    ("/usr/share/doc", "*/copyright"),
)


def files():
    for folder, pattern in SOURCES:
        for root in sorted(Path("/").glob(folder.lstrip("/"))):
            for path in sorted(root.glob(pattern)):
                if path.is_file() and not path.is_symlink():
                    yield path


def lines(path):
    opened = gzip.open(path) if path.suffix == ".gz" else open(path, "rb")
    with opened as file:
        for line in file:
            yield line if line.endswith(b"\n") else line + b"\n"


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    wanted = int(sys.argv[1])
    out = sys.stdout.buffer
    written = 0
    while written < wanted:
        before = written
        for path in files():
            for line in lines(path):
                if written >= wanted:
                    return
                written += out.write(line)
        if written == before:
            sys.exit("make_text.py: no text found in " + ", ".join(s[0] for s in SOURCES))


if __name__ == "__main__":
    main()
