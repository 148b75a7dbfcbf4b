# shellcheck shell=bash
# ./test cluster: tests compose.cluster.yaml as a user runs it, and kills a RabbitMQ node. Sourced by ../test, after test-compose.sh.
# shellcheck disable=SC2154,SC2034 # test-compose.sh sets compose, web, management and others

test_cluster() {
  compose_as compose.cluster.yaml WEB WEB_2 MANAGEMENT MAIL
  # Each test depends on the one before: after a failure, the others would only repeat it.
  it "builds the images" "${compose[@]}" build &&
    it "starts" cluster_up &&
    it "keeps each queue on three nodes, dead letters included" keeps_copies &&
    it "mails what each Web accepted" mails_from_each accepted &&
    it "accepts a form that another Web rendered" accepts_anothers_form &&
    it "accepts and mails while the node that leads the queue is dead" lives_without_a_node &&
    it "lists dead letters meanwhile" still_lists_dead_letters &&
    it "lets the node rejoin" lets_the_node_rejoin &&
    it "mails what was accepted afterwards" mails_from_each afterwards &&
    it "has mailed none of them twice" no_mail_came_twice &&
    it "leaves nothing behind after down with volumes" takes_all_away
}

cluster_up() { "${compose[@]}" up -d --no-build --scale consumers=3 && wait_until 120 all_ready; }

all_ready() {
  local consumer
  answers_ok "$WORKINIT_WEB_PORT" /health/ready && answers_ok "$WORKINIT_WEB_2_PORT" /health/ready || return 1
  for consumer in $("${compose[@]}" ps -q consumers); do
    [[ $(docker inspect -f '{{.State.Health.Status}}' "$consumer") == healthy ]] || return 1
  done
}

# Asks the node whose port is published. If that is the dead one, asks from inside another node's container.
ask_management() { curl -sS -f -m 10 -u operator:operator "$management/api/$1" || ask_other "$1"; }
ask_other() {
  "${compose[@]}" exec -T rabbitmq-2 bash -c "
    exec 3<>/dev/tcp/127.0.0.1/15672 &&
    printf 'GET /api/%s HTTP/1.0\r\nAuthorization: Basic %s\r\n\r\n' '$1' \"\$(printf operator:operator | base64)\" >&3 && timeout 10 cat <&3"
}

keeps_copies() {
  local queue answer
  for queue in send-gif-email send-gif-email_error send-gif-email_skipped send-gif-email_suspect send-gif-email_delay_30s submission-status submission-status_error; do
    answer=$(ask_management "queues/%2F/$queue") || return 1
    say "$queue: $(grep -o '"members":\[[^]]*\]' <<<"$answer")"
    grep -q '"type":"quorum"' <<<"$answer" || return 1
    [[ $(grep -o '"members":\[[^]]*\]' <<<"$answer" | grep -o 'rabbit@rabbitmq-[123]' | sort -u | wc -l) == 3 ]] || return 1
  done
}

web_2() { web=http://127.0.0.1:$WORKINIT_WEB_2_PORT; }

# Submits ten to each Web.
mails_from_each() { # NAME
  local number
  for number in {1..10}; do
    submit "$1-$number-1@example.org" >/dev/null && (web_2 && submit "$1-$number-2@example.org") >/dev/null || return 1
  done
  wait_until 90 have_all_come "$1"
}

have_all_come() { mail_counts "$1" && ((came == 20)); }
no_mail_came_twice() {
  local name
  for name in accepted meanwhile afterwards; do have_all_come "$name" || return 1; done
}

# Mailpit's API names the recipient of a mail once. So does this part of the API of MailDev, which may replace Mailpit.
mail_counts() { # NAME: sets came; fails if a recipient got two mails
  local all
  all=$(all_mails |
    grep -oE "\"Address\":\"$1-[0-9]+-[12]@example.org\"|\"address\":\"$1-[0-9]+-[12]@example.org\",\"name\"" | sort)
  came=$(grep -c . <<<"$all" || true)
  say "$1: $came mails"
  [[ -z $(uniq -d <<<"$all") ]]
}

accepts_anothers_form() {
  local first=$web
  (web_2 && mails_by_form "$first")
}

lives_without_a_node() {
  local leader
  leader=$(ask_management queues/%2F/send-gif-email | grep -oE '"leader":"rabbit@rabbitmq-[123]"' | grep -oE 'rabbitmq-[123]') || return 1
  say "Killing $leader."
  say "$leader" >"$state/cluster.leader"
  docker kill "$("${compose[@]}" ps -q "$leader")" || return 1
  mails_from_each meanwhile
}

still_lists_dead_letters() {
  local container
  container=$("${compose[@]}" ps -q web-1)
  wait_until 30 lists_dead_letters "$container"
}
lists_dead_letters() { docker exec "$1" dotnet /app/WorkinIt.Cli.dll dead-letters list | tee /dev/stderr | grep -q "No dead letters"; }

lets_the_node_rejoin() {
  "${compose[@]}" start "$(cat "$state/cluster.leader")" && wait_until 60 is_complete
}
is_complete() {
  local nodes
  nodes=$(ask_management nodes) || return 1
  [[ $(grep -o '"running":true' <<<"$nodes" | wc -l) == 3 ]] && ask_management health/checks/node-is-quorum-critical | grep -q '"status":"ok"'
}
