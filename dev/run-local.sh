# shellcheck shell=bash
# ./run --local: the services as processes, on a private RabbitMQ and a mail catcher. Sourced by ../run.
# shellcheck disable=SC2154 # ../run sets here and run_dir, lib.sh sets opt_out_secret

broker=$run_dir/broker catcher=$run_dir/catcher published=$run_dir/bin
submissions=(ConnectionStrings__Submissions="${ConnectionStrings__Submissions:-Data Source=$run_dir/submissions.db}")
deliveries=(ConnectionStrings__Deliveries="${ConnectionStrings__Deliveries:-Data Source=$run_dir/deliveries.db}")
# Short, so that a redelivery can be watched. Each delay has its own queue, so the topology needs them too.
delays=(Redelivery__Delays__0=00:00:05 Redelivery__Delays__1=00:00:15 Redelivery__Delays__2=00:00:30 Redelivery__Delays__3=00:01:00)
[[ -z ${!Redelivery__Delays__@} ]] || delays=()
# shellcheck disable=SC2034 # used in the table of ../run
logs="$run_dir/logs/*.log"

prepare() {
  need_dotnet "$here"
  need_node
  end_leftovers
  check_ports
}

# Stops what a killed ./run from this folder left behind. Holding the lock proves that the run is over.
end_leftovers() {
  local pid
  if pid=$(service_of "$run_dir/web.pid" "$published/Web"); then end "$pid" 30; fi
  if pid=$(service_of "$run_dir/consumers.pid" "$published/Consumers"); then end "$pid" 30; fi
  "$here/dev/mail/catcher" stop "$catcher"
  "$here/dev/broker" stop "$broker"
}

start_all() {
  local build_pid broker_pid catcher_pid
  say "Starting the broker and the mail catcher, building the services …"
  in_background "$here/dev/broker" start "$broker"
  broker_pid=$!
  in_background "$here/dev/mail/catcher" start "$catcher"
  catcher_pid=$!
  in_background "$here/dev/publish" "$published" >"$run_dir/logs/build.log" 2>&1
  build_pid=$!
  ln -sf ../broker/broker.log ../catcher/catcher.log "$run_dir/logs/"

  wait_for "starting the broker" "$broker_pid" || exit 1
  wait_for "starting the mail catcher" "$catcher_pid" || exit 1
  wait_for "building" "$build_pid" || {
    grep -E 'error|warn' "$run_dir/logs/build.log" | sort -u | tail -n 15 >&2 || tail -n 15 "$run_dir/logs/build.log" >&2
    fail "The build failed. Full output: $run_dir/logs/build.log"
  }

  deploy
  say "Starting Web and Consumers …"
  start_web
  start_consumers
  wait_until 60 ready_or_ended || fail "The services were not ready after 60 s. See $logs"
  still_there || exit 1
}

# Creates what the services need: exchanges, queues and database tables.
deploy() {
  say "Deploying the topology, migrating the databases …"
  once topology Consumers --deploy-topology ConnectionStrings__RabbitMq="$(amqp topology)" "${delays[@]}"
  once migrate-web Web --migrate "${submissions[@]}"
  once migrate-consumers Consumers --migrate "${deliveries[@]}"
}

# once NAME PROJECT ARGUMENT VARIABLE=VALUE…: runs a service's one-time command, which must succeed.
once() {
  local name=$1 project=$2 argument=$3 log=$run_dir/logs/$1.log
  shift 3
  in_background env -C "$published/$project" "$@" dotnet "WorkinIt.$project.dll" "$argument" >"$log" 2>&1
  wait_for "running $name" "$!" || {
    ! grep -q PRECONDITION_FAILED "$log" ||
      warn "A queue in $broker was declared with different arguments than this version uses. To start with a new broker (its messages are lost): rm -r $broker"
    tail -n 15 "$log" >&2
    fail "$project $argument failed. Full output: $log"
  }
}

amqp() { say "amqp://$1:$1@127.0.0.1:$WORKINIT_AMQP_PORT"; }

