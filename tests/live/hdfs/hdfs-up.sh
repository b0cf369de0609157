#!/bin/bash
# hdfs-up.sh DIR [plain|tls|ha|kerberos]
# Make and start a fresh HDFS under DIR (erases DIR/data) and wait until it takes writes. In it is the
# folder /cairn, in which everybody may write.
# Jars: DIR/lib, or HDFS_LIB=<install dir>/lib. Writes DIR/cluster.env.
# Environment: NDN (number of DataNodes, 1), SUPERUSER (hdfs),
#   PORT_BASE (first port tried; keep it below the ephemeral range, which starts at 32768 on Linux),
#   HDFS_EXTRA_CORE / HDFS_EXTRA_HDFS (files of key=value lines, override the templates),
#   NN_HEAP DN_HEAP JN_HEAP (MB), HDFS_JVM_EXTRA, JAVA, WAIT_S (120), NO_DN=1 (start no DataNode).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/hdfs-lib.bash"
[ $# -ge 1 ] || { echo "usage: hdfs-up.sh DIR [plain|tls|ha|kerberos]" >&2; exit 2; }
mkdir -p "$1"
DIR=$(cd "$1" && pwd)
MODE=${2:-plain}
case $MODE in plain|tls|ha|kerberos) ;; *) die "unknown mode $MODE" ;; esac
LIB=${HDFS_LIB:-$DIR/lib}
ls "$LIB"/hadoop-hdfs-*.jar >/dev/null 2>&1 || die "no hadoop jars in $LIB (run get_servers.sh hadoop, or set HDFS_LIB)"
for f in "$DIR"/run/*.pid; do
  [ -e "$f" ] || continue
  n=${f##*/}; n=${n%.pid}
  pid_of "$n" >/dev/null && die "$n still runs; hdfs-down.sh $DIR first"
done
SUPERUSER=${SUPERUSER:-hdfs}
NDN=${NDN:-1}
REALM=HDFS.TEST
# One name everywhere: Kerberos and certificates need a name rather than an address.
case $MODE in kerberos|tls) HOST=localhost ;; *) HOST=127.0.0.1 ;; esac
t0=$(date +%s%N)
rm -rf "$DIR/data" "$DIR/conf" "$DIR/log" "$DIR/run" "$DIR/tmp" "$DIR/tls" "$DIR/krb5" "$DIR/web" "$DIR/cluster.env"
mkdir -p "$DIR"/{data,conf,log,run,tmp}
# The published jars hold no web pages; HttpServer2 only wants the directories to exist.
mkdir -p "$DIR"/web/webapps/{hdfs,datanode,journal,secondary,static}

# --- ports: below the usual ephemeral range, skipping those in use
next_port=${PORT_BASE:-$((20000 + ($$ * 37) % 10000))}
take_port() {
  while (exec 3<>"/dev/tcp/127.0.0.1/$next_port") 2>/dev/null; do next_port=$((next_port + 1)); done
  PORT=$next_port
  next_port=$((next_port + 1))
}
for v in NN1_RPC NN1_HTTP NN2_RPC NN2_HTTP JN1_RPC JN1_HTTP KDC_PORT; do take_port; printf -v "$v" %s "$PORT"; done
declare -a DN_XFER DN_IPC DN_HTTP
for i in $(seq 1 "$NDN"); do
  take_port; DN_XFER[i]=$PORT; take_port; DN_IPC[i]=$PORT; take_port; DN_HTTP[i]=$PORT
done
if [ "$MODE" = ha ]; then DEFAULT_FS=hdfs://ns; else DEFAULT_FS=hdfs://$HOST:$NN1_RPC; fi
if [ "$MODE" = tls ]; then SCHEME=https; else SCHEME=http; fi

