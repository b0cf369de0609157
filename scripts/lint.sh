#!/usr/bin/env bash
# The checks that need no run: formatter, clang-tidy, layers, house rules, GCC's analyzer.
# lint.sh [format|tidy|layers|house|analyzer]... ; all of them if none is named. Runs each, fails if
# one does.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

lint_format() {
    find . -path ./build -prune -o -path ./.git -prune -o -path '*/data/*' -prune -o \
        \( -name '*.c' -o -name '*.h' \) -print0 | xargs -0 clang-format-14 --dry-run -Werror
}

# Over clang's compile commands: those of GCC name flags that clang-tidy does not know. With what the
# analyzer must know about errors.
lint_tidy() {
    cmake --preset clang >/dev/null || return
    if ! run-clang-tidy-14 -quiet -p build/clang -extra-arg=-include \
        -extra-arg="$PWD/cmake/analyzer.h" >build/clang/tidy.log 2>build/clang/tidy.err; then
        grep -vE '^clang-tidy-14 |^$' build/clang/tidy.log >&2
        return 1
    fi
}

lint_layers() { python3 tests/check_layers.py .; }
lint_house() { python3 tests/check_house.py .; }

lint_analyzer() {
    cmake --preset analyzer >/dev/null &&
        cmake --build --preset analyzer -- --quiet
}

[ $# -gt 0 ] || set -- format layers house tidy analyzer
failed=()
for part in "$@"; do
    start=$SECONDS
    if "lint_$part"; then
        echo "lint: $part is clean ($((SECONDS - start)) s)"
    else
        failed+=("$part")
    fi
done
[ ${#failed[@]} -eq 0 ] || { echo "lint: not clean: ${failed[*]}" >&2; exit 1; }
