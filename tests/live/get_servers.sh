#!/usr/bin/env bash
# Puts the servers of the live tests into ${XDG_CACHE_HOME:-$HOME/.cache}/cairn, once.
#
#   get_servers.sh [minio|versitygw|hadoop]...    all of them if none is named
#
# MinIO and versitygw are built by `go install`, Hadoop's jars come by Maven: the module proxy and the
# repository that go and mvn are configured for are all that is asked. Prints nothing when all is
# there; what it can't get is an error that says what is missing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cairn
minio_module=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
versitygw_module=github.com/versity/versitygw/cmd/versitygw@v1.7.0
hadoop_version=3.5.0
# Has what both modules ask for; fetched only where the installed go is older.
toolchain=1.26.0

die() {
    echo "get_servers: $*" >&2
    exit 1
}

# Since 1.21 go fetches the toolchain that a module asks for. Debian 12's 1.19 does not know how; to
# it the toolchain is a module like any other, whose programs lost their x bits in the archive.
pick_go() {
    local version folder
    command -v go >/dev/null || die "go is missing: install golang-go, or Go 1.21 or newer"
    version=$(go env GOVERSION)
    version=${version#go1.}
    version=${version%%[!0-9]*}
    go=go
    if [ "${version:-0}" -lt 21 ]; then
        echo "get_servers: go 1.$version is too old for these modules: fetching go $toolchain"
        folder=$(cd / && go mod download -json \
            "golang.org/toolchain@v0.0.1-go$toolchain.linux-$(go env GOARCH)" |
            sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
        [ -d "$folder" ] || die "go $toolchain could not be fetched: install Go 1.21 or newer"
        chmod -R u+w "$folder"
        chmod +x "$folder"/bin/* "$folder"/pkg/tool/*/*
        go=$folder/bin/go
    fi
}

# built NAME MODULE@VERSION: it is there; a file beside the program, else its own note, tells the version.
built() {
    [ -x "$cache/bin/$1" ] || return 1
    [ "$(cat "$cache/bin/$1.version" 2>/dev/null)" != "$2" ] || return 0
    go version -m "$cache/bin/$1" 2>/dev/null | grep -q "[[:space:]]${2##*@}[[:space:]]" || return 1
    echo "$2" >"$cache/bin/$1.version"
}

# go_program NAME MODULE@VERSION
go_program() {
    local name=$1 module=$2
    ! built "$name" "$module" || return 0
    pick_go
    echo "get_servers: building $module (minutes)"
    GOBIN=$cache/bin CGO_ENABLED=0 "$go" install "$module" >"$cache/$name.log" 2>&1 || {
        tail -n 20 "$cache/$name.log" >&2
        die "$module can not be built: see $cache/$name.log"
    }
    echo "$module" >"$cache/bin/$name.version"
}

hadoop() {
    local to=$cache/hadoop-$hadoop_version
    [ ! -f "$to/VERSION" ] || return 0
    command -v mvn >/dev/null || die "mvn is missing: install maven and default-jdk-headless"
    command -v java >/dev/null || die "java is missing: install default-jdk-headless"
    echo "get_servers: fetching the jars of Hadoop $hadoop_version"
    rm -rf "$to"
    mkdir -p "$to"
    mvn -B -q -ntp -f "$here/hdfs/pom.xml" -Dhadoop.version="$hadoop_version" \
        org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$to/lib" >"$cache/hadoop.log" 2>&1 || {
        tail -n 20 "$cache/hadoop.log" >&2
        die "Hadoop's jars can not be fetched: see $cache/hadoop.log"
    }
    echo "$hadoop_version" >"$to/VERSION"
}

mkdir -p "$cache/bin"
exec 9>"$cache/lock"
flock 9
[ $# -gt 0 ] || set -- minio versitygw hadoop
for name in "$@"; do
    case $name in
    minio) go_program minio "$minio_module" ;;
    versitygw) go_program versitygw "$versitygw_module" ;;
    hadoop) hadoop ;;
    *) die "no server is called '$name'" ;;
    esac
done