# --- configuration
subst() {
  sed -e "s|@DIR@|$DIR|g" -e "s|@DEFAULT_FS@|$DEFAULT_FS|g" -e "s|@SUPERUSER@|$SUPERUSER|g" \
      -e "s|@HOST@|$HOST|g" -e "s|@REALM@|$REALM|g" -e "s|@KDC_PORT@|$KDC_PORT|g" \
      -e "s|@NN1_RPC@|$NN1_RPC|g" -e "s|@NN1_HTTP@|$NN1_HTTP|g" -e "s|@NN2_RPC@|$NN2_RPC|g" \
      -e "s|@NN2_HTTP@|$NN2_HTTP|g" -e "s|@JN1_RPC@|$JN1_RPC|g"
}
to_xml() {              # key=value lines on stdin (later ones win) -> Hadoop XML
  awk 'BEGIN { print "<?xml version=\"1.0\"?>\n<configuration>" }
    /^[ \t]*(#|$)/ { next }
    { i = index($0, "="); k = substr($0, 1, i - 1); if (!(k in v)) key[++n] = k; v[k] = substr($0, i + 1) }
    END { for (j = 1; j <= n; j++) { x = v[key[j]]; gsub(/&/, "\\&amp;", x); gsub(/</, "\\&lt;", x);
            printf " <property><name>%s</name><value>%s</value></property>\n", key[j], x }
          print "</configuration>" }'
}
tmpl() { local f; for f in "$@"; do if [ -f "$f" ]; then cat "$f"; echo; fi; done; }
make_conf() {           # make_conf NAME, extra hdfs-site lines on stdin
  local c="$DIR/conf/$1"
  mkdir -p "$c"
  cp "$here/templates/log4j.properties" "$c/"
  tmpl "$here/templates/core.common" "$here/templates/core.$MODE" ${HDFS_EXTRA_CORE:-} | subst | to_xml >"$c/core-site.xml"
  { tmpl "$here/templates/hdfs.common" "$here/templates/hdfs.$MODE"; cat; tmpl ${HDFS_EXTRA_HDFS:-}; } | subst | to_xml >"$c/hdfs-site.xml"
  for s in ssl-server ssl-client; do
    if [ -f "$here/templates/$s.$MODE" ]; then subst <"$here/templates/$s.$MODE" | to_xml >"$c/$s.xml"; fi
  done
}
nn_addr() {             # single NameNode addresses, also needed by the tools and DataNodes
  [ "$MODE" = ha ] && return 0
  echo "dfs.namenode.rpc-address=$HOST:$NN1_RPC"
  if [ "$MODE" = tls ]; then echo "dfs.namenode.https-address=$HOST:$NN1_HTTP"
  else echo "dfs.namenode.http-address=$HOST:$NN1_HTTP"; fi
}
NNS=nn1; [ "$MODE" = ha ] && NNS="nn1 nn2"
for n in $NNS; do
  { nn_addr; echo "dfs.namenode.name.dir=file://$DIR/data/$n"
    if [ "$MODE" = ha ]; then echo "dfs.ha.namenode.id=$n"; fi; } | make_conf "$n"
done
DNS=
for i in $(seq 1 "$NDN"); do
  DNS="$DNS dn$i"
  { nn_addr; cat "$here/templates/hdfs.datanode"; echo "dfs.datanode.data.dir=file://$DIR/data/dn$i"
    echo "dfs.datanode.address=127.0.0.1:${DN_XFER[i]}"
    echo "dfs.datanode.ipc.address=127.0.0.1:${DN_IPC[i]}"
    if [ "$MODE" = tls ]; then echo "dfs.datanode.https.address=127.0.0.1:${DN_HTTP[i]}"
    else echo "dfs.datanode.http.address=127.0.0.1:${DN_HTTP[i]}"; fi; } | make_conf "dn$i"
done
JNS=
if [ "$MODE" = ha ]; then
  JNS=jn1
  { echo "dfs.journalnode.edits.dir=$DIR/data/jn1"; echo "dfs.journalnode.rpc-address=127.0.0.1:$JN1_RPC"
    echo "dfs.journalnode.http-address=127.0.0.1:$JN1_HTTP"; } | make_conf jn1
fi
nn_addr | make_conf cli

# --- TLS: a self-signed certificate for localhost
if [ "$MODE" = tls ]; then
  mkdir -p "$DIR/tls"
  kt() { keytool "$@" >>"$DIR/log/keytool.log" 2>&1 || die "keytool failed, see $DIR/log/keytool.log"; }
  kt -genkeypair -alias server -keyalg RSA -keysize 2048 -validity 3650 -dname CN=localhost \
     -ext san=dns:localhost,ip:127.0.0.1 -storetype pkcs12 -keystore "$DIR/tls/server.p12" -storepass changeit -keypass changeit
  kt -exportcert -rfc -alias server -keystore "$DIR/tls/server.p12" -storepass changeit -file "$DIR/tls/ca.pem"
  kt -importcert -noprompt -alias ca -file "$DIR/tls/ca.pem" -storetype pkcs12 -keystore "$DIR/tls/trust.p12" -storepass changeit
fi
# --- Kerberos realm
if [ "$MODE" = kerberos ]; then . "$here/hdfs-kdc.bash"; kdc_up; fi

{ echo "DIR='$DIR'"; echo "LIB='$LIB'"; echo "MODE=$MODE"; echo "HOST=$HOST"; echo "SUPERUSER=$SUPERUSER"
  echo "NNS='$NNS'"; echo "DNS='${DNS# }'"; echo "JNS='$JNS'"; echo "SCHEME=$SCHEME"
  echo "NN1_URL=$SCHEME://$HOST:$NN1_HTTP"; echo "NN1_RPC=$NN1_RPC"
  if [ "$MODE" = ha ]; then echo "NN2_URL=$SCHEME://$HOST:$NN2_HTTP"; echo "NN2_RPC=$NN2_RPC"; fi
  for i in $(seq 1 "$NDN"); do echo "DN${i}_URL=$SCHEME://$HOST:${DN_HTTP[i]}"; echo "DN${i}_XFER=${DN_XFER[i]}"; done
  if [ "$MODE" = tls ]; then echo "CACERT='$DIR/tls/ca.pem'"; fi
  if [ "$MODE" = kerberos ]; then
    echo "export KRB5_CONFIG='$DIR/krb5/krb5.conf'"; echo "REALM=$REALM"; echo "KEYTABS='$DIR/krb5'"; fi
} >"$DIR/cluster.env"

# --- format and start
export HADOOP_USER_NAME=$SUPERUSER
# A port may be taken between choosing and binding it: start over on other ports, twice at most.
gone() {
  if grep -q BindException "$DIR/log/$1.log" && [ "${HDFS_UP_TRY:-0}" -lt 2 ]; then
    echo "$1: a port is taken, trying others" >&2
    bash "$here/hdfs-down.sh" "$DIR"
    export HDFS_UP_TRY=$((${HDFS_UP_TRY:-0} + 1)) PORT_BASE=$((next_port + 200))
    exec bash "$here/hdfs-up.sh" "$DIR" "$MODE"
  fi
  tail -20 "$DIR/log/$1.log" >&2
  die "$1 died, see $DIR/log/$1.log"
}
ms() { echo $(( ($(date +%s%N) - t0) / 1000000 )); }
echo "prepared      +$(ms) ms"
for n in $JNS; do start_proc "$n"; done
wait_tcp() {             # wait_tcp PORT NAME
  local i
  for i in $(seq 1 600); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    pid_of "$2" >/dev/null || gone "$2"
    sleep 0.1
  done
  die "nothing listens on $1 ($2)"
}
if [ -n "$JNS" ]; then wait_tcp "$JN1_RPC" jn1; fi
# The DataNodes may start before there is a NameNode: they try again.
if [ -z "${NO_DN:-}" ]; then for n in $DNS; do start_proc "$n"; done; fi
java_argv nn1
"${JAVA_ARGV[@]}" "$(class_of nn1)" -format -force -nonInteractive >"$DIR/log/format.log" 2>&1 || { tail -30 "$DIR/log/format.log" >&2; die "format failed"; }
echo "formatted     +$(ms) ms"
start_proc nn1
if [ "$MODE" = ha ]; then
  wait_tcp "$NN1_RPC" nn1
  java_argv nn2
  "${JAVA_ARGV[@]}" "$(class_of nn2)" -bootstrapStandby -force -nonInteractive >"$DIR/log/bootstrap.log" 2>&1 || { tail -30 "$DIR/log/bootstrap.log" >&2; die "bootstrapStandby failed"; }
  echo "bootstrapped  +$(ms) ms"
  start_proc nn2
  wait_tcp "$NN2_RPC" nn2
  run_tool org.apache.hadoop.hdfs.tools.DFSHAAdmin -transitionToActive nn1 >>"$DIR/log/cli.log" 2>&1 || { tail -5 "$DIR/log/cli.log" >&2; die "transitionToActive failed"; }
  echo "nn1 active    +$(ms) ms"
fi

# --- ready: safe mode off and every DataNode alive, over JMX (no Hadoop client)
CURL=(curl -s --max-time 20)
if [ "$MODE" = tls ]; then CURL+=(--cacert "$DIR/tls/ca.pem"); fi
if [ "$MODE" = kerberos ]; then
  export KRB5_CONFIG=$DIR/krb5/krb5.conf KRB5CCNAME=FILE:$DIR/krb5/cc.up
  "${KINIT:-kinit}" -k -t "$DIR/krb5/hdfs.keytab" "hdfs/$HOST@$REALM"
  CURL+=(--negotiate -u :)
  as_superuser=
else
  as_superuser="&user.name=$SUPERUSER"
fi
want=$NDN; up_dns=$DNS
if [ -n "${NO_DN:-}" ]; then want=0; up_dns=; fi
deadline=$(( $(date +%s) + ${WAIT_S:-120} ))
seen=
while :; do
  for n in $NNS $JNS $up_dns; do pid_of "$n" >/dev/null || gone "$n"; done
  out=$("${CURL[@]}" "$SCHEME://$HOST:$NN1_HTTP/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState" || true)
  if [ -z "$seen" ] && [ -n "$out" ]; then seen=1; echo "NN http up    +$(ms) ms"; fi
  live=$(printf '%s' "$out" | sed -n 's/.*"NumLiveDataNodes" : \([0-9]*\).*/\1/p')
  state=$(printf '%s' "$out" | sed -n 's/.*"FSState" : "\([A-Za-z]*\)".*/\1/p')
  if [ -n "${NO_DN:-}" ] && [ -n "$state" ]; then break; fi
  [ "${live:-0}" -ge "$want" ] && [ "$state" = Operational ] && break
  [ "$(date +%s)" -lt "$deadline" ] || die "not ready after ${WAIT_S:-120} s (live=$live state=$state); logs in $DIR/log"
  sleep 0.1
done
"${CURL[@]}" -f -X PUT "$SCHEME://$HOST:$NN1_HTTP/webhdfs/v1/cairn?op=MKDIRS&permission=777$as_superuser" >/dev/null ||
  die "the folder /cairn can't be made"
echo "ready         +$(ms) ms (mode $MODE, live DataNodes $live, $state)"
cat "$DIR/cluster.env"
