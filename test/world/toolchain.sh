#!/bin/bash
# toolchain.sh up | down | status | purge: the real container tools that tests run on, without touching the system.
#
# dockerd, buildx, containerd, a registry, cosign, crane, oras, skopeo and kubectl are unpacked (dpkg -x, never installed) from Debian testing,
# PostgreSQL and Chromium from the host's own release, into a private directory and started there (Chromium by the tests that look at
# pages, kubectl by those that build manifests: there is no cluster); world.json in it says what runs and where. What runs already is left alone. Started by scripts/world.ts.
#
# Exit: 0 all of it; 1 something failed; 2 usage; 3 something cannot be had on this machine (named on stderr; the rest is up).
# Variables: TRUSTED_BUILDS_WORLD (the directory), TRUSTED_BUILDS_DEBIAN_MIRROR (where the system's own apt sources name none).
set -euo pipefail
export LC_ALL=C
umask 022

ROOT=${TRUSTED_BUILDS_WORLD:-${TMPDIR:-${TMP:-${TEMP:-/tmp}}}} # as Node's os.tmpdir()
[ -n "${TRUSTED_BUILDS_WORLD:-}" ] || ROOT=${ROOT%/}/trusted-builds-world-$(id -u)
SUITE=forky # the oldest Debian suite whose BuildKit writes SLSA v1 provenance, as of 2026-11
PACKAGES="docker.io docker-cli docker-buildx containerd docker-registry cosign crane oras"
# These two come from the host's own release where it is Debian: the newer runc needs a newer C library.
HOST_PACKAGES="runc busybox-static"
LOCK_SECONDS=300 READY_TENTHS=1200 STOP_TENTHS=200
PREFIX=$ROOT/prefix RUN=$ROOT/run APT=$ROOT/apt
# A directory of its own: its libraries are the host's release's, and for nobody else.
POSTGRES=$ROOT/postgres
CHROMIUM=$ROOT/chromium
KUBECTL=$ROOT/kubectl
SKOPEO=$ROOT/skopeo
MISSING=()

say() { echo "world: $*" >&2; }
die() { say "$*"; exit 1; }

# A socket's path may have 107 bytes, and containerd puts its own some 45 bytes below $ROOT. The JSON and YAML below are written
# without escaping.
case $ROOT in
  /*) ;;
  *) die "the directory $ROOT is not absolute: set TRUSTED_BUILDS_WORLD to an absolute path" ;;
esac
[[ $ROOT =~ ^[A-Za-z0-9/._+-]+$ ]] || die "the directory $ROOT has characters other than letters, digits and /._+-: set TRUSTED_BUILDS_WORLD"
[ ${#ROOT} -le 60 ] || die "the directory $ROOT is too long for unix sockets (60 bytes): set TRUSTED_BUILDS_WORLD"

# --- packages ---

host_suite() { (. /etc/os-release 2>/dev/null && [ "${ID:-}" = debian ] && echo "${VERSION_CODENAME:-}") || true; }

# The mirror is whatever this system already uses for its own release: only the suite changes.
mirror() {
  local suite
  if [ -n "${TRUSTED_BUILDS_DEBIAN_MIRROR:-}" ]; then echo "$TRUSTED_BUILDS_DEBIAN_MIRROR"; return; fi
  suite=$(host_suite); [ -n "$suite" ] || return 0
  {
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk -v s="$suite" 'BEGIN{RS="";FS="\n"} {
      uri="";hit=0
      for(i=1;i<=NF;i++){ if($i~/^URIs:/){split($i,a,/[ \t]+/);uri=a[2]} if($i~/^Suites:/&&$i~("(^|[ \t])" s "([ \t]|$)"))hit=1 }
      if(hit&&uri!=""){print uri} }' || true
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
      sed -nE 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+)[[:space:]]+([^[:space:]]+).*/\2 \3/p' | awk -v s="$suite" '$2==s{print $1}' || true
  } | sed -n 1p
}

