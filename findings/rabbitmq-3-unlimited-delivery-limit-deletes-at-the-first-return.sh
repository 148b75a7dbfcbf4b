#!/usr/bin/env bash
# RabbitMQ 3.10.8: a quorum queue with the delivery limit -1 as argument, and a policy with a limit of 5.
#
# Expected before the run: -1 is refused, or means that there is no limit, or that the 5 of the policy applies. From 4.0 on it means no limit, and 4.3.6
# takes the 5 of the policy (seen there too).
# Observed: the lower number applies, so the limit is -1: the message is deleted at its first return, whatever the policy says. Without a policy too.
#
# Affects: queue definitions that are written for RabbitMQ 4 and declared on a 3.x broker, for example during an upgrade or a move back.
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

returned() { # ARGUMENTS
  api PUT queues/%2f/work "{\"durable\": true, \"arguments\": {\"x-queue-type\": \"quorum\"$1}}" >/dev/null
  sleep 2 # a policy reaches a queue some time after it was declared
  publish work order
  deliveries=0
  while [[ $(api POST queues/%2f/work/get '{"count": 1, "ackmode": "reject_requeue_true", "encoding": "auto"}') == *order* ]]; do
    deliveries=$((deliveries + 1))
    [[ $deliveries -lt 10 ]] || break
    sleep 0.3
  done
  api DELETE queues/%2f/work >/dev/null
  echo "deliveries: $deliveries$([[ $deliveries -lt 10 ]] && echo ', then it is gone' || echo ', and it is still there')"
}
{
  echo "RabbitMQ $version"
  echo "no limit: $(returned '')"
  echo "argument -1: $(returned ', "x-delivery-limit": -1')"
  api PUT policies/%2f/broad '{"pattern": "^work$", "definition": {"delivery-limit": 5}, "apply-to": "queues"}' >/dev/null
  echo "policy 5: $(returned '')"
  echo "argument -1, policy 5: $(returned ', "x-delivery-limit": -1')"
} | tee seen
diff seen - <<'SEEN' || { echo "The behavior has changed." >&2; exit 1; }
RabbitMQ 3.10.8
no limit: deliveries: 10, and it is still there
argument -1: deliveries: 1, then it is gone
policy 5: deliveries: 6, then it is gone
argument -1, policy 5: deliveries: 1, then it is gone
SEEN
