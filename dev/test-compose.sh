# shellcheck shell=bash
# ./test compose: compose.yaml as a user meets it, under a name of its own and on other ports. Sourced by ../test.
# shellcheck disable=SC2154,SC2034 # here, state, passed and failed are test's

test_compose() {
  compose_as compose.yaml WEB CONSUMERS AMQP MANAGEMENT SMTP MAIL
  # Each stands on the one before: after a failure the rest would only say it again.
  it "builds the images" "${compose[@]}" build &&
    it "comes up" bring_up &&
    it "runs as a user without rights" no_service_is_root &&
    it "mails what the API accepted" mails_by_api &&
    it "mails what the form accepted" mails_by_form &&
    it "tells an operator of dead letters, by page and command" tells_of_dead_letters &&
    it "keeps what waits in the queue through down and up" keeps_the_queue &&
    it "leaves nothing behind when it goes with its volumes" takes_all_away
}

# compose_as FILE PORT…: sets compose, and a free port for each.
compose_as() {
  local file=$1 variable
  shift
  has_engine || fail "No Docker engine answers, and ./test ${parts[0]} needs one: start Docker, or set DOCKER_HOST."
  has_compose || install_packages docker-compose
  command -v curl >/dev/null || install_packages curl
  if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
  compose_project=workinit-test-$$
  compose+=(-p "$compose_project" -f "$file")
  for variable; do export "WORKINIT_${variable}_PORT=$(free_port)"; done
  web=http://127.0.0.1:$WORKINIT_WEB_PORT mails=http://127.0.0.1:$WORKINIT_MAIL_PORT management=http://127.0.0.1:$WORKINIT_MANAGEMENT_PORT
  heading "$file as $compose_project"
}

# Called at the end of ./test, however it comes.
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
    say "  FAILED  it $name. Its output: $log. The containers': $state/logs/compose.log"
    return 1
  fi
}

bring_up() {
  "${compose[@]}" up -d --no-build && wait_until 90 both_ready
}
both_ready() { answers_ok "$WORKINIT_WEB_PORT" /health/ready && answers_ok "$WORKINIT_CONSUMERS_PORT" /health/ready; }

no_service_is_root() {
  local name user
  for name in web consumers; do
    user=$(docker inspect -f '{{.Config.User}}' "$("${compose[@]}" ps -q "$name")")
    say "$name: user $user"
    [[ -n $user && $user != 0 && $user != root ]] || return 1
  done
}

submit() { # ADDRESS
  curl -sS -f -m 20 -H 'Content-Type: application/json' -d "{\"email\":\"$1\",\"thought\":\"a quiet afternoon\"}" "$web/api/submissions"
}

# Mailpit's API, and that of MailDev, which may stand in its place.
mailed_to() {
  { curl -s -m 10 "$mails/api/v1/messages?limit=200"; curl -s -m 10 "$mails/api/email"; } | grep -qF "$1"
}

mails_by_api() { submit by-api@example.org && wait_until 30 mailed_to by-api@example.org; }

# As a browser does it: the page's hidden fields and its cookie come back with the answer. From another Web where one is named.
mails_by_form() { # [WEB that draws the form]
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

tells_of_dead_letters() {
  local answer
  answer=$(curl -sS -m 20 -o /dev/null -w '%{http_code} %{redirect_url}' "$web/dead-letters")
  say "The page answered: $answer"
  [[ $answer == 302\ */dead-letters/sign-in* ]] && WORKINIT_OPERATOR=jane ./workinit dead-letters list </dev/null | tee "$state/logs/workinit.log" && grep -q "No dead letters" "$state/logs/workinit.log"
}

keeps_the_queue() {
  "${compose[@]}" stop consumers &&
    submit kept@example.org &&
    wait_until 30 one_waits &&
    "${compose[@]}" down &&
    bring_up &&
    wait_until 30 mailed_to kept@example.org
}

one_waits() { curl -s -m 10 -u operator:operator "$management/api/queues/%2F/send-gif-email" | grep -q '"messages_ready":1,'; }

takes_all_away() {
  "${compose[@]}" down -v || return 1
  local left
  left=$(docker ps -aq --filter "label=com.docker.compose.project=$compose_project" && docker volume ls -q --filter "label=com.docker.compose.project=$compose_project")
  [[ -z $left ]] || { say "Left behind: $left"; return 1; }
}