# fetch PREFIX STAMP SUITES WANTED: fetches what the command WANTED names from these suites, with an apt of its own (own lists, own
# cache, empty dpkg status): the system's apt state is neither read nor written. Prints the reason and fails where it cannot. Unpacks
# beside and renames, so that a half-fetched directory is never taken for whole; STAMP says in it what it has.
fetch() {
  local prefix=$1 stamp=$2 suites=$3 wanted=$4 mirror names d keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  for d in apt-get dpkg; do command -v $d > /dev/null || { echo "there is no $d on this machine"; return 1; }; done
  mirror=$(mirror)
  [ -n "$mirror" ] || { echo "no Debian mirror is known on this machine: set TRUSTED_BUILDS_DEBIAN_MIRROR"; return 1; }
  [ -e $keyring ] || { echo "$keyring is missing: install debian-archive-keyring"; return 1; }
  rm -rf "$APT" "$prefix.new" || return 1
  mkdir -p "$APT"/{etc/sources,etc/preferences,etc/parts,state,lists/partial,cache/archives/partial,debs} "$prefix.new" || return 1
  cat > "$APT/etc/sources/all.sources" <<X
Types: deb
URIs: $mirror
Suites: $suites
Components: main
Architectures: $(dpkg --print-architecture)
Signed-By: $keyring
X
  : > "$APT/status"
  # Release files of a moving suite expire after a week and mirrors lag: the date is not checked, the signatures are.
  cat > "$APT/apt.conf" <<X
Dir::Etc "$APT/etc"; Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "$APT/etc/sources";
Dir::Etc::preferencesparts "$APT/etc/preferences"; Dir::Etc::parts "$APT/etc/parts";
Dir::State "$APT/state"; Dir::State::lists "$APT/lists"; Dir::State::status "$APT/status"; Dir::Cache "$APT/cache";
Acquire::Languages "none"; Acquire::Retries "2"; Acquire::Check-Valid-Until "false"; APT::Update::Error-Mode "any";
$([ "$(id -u)" != 0 ] || echo 'APT::Sandbox::User "root";')
X
  # shellcheck disable=SC2086
  if ! (export APT_CONFIG=$APT/apt.conf && apt-get update -qq && cd "$APT/debs" && names=$($wanted) && apt-get download -qq $names) > "$ROOT/fetch.log" 2>&1; then
    echo "fetching from Debian's $suites failed: $(grep -m1 '^[EW]:' "$ROOT/fetch.log" || tail -1 "$ROOT/fetch.log") (all of it in $ROOT/fetch.log)"
    return 1
  fi
  for d in "$APT"/debs/*.deb; do
    dpkg -x "$d" "$prefix.new" || { echo "unpacking ${d##*/} failed"; return 1; }
    basename "$d" .deb >> "$prefix.new/packages"
  done
  echo "$stamp" > "$prefix.new/complete"
  rm -rf "$prefix" "$APT" && mv "$prefix.new" "$prefix"
}

container_packages() {
  # shellcheck disable=SC2086
  printf "%s/$SUITE " $PACKAGES
  # shellcheck disable=SC2046,SC2086
  printf "%s/$(own_suite) " $HOST_PACKAGES
}

# The server and the libraries that it may need: a bare machine lacks some. The C library is the machine's. Without LLVM it compiles no
# queries, which no test wants.
postgres_packages() {
  local version
  version=$(apt-cache show postgresql | sed -nE 's/^Depends:.*postgresql-([0-9]+).*/\1/p' | sed -n 1p)
  [ -n "$version" ] || { echo "E: no package postgresql"; return 1; }
  echo "postgresql-$version postgresql-client-$version"
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "postgresql-$version" |
    grep -E '^lib' | grep -vE '^lib(c6|c-bin|c-l10n|llvm.*|perl.*|.*-perl)$' | sort -u
}

