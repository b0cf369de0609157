#!/usr/bin/env python3
"""Reads every #include of the product against the table of DESIGN section 3.

    check_layers.py ROOT          prints each break, exit 1 if there is one
    check_layers.py --self-test   plants one break of each kind and looks for it

Rules: a unit includes only the units that its row allows; a third-party header has one home; public
headers include public and libc headers only; no include cycle; no two files of one name.
"""
import re
import sys
import tempfile
from pathlib import Path

# unit -> units whose private headers it may include. Public headers are free to all, with the
# exceptions in PUBLIC_ONLY_FOR.
LAYERS = {
    "base": set(),
    "task": {"base"},
    "parse": {"base"},
    "net": {"task", "base"},
    "store": {"task", "base"},
    "rocks": {"base"},
    "heap": {"base"},
    "state": {"rocks", "heap", "base"},
    "manifest": {"parse", "base"},
    "checkpoint": {"store", "rocks", "heap", "state", "manifest", "task", "base"},
    "backend": {"checkpoint", "manifest", "state", "rocks", "heap", "store", "parse", "task",
                "base"},
    "worker": {"base"},
    "cli": {"base"},
    "s3": {"net", "parse", "task", "base"},
    "hdfs": {"net", "parse", "task", "base"},
}
# Units that stand at the top of the tree, not in src/.
DRIVERS = ("s3", "hdfs")

# Third-party header -> the units that may include it; a unit with `files` only in those files.
HOMES = [
    (r"rocksdb/.*", "rocks", None),
    (r"cjson/.*", "parse", None),
    (r"yaml\.h", "parse", None),
    (r"expat\.h", "parse", None),
    (r"curl/.*", "net", None),
    (r"openssl/.*", "base", {"digest.c"}),
]

# Public header -> units that may include it: what extends the library is not for all of it.
PUBLIC_ONLY_FOR = {
    "store_driver.h": {"store", "s3", "hdfs"},
    "s3.h": {"s3", "cli"},
    "hdfs.h": {"hdfs", "cli"},
    "worker.h": {"worker", "cli"},
    "job.h": {"worker", "cli"},
}

LIBC = set("""
    aio.h assert.h ctype.h dirent.h dlfcn.h endian.h errno.h fcntl.h fnmatch.h ftw.h getopt.h
    inttypes.h langinfo.h libgen.h limits.h locale.h malloc.h math.h netdb.h poll.h pthread.h pwd.h
    sched.h semaphore.h signal.h spawn.h stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h
    stdio.h stdlib.h string.h strings.h termios.h time.h unistd.h wchar.h
""".split())
LIBC_FOLDERS = ("sys/", "linux/")
PUBLIC_LIBC = {"stdbool.h", "stddef.h", "stdint.h", "stdarg.h"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
SOURCE_FOLDERS = ("src", "include", "s3", "hdfs", "tests", "bench", "examples")
# These may stand in each folder.
REPEATED_NAMES = {"CMakeLists.txt", "README.md", ".clang-tidy"}


def includes(path):
    """(quote, name) of each #include; comments are cut first, so an example in one counts not."""
    text = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.S)
    return INCLUDE.findall(text)


def c_files(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".c", ".h"))


def product_files(root):
    return [p for folder in ("src", *DRIVERS) for p in c_files(root / folder)]


def home_of(root):
    """Private header name -> unit."""
    return {p.name: unit_of(root, p) for p in product_files(root) if p.suffix == ".h"}


def unit_of(root, path):
    parts = path.relative_to(root).parts
    if parts[0] in DRIVERS:
        return parts[0]
    return parts[1] if len(parts) > 2 else None


def check_private(root, path, unit, quoted, homes):
    """An #include "..." names a private header of an allowed unit."""
    if "/" in quoted:
        return f'"{quoted}": private headers are included by name alone'
    if quoted not in homes:
        return f'"{quoted}" is no private header of src/'
    owner = homes[quoted]
    if owner != unit and owner not in LAYERS[unit]:
        return f'"{quoted}" belongs to {owner}, which {unit} may not include'
    return None


def check_third_party(path, unit, name):
    for pattern, home, files in HOMES:
        if re.fullmatch(pattern, name):
            if unit != home:
                return f"<{name}> has its home in src/{home}"
            if files and path.name not in files:
                return f"<{name}> has its home in src/{home}/{', '.join(sorted(files))}"
            return None
    return f"<{name}> is neither libc nor a known third party"


def check_angled(root, path, unit, name):
    """An #include <...> names a public header, libc, or a third party at its home."""
    if name.startswith("cairn/"):
        header = name[len("cairn/"):]
        if not (root / "include" / name).is_file():
            return f"<{name}> does not exist"
        if header in PUBLIC_ONLY_FOR and unit not in PUBLIC_ONLY_FOR[header]:
            return f"<{name}> is not for src/{unit}"
        return None
    if name in LIBC or name.startswith(LIBC_FOLDERS):
        return None
    return check_third_party(path, unit, name)


def check_units(root):
    homes = home_of(root)
    for path in product_files(root):
        unit = unit_of(root, path)
        if unit not in LAYERS:
            yield path, f"src/{unit} is not in the table"
            continue
        for quote, name in includes(path):
            if quote == '"':
                found = check_private(root, path, unit, name, homes)
            else:
                found = check_angled(root, path, unit, name)
            if found:
                yield path, found


