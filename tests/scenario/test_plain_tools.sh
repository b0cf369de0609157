#!/usr/bin/env bash
# From a finished checkpoint, cp, jq and sha256sum alone rebuild the folder, and RocksDB's own ldb
# reads it. Nothing of cairn takes part after the job has run.
set -euo pipefail

cairn=${CAIRN_BIN:?}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@"; then
        echo "ok      $name"
        passed=$((passed + 1))
    else
        echo "FAILED  $name"
        echo "$passed passed, 1 failed"
        exit 1
    fi
}

for word in one two two three three three; do echo "$word"; done >"$scratch/input.txt"
"$cairn" run wordcount --input "$scratch/input.txt" --output "$scratch/out" \
    --checkpoints "file://$scratch/checkpoints" --quiet

job=$scratch/checkpoints/wordcount
manifest=$(ls -d "$job"/chk-*/manifest.json | sort -V | tail -n 1)
sealed_ok() {
    test "$(head -n -1 "$manifest" | sha256sum | cut -d' ' -f1)" = "$(jq -r .sha256 "$manifest")"
}
check "head and sha256sum confirm the manifest's seal" sealed_ok

mkdir "$scratch/db"
jq -r '.operators[].subtasks[].files[] | [.name, .key, .sha256] | @tsv' "$manifest" >"$scratch/files"
while IFS=$'\t' read -r name key _; do cp "$job/$key" "$scratch/db/$name"; done <"$scratch/files"
while IFS=$'\t' read -r name _ sha256; do echo "$sha256  $name"; done <"$scratch/files" >"$scratch/sums"
check "sha256sum confirms every file" bash -c "cd '$scratch/db' && sha256sum --quiet -c ../sums"

# Keys are: key group (1 byte), key, 00 01, 00 01; values of counts are 8 bytes, big-endian.
ldb --db="$scratch/db" --column_family=counts --hex scan >"$scratch/scan"
expect_key() { # WORD COUNT
    local hex
    hex=$(printf '%s' "$1" | od -An -tx1 | tr -d ' \n' | tr 'a-f' 'A-F')
    grep -qE "^0x[0-9A-F]{2}${hex}00010001 (==>|:) 0x$(printf '%016X' "$2")\$" "$scratch/scan"
}
check "ldb finds one" expect_key one 1
check "ldb finds two" expect_key two 2
check "ldb finds three" expect_key three 3
three_keys() { test "$(wc -l <"$scratch/scan")" = 3; }
check "ldb finds nothing else" three_keys

damaged_is_found() {
    local first
    first=$(head -n 1 "$scratch/files" | cut -f1)
    printf 'x' | dd of="$scratch/db/$first" bs=1 seek=3 conv=notrunc status=none
    ! (cd "$scratch/db" && sha256sum --quiet -c ../sums >/dev/null 2>&1)
}
check "sha256sum finds a changed byte" damaged_is_found

# The hash map: its small files share objects, which tail and head take apart.
"$cairn" run wordcount --input "$scratch/input.txt" --output "$scratch/heap-out" \
    --checkpoints "file://$scratch/heap" --state-backend hashmap --quiet
job=$scratch/heap/wordcount
manifest=$(ls -d "$job"/chk-*/manifest.json | sort -V | tail -n 1)
check "head and sha256sum confirm the seal of the hash map's manifest" sealed_ok
mkdir "$scratch/groups"
jq -r '.operators[].subtasks[].files[] | [.key, .offset, .size, .name] | @tsv' "$manifest" |
    while read -r key offset size name; do
        tail -c +$((offset + 1)) "$job/$key" | head -c "$size" >"$scratch/groups/$name"
    done
jq -r '.operators[].subtasks[].files[] | "\(.sha256)  \(.name)"' "$manifest" >"$scratch/heap-sums"
check "three words stand in three group files" test "$(wc -l <"$scratch/heap-sums")" = 3
check "sha256sum confirms every group file" \
    bash -c "cd '$scratch/groups' && sha256sum --quiet -c ../heap-sums"
check "a group file holds its word" grep -q three "$scratch"/groups/kg-*.heap
echo "$passed passed, 0 failed"