# The shell of Chromium that draws pages without a window, the libraries that it may need, and one family of fonts: a bare machine has
# none. Without a graphics card there is nothing for Mesa and its compiler to do.
chromium_packages() {
  local names
  names=$(apt-get install --simulate --no-install-recommends -qq chromium-headless-shell fonts-dejavu-core | awk '$1 == "Inst" {print $2}')
  [ -n "$names" ] || { echo "E: no package chromium-headless-shell"; return 1; }
  grep -E '^(lib|chromium-|fonts-dejavu-)' <<< "$names" | grep -vE '^lib(c6|c-bin|llvm.*|z3-.*|gl1-mesa-dri|perl.*|pam.*)$'
}

kubectl_packages() { echo "kubectl/$SUITE"; }

# The host's own skopeo may be one whose distribution took Sigstore's signatures out (Debian 12's is). This one brings the C library that
# it was made for, and all that it needs of the others.
skopeo_packages() {
  local names
  names=$(apt-get install --simulate --no-install-recommends -qq skopeo | awk '$1 == "Inst" {print $2}')
  [ -n "$names" ] || { echo "E: no package skopeo"; return 1; }
  grep -E '^(skopeo|libc6|libgpgme[0-9t]*|libassuan[0-9t]*|libgpg-error0|libsqlite3-0|libsubid[0-9]*|zlib1g)$' <<< "$names"
}

own_suite() { local suite; suite=$(host_suite); echo "${suite:-$SUITE}"; }

# --- processes ---

started_at() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# Starts in the background, in a session of its own, and remembers the pid together with its start time: pids are used again.
spawn() {
  local name=$1; shift
  setsid env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY -u all_proxy "$@" > "$RUN/$name.log" 2>&1 < /dev/null 9>&- &
  echo "$! $(started_at $!)" > "$RUN/$name.pid"
}

running() {
  local p t
  [ -f "$RUN/$1.pid" ] && read -r p t < "$RUN/$1.pid" && [ -n "$t" ] && [ "$(started_at "$p")" = "$t" ] && ! grep -q '^State:.Z' "/proc/$p/status"
}

# stop NAME [SIGNAL]: asks with TERM, or what the program understands better.
stop() {
  local p t signal
  for signal in "${2:-TERM}" KILL; do
    running "$1" || break
    read -r p t < "$RUN/$1.pid"
    kill -$signal "$p" 2>/dev/null || true
    for _ in $(seq 1 $STOP_TENTHS); do running "$1" || break; sleep 0.1; done
  done
  ! running "$1" || die "$1 (pid $p) does not stop"
  rm -f "$RUN/$1.pid"
}

# --- the parts ---

# Says which of the programs a component needs are neither unpacked nor on this machine; empty if none.
lacking() {
  local n
  for n in "$@"; do command -v "$n" > /dev/null || printf '%s ' "$n"; done
}

absent() { MISSING+=("$1: $2"); say "$1 cannot be had here: $2"; }

registry_port() { sed -nE 's/.*listening on 127\.0\.0\.1:([0-9]+).*/\1/p' "$RUN/$1.log" 2>/dev/null | sed -n 1p; }

# The kernel picks the port (nothing can take it in between), and the log says which one it was.
start_registry() {
  local name=$1 auth=${2:-}
  running "$name" && [ -n "$(registry_port "$name")" ] && return 0
  stop "$name"
  printf 'version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: "%s"}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:0"}\n%s' \
    "$RUN/images" "$auth" > "$RUN/$name.yml"
  # The environment wins over the file: whatever REGISTRY_* this shell has must not.
  # shellcheck disable=SC2046
  spawn "$name" env $(env | sed -nE 's/^(REGISTRY_[A-Za-z0-9_]+)=.*/-u \1/p') OTEL_TRACES_EXPORTER=none docker-registry serve "$RUN/$name.yml"
  for _ in $(seq 1 $READY_TENTHS); do
    [ -z "$(registry_port "$name")" ] || return 0
    running "$name" || break
    sleep 0.1
  done
  tail -5 "$RUN/$name.log" >&2; die "the docker-registry ($name) did not start"
}

