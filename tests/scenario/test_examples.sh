#!/usr/bin/env bash
# The examples are compiled as their own comments say, and run.
set -euo pipefail

fail() {
    echo "test_examples: $*" >&2
    exit 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
examples=$CAIRN_SOURCE_DIR/examples
sanitize=${CAIRN_SANITIZE:+-fsanitize=$CAIRN_SANITIZE}

# What the installed cairn.pc gives, for the build tree.
mkdir pkgconfig
cat > pkgconfig/cairn.pc <<EOF
Name: cairn
Description: build tree
Version: 0
Cflags: -I$CAIRN_SOURCE_DIR/include
Libs: -L$CAIRN_BUILD_DIR/src -lcairn
EOF
export PKG_CONFIG_PATH=$PWD/pkgconfig LD_LIBRARY_PATH=$CAIRN_BUILD_DIR/src

# quickstart: each run goes on from the one before, on an empty local disk too.
read -ra flags <<< "$(pkg-config --cflags --libs cairn)"
"$CAIRN_CC" -std=c11 -Wall -Wextra -Werror $sanitize "$examples/quickstart.c" -o quickstart "${flags[@]}"
for run in 1 2 3; do
    found=$(./quickstart)
    [ "$found" = "visit $run" ] || fail "run $run of quickstart says '$found'"
    rm -rf local
done
lines=$(wc -l < "$examples/quickstart.c")
[ "$lines" -lt 60 ] || fail "quickstart.c has $lines lines"

# running_max_job: built by job.mk, run by the command, over a stop in the middle of the input.
cp "$examples/running_max_job.c" "$examples/job.mk" .
make -s -f job.mk CC="$CAIRN_CC" running_max_job.so
run_max() {
    "$CAIRN_BIN" run ./running_max_job.so --quiet --input "$1" --output out \
        --checkpoints "file://$PWD/checkpoints" --checkpoint-every 2 --local-dir local
}
printf '%s\n' a,3 b,-7 'no number' a,2 a,x b,-5 > input
run_max input
printf '%s\n' a,4 b,-6 c,0 >> input
run_max input
printf '%s\t%s\n' a 3 b -7 b -5 a 4 c 0 > expected
cat out/* > found
cmp found expected || fail "running_max_job put out: $(cat found)"

# top_scores_job: the numbers of an input that comes in ten parts, each run stopping at its end, give
# what one run over the whole gives, and the last line of each key is what sort finds.
cp "$examples/top_scores_job.c" .
make -s -f job.mk CC="$CAIRN_CC" top_scores_job.so
run_top() {
    "$CAIRN_BIN" run ./top_scores_job.so --quiet --input "$1" --output "$2" \
        --checkpoints "file://$PWD/$2.checkpoints" --checkpoint-every 7 --local-dir local
}
awk 'BEGIN { x = 1
    for (i = 0; i < 400; i++) { x = (x * 16807) % 2147483647; print "k" x % 7 "," int(x / 7) % 1000 } }' > whole
: > parts
for part in 1 2 3 4 5 6 7 8 9 10; do
    tail -n +$(((part - 1) * 40 + 1)) whole | head -n 40 >> parts
    run_top parts disturbed
done
run_top whole undisturbed
cat disturbed/* > found
cat undisturbed/* > expected
cmp found expected || fail "top_scores_job depends on where it stops"
for key in k0 k1 k2 k3 k4 k5 k6; do
    best=$(grep "^$key," whole | cut -d, -f2 | sort -rn | head -n 3 | paste -sd,)
    found=$(grep "^$key	" expected | tail -n 1 | cut -f2)
    [ "$found" = "$best" ] || fail "top_scores_job says $key $found, sort says $best"
done

# The jobs that count in event time share a header; test_job_models.py runs them.
cp "$examples/window_count_job.c" "$examples/session_join_job.c" "$examples/event_time.h" .
make -s -f job.mk CC="$CAIRN_CC" window_count_job.so session_join_job.so
