# shellcheck shell=bash
# Shared functions of the scripts. Sourced, never run.

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
fail() { warn "$*"; exit 1; }

# The secret of a developer's machine, publicly known; the same as in compose.yaml.
# shellcheck disable=SC2034 # used by the scripts that source this file
opt_out_secret=${OptOut__Secret:-known-to-everybody-and-for-a-developers-machine-only}

# Succeeds if a process listens on 127.0.0.1:PORT.
port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a port on which no process listens, below the range that the kernel gives to outgoing connections. Each port is given to only one
# script within three hours, because the script may take a minute until it listens.
free_port() {
  local port given=${TMPDIR:-/tmp}/workinit-ports-$UID
  mkdir -p "$given"
  find "$given" -mindepth 1 -mmin +180 -delete 2>/dev/null || true
  for _ in {1..100}; do
    port=$((RANDOM % 10000 + 22000))
    ! port_taken "$port" && mkdir "$given/$port" 2>/dev/null && { say "$port"; return; }
  done
  fail "No free port found between 22000 and 32000."
}

# http PORT PATH [HEADER…]: sends one HTTP request and prints the complete response. Without curl, which a bare machine may lack.
http() {
  local port=$1 path=$2 header
  shift 2
  (
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
    {
      printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n' "$path"
      for header in "$@"; do printf '%s\r\n' "$header"; done
      printf '\r\n'
    } >&3
    timeout 5 cat <&3
  )
}

answers_ok() { [[ $(http "$@" | head -c 12 || true) == HTTP/1.?" 200" ]]; }

# wait_until SECONDS COMMAND…: polls until the command succeeds.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# A zombie does not count as running, unless other threads of it have not ended yet: until they have, its ports are in use.
running() {
  [[ -n ${1:-} ]] && kill -0 "$1" 2>/dev/null && ! awk '/^State:/ { zombie = $2 == "Z" } /^Threads:/ { threads = $2 } END { exit !(zombie && threads <= 1) }' "/proc/$1/status" 2>/dev/null
}
gone() { ! running "$1"; }

# Prints the process's start time and the boot id: a process id may be reused by a process that is not ours to stop.
started_at() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }" # the name before it may contain any character
  say "${fields[19]} $(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
}

# remember_process FILE PID
remember_process() {
  say "$2" >"$1"
  started_at "$2" >"$1.started" || true
}

# remembered_process FILE: prints the id if exactly that process still runs. A copied folder contains the file too, so callers also compare
# the process's folder before they stop it.
remembered_process() {
  local pid
  pid=$(cat "$1" 2>/dev/null) && running "$pid" || return 1
  [[ ! -e $1.started || $(cat "$1.started") == "$(started_at "$pid")" ]] || return 1
  say "$pid"
}

forget_process() { rm -f "$1" "$1.started"; }

# service_of FILE FOLDER: prints the id of the service that was started in FOLDER, if it runs.
service_of() {
  local pid
  pid=$(remembered_process "$1") && [[ "/proc/$pid/cwd" -ef $2 ]] && say "$pid"
}

# end PID SECONDS: sends SIGTERM, waits, then kills.
end() {
  kill -TERM "$1" 2>/dev/null || true
  wait_until "$2" gone "$1" || kill -KILL "$1" 2>/dev/null || true
  wait_until 20 gone "$1" # a machine that waits for its disk needs a while to end a process
}

refuse_taken() { # WHO PORT VARIABLE
  [[ $2 =~ ^[1-9][0-9]{0,4}$ && $2 -le 65535 ]] || fail "$3 must be a port number from 1 to 65535, but is $2."
  ! port_taken "$2" || fail "Port $2 is in use, so $1 can't start. Stop the process that uses it, or set $3 to another port."
}

need_dotnet() {
  (cd "$1" && dotnet --version) >/dev/null 2>&1 </dev/null ||
    fail "The .NET SDK 10 is missing. Install it from https://dot.net/download (Debian, Ubuntu: dotnet-sdk-10.0) and start again."
}

need_node() {
  local major
  major=$(node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/') || true
  if ((${major:-0} < 20)) || ! command -v npm >/dev/null; then
    fail "Node.js 20 or later with npm is missing. The mail catcher needs it: install it from https://nodejs.org and start again."
  fi
}

# Leave no build server running: nothing would stop it.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# shellcheck disable=SC2034 # used by the scripts that source this file
build_flags=(-c Release -v minimal --disable-build-servers -p:UseSharedCompilation=false)

# ./run and ./test share artifacts/obj. The lock is held until this process ends.
one_build_at_a_time() {
  mkdir -p artifacts
  exec 7>>artifacts/.lock
  flock 7
}

has_compose() { docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null; }
has_engine() { timeout 5 docker info >/dev/null 2>&1 || timeout 20 docker info >/dev/null 2>&1; }

# install_packages PACKAGE…: installs with apt-get if possible, otherwise prints what to install. The packages' services are neither
# started nor enabled: these scripts run their own nodes, and a service would take their ports.
# A subshell, so that the trap stays local.
install_packages() (
  policy=/usr/sbin/policy-rc.d patience=(-o DPkg::Lock::Timeout=120 -o Acquire::Retries=3)
  if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
    fail "Missing: $*. Install it (Debian, Ubuntu: sudo apt-get install --no-install-recommends $*) and start again."
  fi
  warn "Installing $* …"
  if [[ ! -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  {
    apt-get "${patience[@]}" update -qq
    DEBIAN_FRONTEND=noninteractive apt-get "${patience[@]}" install -y -qq --no-install-recommends "$@"
  } >/dev/null 2>&1 </dev/null || fail "apt-get couldn't install $*. Try: apt-get update && apt-get install --no-install-recommends $*"
)
