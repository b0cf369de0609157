#!/usr/bin/env bash
# Installs what is missing of Debian's packages.
#
#   install-deps.sh build   what building and running needs
#   install-deps.sh dev     and what tests, checks and formatter need
#   install-deps.sh live    what the servers of the live tests need; a Go, Java or Maven that is not
#                           Debian's is taken as it is
#
# Does nothing, without root, when all is there.
set -euo pipefail

build=(build-essential ca-certificates cmake libcjson-dev libcurl4-openssl-dev libexpat1-dev
    librocksdb-dev libssl-dev libyaml-dev ninja-build pkg-config python3)
dev=(ccache clang-14 clang-format-14 clang-tidy-14 git jq libclang-rt-14-dev
    libcmocka-dev rocksdb-tools spin strace locales)

live=(krb5-admin-server krb5-kdc krb5-user openssl)
command -v go >/dev/null || live+=(golang-go)
command -v java >/dev/null || live+=(default-jdk-headless)
command -v mvn >/dev/null || live+=(maven)

case ${1:-} in
build) wanted=("${build[@]}") ;;
dev) wanted=("${build[@]}" "${dev[@]}") ;;
live) wanted=("${live[@]}") ;;
*)
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

if ! command -v apt-get >/dev/null; then
    echo "install-deps: this is not Debian; install the equivalents of: ${wanted[*]}" >&2
    exit 1
fi

missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps: neither root nor sudo; ask an administrator for: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "install-deps: installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null
