#!/usr/bin/env bash
# RabbitMQ 3.10.8: an argument of a queue and a policy that both say what happens when the queue is full. Which one applies depends on the queue type.
#
# Expected before the run: the same one for both types, as for most keys, of which RabbitMQ takes the argument.
# Observed: a classic queue follows its argument. A quorum queue follows the policy: a queue that was declared with reject-publish, so that it
# loses nothing, drops its oldest messages as soon as a broad policy says drop-head. 4.3.6 does the same (seen there too).
#
# Affects: queues with x-overflow where a platform team sets a policy for all queues. The API shows both; neither says which one applies.
set -euo pipefail
folder=$(mktemp -d)
node=finding$$@localhost
stop() {
  if [[ -s $folder/pid ]]; then
    pid=$(<"$folder/pid")
    kill "$pid" && tail --pid="$pid" -f /dev/null
  fi
  [[ -n ${epmd:-} ]] && kill "$epmd"
  rm -rf "$folder"
}
trap stop EXIT
cd "$folder"

# RabbitMQ and Erlang from Debian 12, unpacked in the temporary folder.
mkdir debs root state
(
  cd debs
  apt-get download -q rabbitmq-server=3.10.8-1.1+deb12u1 \
    erlang-{base,asn1,crypto,eldap,ftp,inets,mnesia,os-mon,parsetools,public-key,runtime-tools,snmp,ssl,syntax-tools,tftp,tools,xmerl}=1:25.2.3+dfsg-1+deb12u4 >/dev/null 2>&1
)
for package in debs/*.deb; do dpkg -x "$package" root; done
sed -i "s|^ROOTDIR=.*|ROOTDIR=\"$folder/root/usr/lib/erlang\"|" root/usr/lib/erlang/bin/erl
export PATH=$folder/root/usr/lib/erlang/bin:$PATH HOME=$folder/state

free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
amqp=$(free) http=$(free) distribution=$(free)
ERL_EPMD_PORT=$(free)
export ERL_EPMD_PORT
epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" >/dev/null 2>&1 &
epmd=$!
cat >rabbitmq.conf <<CONF
listeners.tcp.1 = 127.0.0.1:$amqp
management.tcp.ip = 127.0.0.1
management.tcp.port = $http
CONF
echo '[rabbitmq_management].' >plugins
export RABBITMQ_NODENAME=$node RABBITMQ_DIST_PORT=$distribution RABBITMQ_CONFIG_FILE=$folder/rabbitmq.conf RABBITMQ_ENABLED_PLUGINS_FILE=$folder/plugins \
  RABBITMQ_MNESIA_BASE=$folder/state RABBITMQ_LOG_BASE=$folder/state RABBITMQ_PID_FILE=$folder/pid
root/usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin/rabbitmq-server >server.log 2>&1 &

api() { curl -sf -u guest:guest -H 'Content-Type: application/json' -X "$1" "http://127.0.0.1:$http/api/$2" ${3:+-d "$3"}; }
for _ in $(seq 120); do api GET overview >/dev/null 2>&1 && break; sleep 0.5; done
version=$(api GET overview | python3 -c 'import json, sys; print(json.load(sys.stdin)["rabbitmq_version"])')
publish() { api POST exchanges/%2f/amq.default/publish "{\"properties\": {\"delivery_mode\": 2}, \"routing_key\": \"$1\", \"payload\": \"$2\", \"payload_encoding\": \"string\"}" >/dev/null; }

overflow() { # TYPE ARGUMENT POLICY
  api PUT queues/%2f/full "{\"durable\": true, \"arguments\": {\"x-queue-type\": \"$1\", \"x-max-length\": 2, \"x-overflow\": \"$2\"}}" >/dev/null
  api PUT policies/%2f/broad "{\"pattern\": \"^full\$\", \"definition\": {\"overflow\": \"$3\"}, \"apply-to\": \"queues\"}" >/dev/null
  sleep 2 # a policy reaches a queue some time after the answer
  for number in 1 2 3 4 5 6; do publish full "$number" || true; done # a full queue may refuse it
  sleep 1
  first=$(api POST queues/%2f/full/get '{"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}' | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["payload"])')
  echo "$1, argument $2, policy $3: $([[ $first == 1 ]] && echo reject-publish || echo drop-head) applies"
  api DELETE queues/%2f/full >/dev/null
}
{
  echo "RabbitMQ $version"
  for type in classic quorum; do
    overflow $type reject-publish drop-head
    overflow $type drop-head reject-publish
  done
} | tee seen
diff seen - <<'SEEN' || { echo "The behavior has changed." >&2; exit 1; }
RabbitMQ 3.10.8
classic, argument reject-publish, policy drop-head: reject-publish applies
classic, argument drop-head, policy reject-publish: drop-head applies
quorum, argument reject-publish, policy drop-head: drop-head applies
quorum, argument drop-head, policy reject-publish: reject-publish applies
SEEN