def check_public(root):
    for path in c_files(root / "include"):
        for quote, name in includes(path):
            public = name.startswith("cairn/") and (root / "include" / name).is_file()
            if quote == '"' or not (public or name in PUBLIC_LIBC):
                yield path, f"a public header may not include {name}"


def find_cycle(graph):
    """One cycle of {node: nodes} as a list, or None."""
    done, stack = set(), []

    def visit(node):
        if node in stack:
            return stack[stack.index(node):] + [node]
        if node in done:
            return None
        stack.append(node)
        for follower in sorted(graph.get(node, ())):
            cycle = visit(follower)
            if cycle:
                return cycle
        stack.pop()
        done.add(node)
        return None

    for node in sorted(graph):
        cycle = visit(node)
        if cycle:
            return cycle
    return None


def check_cycles(root):
    """Between headers, and between the rows of the table."""
    cycle = find_cycle(LAYERS)
    if cycle:
        yield root, "the table has a cycle: " + " > ".join(cycle)
    headers = [p for p in product_files(root) + c_files(root / "include") if p.suffix == ".h"]
    graph = {p.name: {name.removeprefix("cairn/") for quote, name in includes(p)
                      if quote == '"' or name.startswith("cairn/")} for p in headers}
    cycle = find_cycle(graph)
    if cycle:
        yield root, "headers include each other: " + " > ".join(cycle)


def check_names(root):
    seen = {}
    for folder in SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            in_data = {"corpus", "data", "__pycache__"} & set(path.relative_to(root).parts)
            if not path.is_file() or path.name in REPEATED_NAMES or in_data:
                continue
            if path.name in seen:
                yield path, f"{seen[path.name].relative_to(root)} has this name too"
            seen[path.name] = path


def check(root):
    found = []
    for rule in (check_units, check_public, check_cycles, check_names):
        found += [f"{path.relative_to(root)}: {text}" for path, text in rule(root)]
    return found


# A tree without a break; each case below adds or replaces one file.
SOUND = {
    "include/cairn/base.h": "#include <stddef.h>\n",
    "include/cairn/store_driver.h": "#include <cairn/base.h>\n",
    "src/base/alloc.h": "#include <cairn/base.h>\n",
    "src/base/digest.c": '#include "alloc.h"\n#include <openssl/evp.h>\n',
    "src/rocks/rocks.h": '#include "alloc.h"\n',
    "src/rocks/rocks.c": '#include "rocks.h"\n#include <sys/stat.h>\n#include <rocksdb/c.h>\n',
    "src/store/store.c": '#include <cairn/store_driver.h>\n#include "alloc.h"\n',
    "tests/data/digest.c": "int same_name_in_data;\n",
}
PLANTED = [
    ("a lower unit includes a higher one", "src/base/up.c", '#include "rocks.h"\n', "may not include"),
    ("a unit includes its neighbour", "src/store/side.c", '#include "rocks.h"\n', "may not include"),
    ("RocksDB outside its home", "src/state/raw.c", "#include <rocksdb/c.h>\n", "has its home in"),
    ("OpenSSL beside digest.c", "src/base/other.c", "#include <openssl/sha.h>\n", "digest.c"),
    ("an unknown third party", "src/base/z.c", "#include <zlib.h>\n", "neither libc nor"),
    ("a path in an include", "src/rocks/p.c", '#include "../base/alloc.h"\n', "by name alone"),
    ("a private header in a public one", "include/cairn/pub.h", '#include "alloc.h"\n', "public header"),
    ("a system header in a public one", "include/cairn/pub.h", "#include <pthread.h>\n", "public header"),
    ("the driver's header outside the store", "src/rocks/d.c", "#include <cairn/store_driver.h>\n",
     "is not for"),
    ("an unknown unit", "src/misc/m.c", "int x;\n", "not in the table"),
    ("a driver includes its neighbour", "s3/up.c", '#include "rocks.h"\n', "may not include"),
    ("curl in a driver", "s3/raw.c", "#include <curl/curl.h>\n", "has its home in"),
    ("a header that includes itself", "src/base/alloc.h", '#include "alloc.h"\n', "include each other"),
    ("an indented include", "src/base/up.c", '#    include "rocks.h"\n', "may not include"),
    ("two files of one name", "tests/unit/rocks.c", "int x;\n", "has this name too"),
]


def run_on(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return check(Path(folder))


def self_test():
    failed = [f"a sound tree: {line}" for line in run_on(SOUND)]
    for title, name, text, expected in PLANTED:
        found = run_on({**SOUND, name: text})
        if len(found) != 1 or expected not in found[0]:
            failed.append(f"{title}: expected one line with '{expected}', got {found}")
    if not find_cycle({"a": {"b"}, "b": {"a"}}) or find_cycle({"a": {"b"}, "b": set()}):
        failed.append("find_cycle")
    return failed, f"{len(PLANTED)} planted breaks found"


def main(argument):
    if argument == "--self-test":
        found, passed = self_test()
    else:
        root = Path(argument).resolve()
        found, passed = check(root), f"{len(product_files(root))} files keep the layers"
        if not c_files(root / "src"):
            found = [f"no sources under {root}/src"]
    print("\n".join(found) if found else passed)
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
