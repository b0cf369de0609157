#!/usr/bin/env bash
# The counts that a release reports, in full: CI runs a part of each. Needs a debug build (fail points),
# a bench build and about an hour on 2 cores. Writes one log per part into OUT (default: build/must_show).
#
#     cmake --preset debug && cmake --build --preset debug
#     cmake --preset bench && cmake --build --preset bench
#     scripts/must_show.sh [PART...]      parts: kills points flips fencing model state kinds heap checkpoint memory s3 hdfs
#
# s3 and hdfs start their own servers; which clients they stand beside, and where these are looked for, is told
# at the top of bench/bench_s3.py and bench/bench_hdfs.py.
set -euo pipefail

cd "$(dirname "$0")/.."
source_dir=$PWD
out=${OUT:-$source_dir/build/must_show}
export CAIRN_SOURCE_DIR=$source_dir
export CAIRN_BIN=${CAIRN_BIN:-$source_dir/build/debug/bin/cairn}
bench=${CAIRN_BENCH_DIR:-$source_dir/build/bench/bin}
export CAIRN_BENCH_DIR=$bench
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$out"

run() { # PART COMMAND...
    local part=$1
    shift
    printf '%-12s ' "$part"
    if "$@" >"$out/$part.log" 2>&1; then
        tail -n 1 "$out/$part.log"
    else
        echo "FAILED: see $out/$part.log"
        failed=1
    fi
}

kills() { run kills python3 tests/fault/kill_matrix.py --random 1000 --seed 20261122; }
points() { run points python3 tests/fault/kill_matrix.py --points; }
flips() { run flips python3 tests/fault/flip_matrix.py --regions 200; }
fencing() { CAIRN_STOP_SECONDS=60 CAIRN_FENCING_ROUNDS=20 run fencing python3 tests/scenario/test_fencing.py; }
model() { run model python3 tests/model/run_model.py; }
state() {
    local keys bytes
    for keys in 1000000 10000000; do
        for bytes in 16 100; do
            rm -rf "$scratch/state"
            run "state-$keys-$bytes" "$bench/bench_state" "$scratch/state" "$keys" "$bytes"
        done
    done
}
kinds() {
    rm -rf "$scratch/kinds"
    run kinds "$bench/bench_kinds" "$scratch/kinds" 100000
}
heap() { # with Debian's libjemalloc2, for both sides
    local jemalloc
    jemalloc=$(find /usr/lib -name libjemalloc.so.2 | head -n 1)
    run heap-1000000 env LD_PRELOAD="$jemalloc" "$bench/bench_heap" 1000000
    run heap-10000000 env LD_PRELOAD="$jemalloc" "$bench/bench_heap" 10000000
    run heap-snapshot env LD_PRELOAD="$jemalloc" "$bench/bench_heap" 10000000 --snapshot
}
checkpoint() { # about 0.25, 1.2 and 4 GB of state
    local size
    for size in "2000000 100" "10000000 100" "1000000 4000"; do
        rm -rf "$scratch/checkpoint"
        mkdir "$scratch/checkpoint"
        # shellcheck disable=SC2086
        run "checkpoint-${size/ /-}" "$bench/bench_checkpoint" "$scratch/checkpoint" $size
    done
}
memory() { run memory python3 bench/worker_memory.py; }
s3() { run s3 python3 bench/bench_s3.py; }
hdfs() { run hdfs python3 bench/bench_hdfs.py; }

failed=0
for part in "${@:-kills points flips fencing model state kinds heap checkpoint memory s3 hdfs}"; do
    for name in $part; do "$name"; done
done
exit "$failed"
