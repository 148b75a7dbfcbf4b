# shellcheck shell=bash
# ./run --docker: everything in containers, with compose.yaml. Sourced by ../run.
# shellcheck disable=SC2154 # ../run sets here and run_dir

if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
# shellcheck disable=SC2034 # used in the table of ../run
logs="${compose[*]} logs -f web consumers"
compose+=(--project-directory "$here" -f "$here/compose.yaml")

# Delays of seconds, so that a redelivery can be watched; the same as ./run --local.
if [[ -z ${!Redelivery__Delays__@} ]]; then
  export Redelivery__Delays__0=00:00:05 Redelivery__Delays__1=00:00:15 Redelivery__Delays__2=00:00:30 Redelivery__Delays__3=00:01:00
fi

prepare() {
  local name
  # Do not take over or stop containers that something else started.
  for name in rabbitmq mailpit web consumers; do
    [[ $(state_of "$(container_of "$name")") != running* ]] ||
      fail "The containers of this compose.yaml are already running. Use them, or stop them first: docker compose down"
  done
  check_ports
}

container_of() { "${compose[@]}" ps -aq "$1" 2>/dev/null | head -n 1; }
state_of() { [[ -z $1 ]] || docker inspect -f '{{.State.Status}}, exit code {{.State.ExitCode}}' "$1" 2>/dev/null || true; }

start_all() {
  say "Building the images …"
  step "building the images" build.log build
  say "Starting the containers …"
  step "starting the containers" up.log up -d --no-build
  # shellcheck disable=SC2034 # read by name, below
  web=$(container_of web) consumers=$(container_of consumers) rabbitmq=$(container_of rabbitmq) mailpit=$(container_of mailpit)
  wait_until 60 ready || {
    "${compose[@]}" logs --tail=15 web consumers >&2
    fail "The services were not ready after 60 s."
  }
}

step() { # WHAT LOG COMPOSE-ARGUMENT…
  local what=$1 log=$run_dir/logs/$2
  shift 2
  in_background "${compose[@]}" "$@" >"$log" 2>&1
  wait_for "$what" "$!" || {
    tail -n 20 "$log" >&2
    "${compose[@]}" logs --tail=15 topology >&2 2>/dev/null || true
    fail "Failed: $what. Full output: $log"
  }
}

# Fails if Web or Consumers has ended: ./run then stops. The broker and the mail server may be stopped and started by hand, to watch the
# effect.
still_there() {
  local name state
  ((++checks % 4 == 0)) || return 0 # each check starts a process
  for name in web consumers; do
    state=$(state_of "${!name}")
    [[ $state == exited* || $state == dead* ]] || continue
    warn "The container of $name exited unexpectedly ($state). The last lines of its log:"
    docker logs --tail 15 "${!name}" >&2 || true
    return 1
  done
  report_change rabbitmq
  report_change mailpit
}

checks=0
declare -A was_up=([rabbitmq]=1 [mailpit]=1)
report_change() {
  local is_up=0
  [[ $(state_of "${!1}") != running* ]] || is_up=1
  ((is_up != was_up[$1])) || return 0
  was_up[$1]=$is_up
  if ((is_up)); then say "$1 is back."; else say "$1 has stopped. To start it again: docker start ${!1}"; fi
}

stop_all() {
  local stopping
  "${compose[@]}" stop web >/dev/null 2>&1
  "${compose[@]}" stop consumers >/dev/null 2>&1 8>&- &
  stopping=$!
  wait_until 4 gone "$stopping" || say "Waiting for the mails in flight …"
  wait "$stopping"
  "${compose[@]}" down >/dev/null 2>&1
  say "Stopped. Messages in the queues stay in the volume for the next start."
}
