#!/usr/bin/env bash
# Counts the words of a real text, kills the worker in the middle, takes its local disk away, starts it
# again elsewhere, and compares what it published with tr, sort and uniq. Needs CAIRN_BIN.
# DEMO_MB sets the size of the text (default 32).
set -euo pipefail

bin=${CAIRN_BIN:?the path of the command cairn}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/cairn-demo-XXXXXX")
worker=
deadline=$((SECONDS + 80))

cleanup() {
    if [ -n "$worker" ]; then
        kill -9 "$worker" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
    printf '\n== %s\n' "$*"
}

fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

# start LOCAL-DIR: the same job on another disk; everything else stays.
start() {
    "$bin" run wordcount --input "$work/text" --output "$work/published" \
        --checkpoints "file://$work/checkpoints" --checkpoint-interval 1s --local-dir "$1" \
        -D execution.checkpointing.num-retained=3 2>"$work/log" &
    worker=$!
}

# The log without its middle.
show_log() {
    awk '{ line[NR] = $0 }
         END { for (i = 1; i <= NR; i++) if (i <= 4 || i > NR - 3) print line[i]
               else if (i == 5) print "    ... " NR - 7 " lines ..." }' "$work/log"
}

newest() {
    "$bin" list "$work/checkpoints/wordcount" --json 2>/dev/null |
        sed -n 's/^ *"id": "\([0-9]*\)",$/\1/p' | sed -n 1p || true
}

say "A text of ${DEMO_MB:-32} MB, from the licences, manuals and documents of this machine"
python3 "$here/make_text.py" $((${DEMO_MB:-32} * 1000000)) >"$work/text"
wc -lc "$work/text"

say "Count its words, with a checkpoint every second"
start "$work/disk-1"
while :; do
    at=$(newest)
    if [ "${at:-0}" -ge 4 ]; then
        break
    fi
    kill -0 "$worker" 2>/dev/null || {
        cat "$work/log" >&2
        fail "the worker ended before its fourth checkpoint: take a larger DEMO_MB"
    }
    [ $SECONDS -lt $deadline ] || fail "no fourth checkpoint in time"
    sleep 0.1
done

say "Kill the worker (SIGKILL) in the middle"
kill -9 "$worker" || fail "the worker had ended already: take a larger DEMO_MB"
wait "$worker" 2>/dev/null || true
worker=
show_log
"$bin" list "$work/checkpoints/wordcount"

say "Delete its local disk, with all working state on it"
rm -rf "$work/disk-1"

say "Start it again on another disk: it goes on from the newest checkpoint"
start "$work/disk-2"
wait "$worker" || {
    cat "$work/log" >&2
    fail "the second run failed"
}
worker=
show_log
grep -q "from checkpoint" "$work/log" || fail "the second run did not begin at a checkpoint"
"$bin" list "$work/checkpoints/wordcount"
"$bin" verify "$work/checkpoints/wordcount"

say "Compare the published counts with tr | sort | uniq -c"
export LC_ALL=C
cat "$work"/published/part-* |
    awk -F '\t' '{ count[$1] = $2 } END { for (word in count) print word "\t" count[word] }' |
    sort >"$work/counted"
tr -cs 'A-Za-z0-9' '\n' <"$work/text" | tr 'A-Z' 'a-z' | grep . | sort -S 200M | uniq -c |
    awk '{ print $2 "\t" $1 }' | sort >"$work/wanted"
if ! diff "$work/wanted" "$work/counted" >"$work/diff"; then
    sed -n 1,10p "$work/diff" >&2
    fail "the counts differ"
fi
printf 'The same: %s different words, the most frequent:\n' "$(wc -l <"$work/counted")"
sort -k2,2nr "$work/counted" | sed -n 1,5p