start_web() {
  start_service web Web "${submissions[@]}" "${deliveries[@]}" ASPNETCORE_URLS="http://127.0.0.1:$WORKINIT_WEB_PORT" ConnectionStrings__RabbitMq="$(amqp web)" \
    OptOut__Secret="$opt_out_secret" \
    ConnectionStrings__DeadLetters="$(amqp replay)" RabbitMqManagement__Url="http://127.0.0.1:$WORKINIT_MANAGEMENT_PORT" \
    RabbitMqManagement__PublicUrl="http://localhost:$WORKINIT_MANAGEMENT_PORT" DeadLetters__AuditFile="${DeadLetters__AuditFile:-$run_dir/dead-letters-audit.jsonl}" \
    Limits__PerClientPerMinute="${Limits__PerClientPerMinute:-0}" Limits__PerRecipientPerHour="${Limits__PerRecipientPerHour:-0}" # no limit: one client sends all submissions here
}

# If the user has set Smtp__Host, that mail server is used instead of the catcher.
start_consumers() {
  local mail=()
  [[ -n ${Smtp__Host:-} ]] || mail=(Smtp__Host=127.0.0.1 Smtp__Port="$WORKINIT_SMTP_PORT" Smtp__Security=None)
  [[ -n ${Smtp__From:-} ]] || mail+=(Smtp__From="WorkinIt <gifs@workinit.example>")
  start_service consumers Consumers "${mail[@]}" "${deliveries[@]}" "${delays[@]}" \
    ASPNETCORE_URLS="http://127.0.0.1:$WORKINIT_CONSUMERS_PORT" ConnectionStrings__RabbitMq="$(amqp consumers)" \
    OptOut__Secret="$opt_out_secret" OptOut__Url="${OptOut__Url:-http://localhost:$WORKINIT_WEB_PORT}"
}

# start_service NAME PROJECT VARIABLE=VALUE…
start_service() {
  local name=$1 project=$2 log=$run_dir/logs/$1.log
  shift 2
  [[ ! -e $log ]] || mv "$log" "$log.1" # keep the log of the previous run: it is often the one you need
  # Started in its own folder, which has its settings and pages.
  setsid env -C "$published/$project" "$@" dotnet "WorkinIt.$project.dll" >"$log" 2>&1 </dev/null 8>&- &
  remember_process "$run_dir/$name.pid" "$!"
}

pid_of() { remembered_process "$run_dir/$1.pid" || true; }

ready_or_ended() { ready || gone "$(pid_of web)" || gone "$(pid_of consumers)"; }

# Fails if Web or Consumers has ended: ./run then stops. The broker and the catcher may be stopped and started by hand, to watch the
# effect.
still_there() {
  local name
  for name in web consumers; do
    running "$(pid_of "$name")" && continue
    warn "$(title "$name") exited unexpectedly. The last lines of $run_dir/logs/$name.log:"
    tail -n 15 "$run_dir/logs/$name.log" >&2
    return 1
  done
  report_change broker "$broker/broker.pid" "dev/broker start $broker"
  report_change catcher "$catcher/catcher.pid" "dev/mail/catcher start $catcher"
}

title() { if [[ $1 == web ]]; then say Web; else say Consumers; fi; }

declare -A was_up=([broker]=1 [catcher]=1)
report_change() {
  local is_up=0
  ! running "$(cat "$2" 2>/dev/null)" || is_up=1
  ((is_up != was_up[$1])) || return 0
  was_up[$1]=$is_up
  if ((is_up)); then say "The $1 is back."; else say "The $1 has stopped. To start it again: $3"; fi
}

stop_all() {
  end_service web 10
  end_service consumers 30 "Waiting for the mails in flight …"
  "$here/dev/mail/catcher" stop "$catcher"
  "$here/dev/broker" stop "$broker"
  say "Stopped. Messages in the queues stay in $run_dir for the next start."
}

# end_service NAME SECONDS [MESSAGE shown after 2 s of waiting]
end_service() {
  local pid
  pid=$(pid_of "$1")
  forget_process "$run_dir/$1.pid"
  running "$pid" || return 0
  kill -TERM "$pid"
  if [[ -n ${3:-} ]] && ! wait_until 2 gone "$pid"; then say "$3"; fi
  wait_until "$2" gone "$pid" || {
    warn "$(title "$1") did not stop within $2 s and was killed."
    kill -KILL "$pid"
  }
}
