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