# docker-registry takes bcrypt only; perl's crypt() reaches it through libxcrypt, so that no htpasswd tool is needed.
write_login() {
  [ -s "$RUN/htpasswd" ] && [ -s "$RUN/login" ] && return 0
  (umask 077; od -An -N12 -tx1 /dev/urandom | tr -d ' \n' > "$RUN/login")
  LOGIN=$(cat "$RUN/login") perl -e 'my @c=("a".."z",0..9); my $s=join "", map {$c[rand @c]} 1..22;
    my $h=crypt($ENV{LOGIN}, "\$2b\$05\$$s"); exit 1 unless ($h // "") =~ /^\$2b\$/; print "tester:$h\n"' > "$RUN/htpasswd" || { rm -f "$RUN/htpasswd"; return 1; }
}

# A bridge of our own leaves a docker0 that is already there alone. No NAT, no forwarding: without a way out it is enough for RUN.
start_bridge() {
  local n name address=
  if [ -f "$RUN/bridge" ] && ip link show "$(cat "$RUN/bridge")" > /dev/null 2>&1; then return 0; fi
  for n in $(seq 0 255); do
    [ -z "$(ip -4 -o route show table all to root "10.250.$n.0/24" 2>/dev/null)" ] || continue
    [ -z "$(ip -4 -o route show to match "10.250.$n.0/24" 2>/dev/null | grep -v '^default')" ] || continue
    address=10.250.$n.1/24; break
  done
  [ -n "$address" ] || { echo "every network in 10.250.0.0/16 is in use"; return 1; }
  for n in $(seq 0 99); do
    name=tbworld$n
    ip link show "$name" > /dev/null 2>&1 && continue
    echo "$name" > "$RUN/bridge"
    if ! { ip link add "$name" type bridge && ip addr add "$address" dev "$name" && ip link set "$name" up; } 2> "$RUN/bridge.log"; then
      ip link del "$name" 2>/dev/null || true; rm -f "$RUN/bridge"
      echo "no network bridge can be made: $(tail -1 "$RUN/bridge.log")"; return 1
    fi
    return 0
  done
  echo "a hundred bridges tbworldN are there already"; return 1
}

docker_answers() { curl -sf -m 5 --unix-socket "$RUN/docker.sock" http://d/_ping > /dev/null 2>&1; }

start_dockerd() {
  local reason d port lacks
  port=$(registry_port registry || true)
  # A registry that was started anew has another port: its mirror has to follow.
  running dockerd && docker_answers && grep -q "127.0.0.1:$port\"" "$RUN/daemon.json" && return 0
  stop dockerd
  [ "$(id -u)" = 0 ] || { absent dockerd "it needs root"; return 0; }
  lacks=$(lacking dockerd containerd runc ip setsid curl)
  [ -z "$lacks" ] || { absent dockerd "missing: $lacks${FETCH:+($FETCH)}"; return 0; }
  runc --version > /dev/null 2>&1 || { absent dockerd "$(command -v runc) does not run: $(runc --version 2>&1 | tail -1)"; return 0; }
  reason=$(start_bridge) || { absent dockerd "$reason"; return 0; }
  if [ ! -f "$RUN/absent-before" ]; then # what dockerd makes outside $ROOT; cgroup v1 has a directory per controller, v2 a single one
    for d in /opt/containerd /etc/docker /run/runc /sys/fs/cgroup/docker; do
      [ -e "$d" ] || echo "$d"
    done > "$RUN/absent-before.new"
    for d in /sys/fs/cgroup/*/; do [ -e "${d}docker" ] || [ ! -d "$d" ] || echo "${d}docker"; done >> "$RUN/absent-before.new"
    mv "$RUN/absent-before.new" "$RUN/absent-before"
  fi
  printf '{"features":{"containerd-snapshotter":true}%s}\n' "${port:+,\"registry-mirrors\":[\"http://127.0.0.1:$port\"]}" > "$RUN/daemon.json"
  spawn dockerd dockerd --config-file "$RUN/daemon.json" --data-root "$RUN/docker" --exec-root "$RUN/exec" -H "unix://$RUN/docker.sock" \
    --pidfile "$RUN/dockerd.daemon-pid" --bridge="$(cat "$RUN/bridge")" --iptables=false --ip6tables=false --ip-forward=false
  for _ in $(seq 1 $READY_TENTHS); do
    docker_answers && return 0
    running dockerd || break
    sleep 0.1
  done
  stop dockerd
  absent dockerd "it does not start: $(grep -E 'failed|fatal|error' "$RUN/dockerd.log" | tail -1) (all of it in $RUN/dockerd.log)"
}

# On loopback behind a password, as nobody: PostgreSQL refuses root. It takes no port 0, so ports are tried.
start_postgres() {
  local bin lacks n port libraries= as=()
  running postgres && return 0
  stop postgres INT
  bin=$(for n in "$POSTGRES"/usr/lib/postgresql/*/bin /usr/lib/postgresql/*/bin; do [ ! -x "$n/postgres" ] || echo "$n"; done | sed -n 1p)
  [ -n "$bin" ] || { absent postgres "missing${FETCH_POSTGRES:+ ($FETCH_POSTGRES)}"; return 0; }
  lacks=$(lacking setsid env)
  if [ "$(id -u)" = 0 ]; then lacks=$lacks$(lacking setpriv); as=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups); fi
  [ -z "$lacks" ] || { absent postgres "missing: $lacks"; return 0; }
  as+=(env -u PGDATA -u PGPORT -u PGUSER LC_ALL=C)
  for n in "$POSTGRES"/usr/lib/*-linux-gnu* "$POSTGRES"/lib/*-linux-gnu*; do [ ! -d "$n" ] || libraries=$libraries${libraries:+:}$n; done
  case $bin in "$POSTGRES"/*) as+=("LD_LIBRARY_PATH=$libraries") ;; esac
  if [ ! -f "$RUN/postgres-data/PG_VERSION" ] || [ ! -s "$RUN/postgres.password" ]; then
    rm -rf "$RUN/postgres-data" "$RUN/postgres-data.new"; mkdir -m 700 "$RUN/postgres-data.new"
    (umask 077; od -An -N12 -tx1 /dev/urandom | tr -d ' \n' > "$RUN/postgres.password")
    install -m 600 "$RUN/postgres.password" "$RUN/postgres-data.new.password"
    [ "$(id -u)" != 0 ] || chown nobody "$RUN/postgres-data.new" "$RUN/postgres-data.new.password"
    if ! (cd / && "${as[@]}" "$bin/initdb" -D "$RUN/postgres-data.new" --username=tester --pwfile="$RUN/postgres-data.new.password" --auth=scram-sha-256 \
      --encoding=UTF8 --locale=C --no-sync) > "$RUN/postgres.log" 2>&1 < /dev/null; then
      rm -f "$RUN/postgres-data.new.password"
      absent postgres "no database can be made: $(grep -E 'error|FATAL' "$RUN/postgres.log" | tail -1) (all of it in $RUN/postgres.log)"; return 0
    fi
    rm -f "$RUN/postgres-data.new.password"
    mv "$RUN/postgres-data.new" "$RUN/postgres-data"
  fi
  for n in 1 2 3 4 5 6 7 8 9 10; do
    port=$((20000 + RANDOM % 12000))
    rm -f "$RUN/postgres.log"
    # Its data are worth nothing after a crash of the machine: nothing is flushed.
    (cd / && spawn postgres "${as[@]}" "$bin/postgres" -D "$RUN/postgres-data" -h 127.0.0.1 -p $port -k '' \
      -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c jit=off -c max_connections=200)
    for _ in $(seq 1 $READY_TENTHS); do
      if grep -q 'ready to accept connections' "$RUN/postgres.log" 2>/dev/null; then echo $port > "$RUN/postgres.port"; return 0; fi
      running postgres || break
      sleep 0.1
    done
    stop postgres INT
    grep -q 'could not bind' "$RUN/postgres.log" || break
  done
  absent postgres "it does not start: $(grep -E 'FATAL|ERROR|error' "$RUN/postgres.log" | tail -1) (all of it in $RUN/postgres.log)"
}

# Chromium's libraries and fonts are for itself alone: a script beside it names them, and starts it.
find_chromium() {
  local n binary=$CHROMIUM/usr/lib/chromium/chromium-headless-shell libraries=
  BROWSER=
  if [ -x "$binary" ]; then
    for n in "$CHROMIUM"/usr/lib/*-linux-gnu* "$CHROMIUM"/lib/*-linux-gnu* "$CHROMIUM"/usr/lib/*-linux-gnu*/pulseaudio; do
      [ ! -d "$n" ] || libraries=$libraries${libraries:+:}$n
    done
    printf '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">\n<fontconfig><dir>%s</dir><cachedir>%s</cachedir>%s</fontconfig>\n' \
      "$CHROMIUM/usr/share/fonts" "$RUN/fonts" "$(printf '<alias><family>%s</family><prefer><family>%s</family></prefer></alias>' sans-serif 'DejaVu Sans' monospace 'DejaVu Sans Mono')" > "$RUN/fonts.conf"
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s FONTCONFIG_FILE=%s exec %s "$@"\n' "$libraries" "$RUN/fonts.conf" "$binary" > "$RUN/chromium.new"
    chmod 755 "$RUN/chromium.new"; mv "$RUN/chromium.new" "$RUN/chromium"
    BROWSER=$RUN/chromium
  else
    for n in chromium-headless-shell chromium chromium-browser google-chrome; do BROWSER=$(command -v $n) && break; done
  fi
  [ -n "$BROWSER" ] || { absent chromium "missing${FETCH_CHROMIUM:+ ($FETCH_CHROMIUM)}"; return 0; }
  n=$("$BROWSER" --version 2>&1) || { absent chromium "it does not start: $(tail -1 <<< "$n")"; BROWSER=; }
}

# Its libraries are for itself alone, and so is the loader: a script beside it names them.
find_skopeo() {
  local n loader= libraries=
  SKOPEO_PROGRAM=$(command -v skopeo || true)
  if [ -x "$SKOPEO/usr/bin/skopeo" ]; then
    for n in "$SKOPEO"/usr/lib/*-linux-gnu* "$SKOPEO"/lib/*-linux-gnu*; do [ ! -d "$n" ] || libraries=$libraries${libraries:+:}$n; done
    for n in "$SKOPEO"/usr/lib/*-linux-gnu*/ld-linux*.so.* "$SKOPEO"/lib/*-linux-gnu*/ld-linux*.so.*; do [ ! -x "$n" ] || { loader=$n; break; }; done
    printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' "$loader" "$libraries" "$SKOPEO/usr/bin/skopeo" > "$RUN/skopeo.new"
    chmod 755 "$RUN/skopeo.new"; mv "$RUN/skopeo.new" "$RUN/skopeo"
    SKOPEO_PROGRAM=$RUN/skopeo
  fi
  [ -n "$SKOPEO_PROGRAM" ] || { absent skopeo "missing${FETCH_SKOPEO:+ ($FETCH_SKOPEO)}"; return 0; }
  n=$("$SKOPEO_PROGRAM" --version 2>&1) || { absent skopeo "it does not start: $(tail -1 <<< "$n")"; SKOPEO_PROGRAM=; }
}

# One reader at a time may see it half-written otherwise; it holds a password, so it is for its owner only.
write_world() {
  local registry=null auth=null docker=null postgres=null n line first=1
  ! running registry || registry="\"127.0.0.1:$(registry_port registry)\""
  ! running registry-auth || auth="{\"address\": \"127.0.0.1:$(registry_port registry-auth)\", \"user\": \"tester\", \"password\": \"$(cat "$RUN/login")\"}"
  ! running dockerd || docker="\"unix://$RUN/docker.sock\""
  ! running postgres || postgres="\"postgresql://tester:$(cat "$RUN/postgres.password")@127.0.0.1:$(cat "$RUN/postgres.port")/postgres\""
  if running registry-auth; then
    printf '{"auths": {"127.0.0.1:%s": {"auth": "%s"}}}\n' "$(registry_port registry-auth)" "$(printf 'tester:%s' "$(cat "$RUN/login")" | base64 | tr -d '\n')" > "$RUN/config.json"
    chmod 600 "$RUN/config.json"; mv "$RUN/config.json" "$ROOT/docker-config/config.json"
  fi
  {
    printf '{\n  "version": 1,\n  "directory": "%s",\n  "path": ["%s", "%s", "%s", "%s"],\n' "$ROOT" "$PREFIX/usr/bin" "$PREFIX/usr/sbin" "$PREFIX/bin" "$PREFIX/sbin"
    printf '  "registry": %s,\n  "authRegistry": %s,\n  "dockerHost": %s,\n  "dockerConfig": "%s",\n  "postgres": %s,\n  "programs": {' "$registry" "$auth" "$docker" "$ROOT/docker-config" "$postgres"
    for n in docker docker-buildx cosign crane oras busybox chromium kubectl skopeo; do
      case $n in docker-buildx) line=$BUILDX ;; skopeo) line=$SKOPEO_PROGRAM ;; chromium) line=$BROWSER ;; kubectl) line=$KUBECTL/usr/bin/kubectl; [ -x "$line" ] || line=$(command -v kubectl || true) ;; *) line=$(command -v $n || true) ;; esac
      [ -n "$line" ] || continue
      [ $first = 1 ] || printf ','
      printf '\n    "%s": "%s"' "$n" "$line"; first=0
    done
    printf '\n  },\n  "missing": ['; first=1
    for line in "${MISSING[@]+"${MISSING[@]}"}"; do
      [ $first = 1 ] || printf ','
      printf '\n    "%s"' "$(printf '%s' "$line" | tr -d '\\"\000-\037')"; first=0
    done
    printf '\n  ]\n}\n'
  } > "$RUN/world.json"
  chmod 600 "$RUN/world.json"; mv "$RUN/world.json" "$ROOT/world.json"
}

