# shellcheck shell=bash
# ./test compose: tests compose.yaml as a user runs it, with its own project name and ports. Sourced by ../test.
# shellcheck disable=SC2154,SC2034 # ../test sets here, state, passed and failed

test_compose() {
  compose_as compose.yaml WEB CONSUMERS AMQP MANAGEMENT SMTP MAIL
  # Each test depends on the one before: after a failure, the others would only repeat it.
  it "builds the images" "${compose[@]}" build &&
    it "starts" bring_up &&
    it "runs as a user without privileges that can't write to the image" has_no_rights &&
    it "mails what the API accepted" mails_by_api &&
    it "mails what the form accepted" mails_by_form &&
    it "shows dead letters to an operator, by page and command" shows_dead_letters &&
    it "finishes the mails in flight when it is stopped, and sends none twice" stops_in_order &&
    it "keeps the messages in the queue through down and up" keeps_the_queue &&
    it "leaves nothing behind after down with volumes" takes_all_away
}

# compose_as FILE PORT…: sets compose, and a free port for each PORT.
compose_as() {
  local file=$1 variable
  shift
  has_engine || fail "./test ${parts[0]} needs a Docker engine, and none answers. Start Docker, or set DOCKER_HOST."
  has_compose || install_packages docker-compose
  command -v curl >/dev/null || install_packages curl
  if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
  compose_project=workinit-test-$$
  compose+=(-p "$compose_project" -f "$file")
  for variable; do export "WORKINIT_${variable}_PORT=$(free_port)"; done
  web=http://127.0.0.1:$WORKINIT_WEB_PORT mails=http://127.0.0.1:$WORKINIT_MAIL_PORT management=http://127.0.0.1:$WORKINIT_MANAGEMENT_PORT
  heading "$file as $compose_project"
}

# Called at the end of ./test, also after a failure or a signal.
compose_away() {
  ((failed == 0)) || "${compose[@]}" logs --tail=200 >"$state/logs/compose.log" 2>&1
  "${compose[@]}" down -v --rmi local >/dev/null 2>&1
}

it() { # NAME COMMAND…
  local name=$1 log="$state/logs/${parts[0]}-${1// /-}.log" began=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    say "  passed  it $name ($((SECONDS - began)) s)"
  else
    failed=$((failed + 1))
    tail -n 20 "$log"
    say "  FAILED  it $name. Output: $log. Containers' logs: $state/logs/compose.log"
    return 1
  fi
}

bring_up() {
  "${compose[@]}" up -d --no-build && wait_until 90 both_ready
}
both_ready() { answers_ok "$WORKINIT_WEB_PORT" /health/ready && answers_ok "$WORKINIT_CONSUMERS_PORT" /health/ready; }

container_of() { "${compose[@]}" ps -aq "$1"; }

# Checked from outside: the images have no shell.
has_no_rights() {
  local name container users
  for name in web consumers; do
    container=$(container_of "$name")
    users=$(docker top "$container" -eo pid,uid | awk 'NR > 1 { print $2 }' | sort -u)
    say "$name: user $users"
    [[ $users =~ ^[1-9][0-9]*$ ]] || return 1
    [[ $(docker inspect -f '{{.HostConfig.ReadonlyRootfs}}' "$container") == true ]] || { say "$name: its file system is writable"; return 1; }
    ! docker cp "$here/LICENSE" "$container:/app/written" || { say "$name: a file could be written to its program folder"; return 1; }
  done
}

submit() { # ADDRESS [THOUGHT]
  curl -sS -f -m 20 -H 'Content-Type: application/json' -d "{\"email\":\"$1\",\"thought\":\"${2:-a quiet afternoon}\"}" "$web/api/submissions"
}

# Mailpit's API, and the API of MailDev, which may replace Mailpit.
all_mails() { curl -s -m 10 "$mails/api/v1/messages?limit=200"; curl -s -m 10 "$mails/api/email"; }
mailed_to() { grep -qF "$1" <<<"$(all_mails)"; } # no pipe: grep -q may exit before the writer

mails_by_api() { submit by-api@example.org && wait_until 30 mailed_to by-api@example.org; }

