# Shared by the hdfs-*.sh scripts; sourced, not run.
# Hadoop reflects into these; the other options are for a quick start.
ADD_OPENS="-XX:+IgnoreUnrecognizedVMOptions"
for _x in java.io java.lang java.lang.reflect java.math java.net java.text java.util \
          java.util.concurrent java.util.zip sun.security.util sun.security.x509 ; do
  ADD_OPENS="$ADD_OPENS --add-opens java.base/$_x=ALL-UNNAMED"
done
JVM_COMMON="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -XX:-UsePerfData -Djava.net.preferIPv4Stack=true -Djava.awt.headless=true"

die() { echo "$0: $*" >&2; exit 1; }

load_dir() {            # load_dir DIR : sets DIR, LIB and what hdfs-up.sh recorded
  [ -d "$1" ] || die "no such directory: $1"
  DIR=$(cd "$1" && pwd)
  if [ -f "$DIR/cluster.env" ]; then . "$DIR/cluster.env"; fi
  LIB=${HDFS_LIB:-${LIB:-$DIR/lib}}
}

heap_of() {             # heap per kind of process, MB
  case $1 in
    nn*) echo "${NN_HEAP:-128}" ;;
    dn*) echo "${DN_HEAP:-128}" ;;
    jn*) echo "${JN_HEAP:-96}" ;;
    *)   echo "${CLI_HEAP:-128}" ;;
  esac
}

class_of() {
  case $1 in
    nn*) echo org.apache.hadoop.hdfs.server.namenode.NameNode ;;
    dn*) echo org.apache.hadoop.hdfs.server.datanode.DataNode ;;
    jn*) echo org.apache.hadoop.hdfs.qjournal.server.JournalNode ;;
    *) die "unknown process name $1" ;;
  esac
}

# java command line of process/conf $1, in the array JAVA_ARGV
java_argv() {
  JAVA_ARGV=("${JAVA:-java}" "-Dhdfs.test.dir=$DIR" "-Dhdfs.test.name=$1" "-Xmx$(heap_of "$1")m")
  # shellcheck disable=SC2206
  JAVA_ARGV+=($JVM_COMMON $ADD_OPENS ${HDFS_JVM_EXTRA:-})
  [ -f "$DIR/krb5/krb5.conf" ] && JAVA_ARGV+=("-Djava.security.krb5.conf=$DIR/krb5/krb5.conf")
  JAVA_ARGV+=("-Dhadoop.log.dir=$DIR/log" -cp "$DIR/conf/$1:$DIR/web:$LIB/*")
}

pid_of() {              # pid of process $1 if it is alive and ours
  local p
  [ -f "$DIR/run/$1.pid" ] || return 1
  p=$(cat "$DIR/run/$1.pid")
  [ -r "/proc/$p/cmdline" ] || return 1
  if [ "$1" = kdc ]; then
    tr "\0" "\n" <"/proc/$p/cmdline" | grep -qxF "$DIR/run/kdc.pid" || return 1
  else
    tr '\0' '\n' <"/proc/$p/cmdline" | grep -qxF -e "-Dhdfs.test.dir=$DIR" || return 1
  fi
  echo "$p"
}

start_proc() {          # start_proc NAME
  pid_of "$1" >/dev/null && return 0
  java_argv "$1"
  export HADOOP_USER_NAME=${SUPERUSER:-hdfs}
  setsid "${JAVA_ARGV[@]}" "$(class_of "$1")" >>"$DIR/log/$1.log" 2>&1 </dev/null &
  echo $! >"$DIR/run/$1.pid"
  wait_exec "$1"
}

wait_exec() {           # until the new process shows its own command line (pid_of checks that)
  local i p
  p=$(cat "$DIR/run/$1.pid")
  for i in $(seq 1 250); do
    pid_of "$1" >/dev/null && return 0
    kill -0 "$p" 2>/dev/null || return 0
    sleep 0.02
  done
}

stop_proc() {           # stop_proc NAME [SIGNAL]
  local p i
  p=$(pid_of "$1") || { rm -f "$DIR/run/$1.pid"; return 0; }
  kill -CONT "$p" 2>/dev/null || true
  kill "-${2:-TERM}" "$p" 2>/dev/null || true
  for i in $(seq 1 100); do
    pid_of "$1" >/dev/null || break
    sleep 0.1
  done
  if pid_of "$1" >/dev/null; then kill -KILL "$p" 2>/dev/null || true; sleep 0.2; fi
  rm -f "$DIR/run/$1.pid"
}

run_tool() {            # run_tool CLASS ARGS... : a Hadoop command line tool
  local c=$1; shift
  java_argv cli
  HADOOP_USER_NAME=${HADOOP_USER_NAME:-${SUPERUSER:-hdfs}} "${JAVA_ARGV[@]}" "$c" "$@"
}