# --- commands ---

up() {
  local n lacks stamp
  [ "$(uname -s)" = Linux ] || { say "dockerd, docker-registry, cosign, crane, oras, skopeo, postgres, chromium cannot be had here: Debian's programs need Linux"; exit 3; }
  FETCH= FETCH_POSTGRES= FETCH_CHROMIUM= FETCH_KUBECTL= FETCH_SKOPEO= stamp="$SUITE $PACKAGES $HOST_PACKAGES"
  if [ "$(cat "$PREFIX/complete" 2>/dev/null)" != "$stamp" ]; then
    say "fetching about 100 MB of packages into $ROOT"
    FETCH=$(fetch "$PREFIX" "$stamp" "$SUITE $(host_suite)" container_packages) || say "$FETCH"
  fi
  stamp="$(own_suite) postgresql"
  if [ "$(cat "$POSTGRES/complete" 2>/dev/null)" != "$stamp" ]; then
    say "fetching about 40 MB of packages into $POSTGRES"
    FETCH_POSTGRES=$(fetch "$POSTGRES" "$stamp" "$(own_suite)" postgres_packages) || say "$FETCH_POSTGRES"
  fi
  stamp="$(own_suite) chromium"
  if [ "$(cat "$CHROMIUM/complete" 2>/dev/null)" != "$stamp" ]; then
    say "fetching about 120 MB of packages into $CHROMIUM"
    FETCH_CHROMIUM=$(fetch "$CHROMIUM" "$stamp" "$(own_suite)" chromium_packages) || say "$FETCH_CHROMIUM"
  fi
  stamp="$SUITE kubectl"
  if [ "$(cat "$KUBECTL/complete" 2>/dev/null)" != "$stamp" ]; then
    say "fetching about 20 MB of packages into $KUBECTL"
    FETCH_KUBECTL=$(fetch "$KUBECTL" "$stamp" "$SUITE" kubectl_packages) || say "$FETCH_KUBECTL"
  fi
  stamp="$SUITE skopeo"
  if [ "$(cat "$SKOPEO/complete" 2>/dev/null)" != "$stamp" ]; then
    say "fetching about 10 MB of packages into $SKOPEO"
    FETCH_SKOPEO=$(fetch "$SKOPEO" "$stamp" "$SUITE" skopeo_packages) || say "$FETCH_SKOPEO"
  fi
  export PATH=$PREFIX/usr/bin:$PREFIX/usr/sbin:$PREFIX/bin:$PREFIX/sbin:$PATH
  mkdir -p "$RUN"/{docker,exec,images} "$ROOT/docker-config/cli-plugins"

  lacks=$(lacking docker-registry perl setsid)
  if [ -n "$lacks" ]; then absent docker-registry "missing: $lacks${FETCH:+($FETCH)}"
  else
    start_registry registry
    if write_login; then start_registry registry-auth "$(printf 'auth: {htpasswd: {realm: test, path: "%s"}}\n' "$RUN/htpasswd")"
    else absent "docker-registry with a password" "this perl's crypt() has no bcrypt"; fi
  fi
  start_dockerd
  start_postgres
  find_chromium
  find_skopeo
  [ -x "$KUBECTL/usr/bin/kubectl" ] || command -v kubectl > /dev/null || absent kubectl "missing${FETCH_KUBECTL:+ ($FETCH_KUBECTL)}"

  BUILDX=
  for n in "$PREFIX/usr/libexec/docker/cli-plugins/docker-buildx" /usr/libexec/docker/cli-plugins/docker-buildx /usr/lib/docker/cli-plugins/docker-buildx; do
    [ -x "$n" ] || continue
    BUILDX=$n; ln -sfn "$n" "$ROOT/docker-config/cli-plugins/docker-buildx"; break
  done
  [ -n "$BUILDX" ] || absent docker-buildx "missing${FETCH:+ ($FETCH)}"
  for n in docker cosign crane oras busybox; do
    lacks=$(lacking $n); [ -z "$lacks" ] || absent "$n" "missing${FETCH:+ ($FETCH)}"
  done
  write_world
  [ ${#MISSING[@]} = 0 ] || exit 3
}

# Leaves the machine as it was: what was absent before goes, if it is empty; packages stay for the next time.
down() {
  local d
  rm -f "$ROOT/world.json" "$ROOT/docker-config/config.json"
  [ -d "$RUN" ] || return 0
  stop dockerd; stop registry; stop registry-auth; stop postgres INT
  if [ -f "$RUN/bridge" ]; then
    ! ip link show "$(cat "$RUN/bridge")" > /dev/null 2>&1 || ip link del "$(cat "$RUN/bridge")"
    rm -f "$RUN/bridge"
  fi
  if [ -f "$RUN/absent-before" ]; then
    while read -r d; do [ ! -d "$d" ] || find "$d" -depth -type d -exec rmdir {} \; 2>/dev/null || true; done < "$RUN/absent-before"
    rm -f "$RUN/absent-before"
  fi
  # A dockerd that was killed leaves mounts behind; the deepest go first.
  awk -v root="$RUN/" 'index($5, root) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r d; do umount "$d" || umount -l "$d" || true; done
  rm -rf --one-file-system "$RUN"
}

status() {
  local n code=0
  for n in registry registry-auth dockerd postgres; do
    if running $n; then echo "$n up"; else echo "$n down"; code=1; fi
  done
  [ $code = 0 ] && [ -f "$ROOT/world.json" ]
}

COMMAND=${1:-}
case $COMMAND in up | down | status | purge) ;; *) say "usage: up | down | status | purge"; exit 2 ;; esac
if [ "$COMMAND" = status ]; then status; exit; fi
[ "$COMMAND" = up ] || [ -d "$ROOT" ] || exit 0
mkdir -p "$ROOT"
[ -O "$ROOT" ] && [ ! -L "$ROOT" ] || die "$ROOT belongs to somebody else: set TRUSTED_BUILDS_WORLD"
exec 9> "$ROOT/lock"
if command -v flock > /dev/null; then flock -w $LOCK_SECONDS 9 || die "another run holds $ROOT/lock since $LOCK_SECONDS seconds"; fi
case $COMMAND in
  up) up ;;
  down) down ;;
  purge) down; rm -rf "$ROOT" ;;
esac