# Like a browser: posts the page's hidden fields and sends its cookie. The page may come from another Web.
mails_by_form() { # [WEB that renders the form]
  local jar=$state/cookies page fields=() field name value
  page=$(curl -sS -f -m 20 -c "$jar" "${1:-$web}/")
  while read -r field; do
    name=$(sed -nE 's/.*name="([^"]*)".*/\1/p' <<<"$field") value=$(sed -nE 's/.*value="([^"]*)".*/\1/p' <<<"$field")
    fields+=(--data-urlencode "$name=$value")
  done < <(grep -o '<input[^>]*type="hidden"[^>]*>' <<<"$page")
  local answer
  answer=$(curl -sS -m 20 -b "$jar" -o /dev/null -w '%{http_code} %{redirect_url}' "${fields[@]}" \
    --data-urlencode email=by-form@example.org --data-urlencode 'thought=rain on a tent' "$web/")
  say "The form answered: $answer"
  [[ $answer == 303\ */submissions/* ]] && wait_until 30 mailed_to by-form@example.org
}

shows_dead_letters() {
  local answer
  answer=$(curl -sS -m 20 -o /dev/null -w '%{http_code} %{redirect_url}' "$web/dead-letters")
  say "The page answered: $answer"
  [[ $answer == 302\ */dead-letters/sign-in* ]] && WORKINIT_OPERATOR=jane ./workinit dead-letters list </dev/null | tee "$state/logs/workinit.log" && grep -q "No dead letters" "$state/logs/workinit.log"
}

# More mails than Consumers send at once, to a mail server that takes seconds for each, so that some are in flight.
stops_in_order() {
  local number name state began
  Smtp__SimulatedDelay=00:00:04 "${compose[@]}" up -d --no-build consumers && wait_until 60 both_ready || return 1
  for number in {1..48}; do submit "in-flight-$number@example.org" "in flight $number" || return 1; done
  # Three rounds of 16: when some are sent, others are in flight and not yet handed to the mail server.
  wait_until 30 some_sent_and_some_in_flight || { say "No mail was in flight."; return 1; }
  for name in web consumers; do
    began=$SECONDS
    "${compose[@]}" stop "$name" || return 1
    state=$(docker inspect -f '{{.State.ExitCode}}' "$(container_of "$name")")
    say "$name: exit code $state after $((SECONDS - began)) s"
    [[ $state == 0 ]] || return 1 # 137: it was killed after its grace period
  done
  number=$(in_flight_mails | wc -l)
  say "$number mails were sent by then"
  ((number > 0)) || return 1
  bring_up && wait_until 60 all_in_flight_mailed || return 1
  sleep 5 # a second mail would arrive right after the first
  [[ -z $(in_flight_mails | sort | uniq -d) ]] || { say "Mailed twice:"; in_flight_mails | sort | uniq -d; return 1; }
}
some_sent_and_some_in_flight() { [[ -n $(in_flight_mails) ]] && some_in_flight; }
some_in_flight() { grep -q '"messages_unacknowledged":[1-9]' <<<"$(our_queue)"; }
our_queue() { curl -s -m 10 -u operator:operator "$management/api/queues/%2F/send-gif-email"; }
in_flight_mails() { all_mails | grep -Eo '"(read":(true|false),"subject|Subject)":"[^"]*in flight [0-9]+"' | grep -Eo 'in flight [0-9]+'; }
all_in_flight_mailed() { (($(in_flight_mails | sort -u | wc -l) == 48)); }

keeps_the_queue() {
  "${compose[@]}" stop consumers &&
    submit kept@example.org &&
    wait_until 30 one_waits &&
    "${compose[@]}" down &&
    bring_up &&
    wait_until 30 mailed_to kept@example.org
}

one_waits() { grep -q '"messages_ready":1,' <<<"$(our_queue)"; }

takes_all_away() {
  "${compose[@]}" down -v || return 1
  local left
  left=$(docker ps -aq --filter "label=com.docker.compose.project=$compose_project" && docker volume ls -q --filter "label=com.docker.compose.project=$compose_project")
  [[ -z $left ]] || { say "Left behind: $left"; return 1; }
}
