#!/usr/bin/env python3
"""A job that comes with another serializer of its values, on both engines: refused with exit 8 and a line that
names both, and with a migration rewritten. The job is compiled against the public headers."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

BIN = os.environ["CAIRN_BIN"]
SOURCE = os.environ["CAIRN_SOURCE_DIR"]
ENGINES = ("rocksdb", "hashmap")

# Counts words: as numbers (NUMBERS), or as decimal text, which numbers become by a migration (MIGRATES).
JOB = r"""
#include <cairn/job.h>
#include <cairn/serializer.h>
#include <stdio.h>
#include <stdlib.h>

static cairn_map_state *counts;

#ifdef NUMBERS
typedef uint64_t count;
#    define TYPE cairn_u64_serializer()
#else
typedef cairn_slice count;
#    define TYPE cairn_string_serializer()
#endif

#ifdef MIGRATES
static cairn_code convert(void *context, cairn_slice old, cairn_buf *out, cairn_error *err)
{
    uint64_t number = 0;
    char text[32];
    cairn_code code = cairn_u64_serializer()->deserialize(NULL, old, &number, err);

    (void)context;
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    return code != CAIRN_OK ? code : cairn_buf_append(out, cairn_slice_of(text), err);
}
#endif

static cairn_code open_job(cairn_job_context *context, void **self, cairn_error *err)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    *self = NULL;
    descriptor.name = "counts";
    descriptor.value_serializer = TYPE->id;
    descriptor.value_serializer_version = TYPE->version;
#ifdef MIGRATES
    const cairn_migration migrations[] = {{"u64", 1, convert, NULL}};
    descriptor.migrations = migrations;
    descriptor.migration_count = 1;
#endif
    return cairn_map_state_open(cairn_job_backend(context), &descriptor, &counts, err);
}

/* A record is a word; its key is its first letter. */
static cairn_code split(void *self, cairn_job_context *context, cairn_slice record, cairn_error *err)
{
    (void)self;
    return record.len == 0 ? CAIRN_OK
                           : cairn_job_keyed(context, (cairn_slice){record.data, 1}, record, err);
}

static cairn_code process(void *self, cairn_job_context *context, cairn_slice key, cairn_slice word,
                          cairn_error *err)
{
    const cairn_map_types types = {cairn_string_serializer(), TYPE};
    char text[32] = "0";
    bool found = false;
    count value;
    cairn_code code = cairn_map_get_as(counts, &types, &word, &value, &found, err);

    (void)self, (void)context, (void)key, (void)text;
#ifdef NUMBERS
    value = found ? value + 1 : 1;
#else
    if (found) {
        (void)snprintf(text, sizeof text, "%.*s", (int)value.len, (const char *)value.data);
    }
    (void)snprintf(text, sizeof text, "%lu", strtoul(text, NULL, 10) + 1);
    value = cairn_slice_of(text);
#endif
    return code != CAIRN_OK ? code : cairn_map_put_as(counts, &types, &word, &value, err);
}

static const cairn_job job = {
    .version = CAIRN_JOB_VERSION, .name = "counts", .open = open_job, .split = split, .process = process};

const cairn_job *cairn_job_main(void)
{
    return &job;
}
"""
VERSIONS = {"numbers": ["-DNUMBERS"], "texts": [], "migrating": ["-DMIGRATES"]}
INPUT = "one\ntwo\none\nthree\n"
NAMES_BOTH = "open state 'counts': its value serializer is u64 version 1, not string version 1"


def check(condition, text):
    if not condition:
        raise SystemExit(f"FAILED  {text}")


def cairn(*words, code=0):
    done = subprocess.run([BIN, *map(str, words)], capture_output=True, timeout=120, check=False)
    check(done.returncode == code,
          f"{words}: exit {done.returncode}, wanted {code}: {done.stderr.decode()}")
    return done.stdout.decode(), done.stderr.decode()


def run(base, engine, version, code=0):
    return cairn("run", base / f"{version}.so", "--input", base / "in", "--output", base / f"{engine}-out",
                 "--checkpoints", f"file://{base}/{engine}", "--state-backend", engine, "--quiet", code=code)


def serializer(base, engine):
    path = sorted((base / engine / "counts").glob("chk-*/manifest.json"))[-1]
    state = json.loads(path.read_text())["operators"][0]["states"][0]
    return state["value_serializer"]


def count_of(base, engine, word):
    return cairn("get", f"file://{base}/{engine}/counts", "--state", "counts", "--key", word[0],
                 "--user-key", word)[0]


def change(base, engine):
    (base / "in").write_text(INPUT)
    run(base, engine, "numbers")
    check(serializer(base, engine) == {"id": "u64", "version": 1}, "the manifest names u64")

    _, err = run(base, engine, "texts", code=8)
    check(NAMES_BOTH in err, f"a line that names both: {err}")
    check(serializer(base, engine) == {"id": "u64", "version": 1}, "nothing was stored")
    check(count_of(base, engine, "one") == "2\n", "what is stored is read as a number")

    with (base / "in").open("a") as file:
        file.write("one\nfour\n")
    run(base, engine, "migrating")
    check(serializer(base, engine) == {"id": "string", "version": 1}, "the manifest names string")
    for word, count in (("one", 3), ("two", 1), ("three", 1), ("four", 1)):
        check(count_of(base, engine, word) == f"{count}\n", f"{word} was migrated")

    with (base / "in").open("a") as file:
        file.write("two\n")
    run(base, engine, "texts")
    check(count_of(base, engine, "two") == "2\n", "a job goes on without the migration")
    _, err = run(base, engine, "numbers", code=8)
    check("is string version 1, not u64 version 1" in err, f"the way back is refused: {err}")


def main():
    with tempfile.TemporaryDirectory() as name:
        base = pathlib.Path(name)
        (base / "job.c").write_text(JOB)
        for version, flags in VERSIONS.items():
            subprocess.run([os.environ.get("CAIRN_CC", "cc"), "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror",
                            *flags, f"-I{SOURCE}/include", "-o", base / f"{version}.so", base / "job.c"],
                           check=True)
        for engine in ENGINES:
            change(base, engine)
            print(f"ok      {engine}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
