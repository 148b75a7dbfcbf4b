#!/usr/bin/env bash
# RabbitMQ 3.10.8: the number of messages in a classic queue, asked for right after they were returned on the same channel.
#
# Expected before the run: the broker handles the methods of a channel in order. So a passive declaration that follows a basic.nack counts all messages
# that the nack returned, and a client that waits for its answer may let the next reader in.
# Observed: a channel that took 8,000 messages with eight consumers returns them with one nack. The answer that follows counts fewer of them. All are back
# a moment later.
#
# Affects: programs that read a queue, return everything, and then let another reader in that first asks how much there is: it reads too little.
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

# RabbitMQ, Erlang and pika from Debian 12, unpacked in the temporary folder.
mkdir debs root state
(
  cd debs
  apt-get download -q rabbitmq-server=3.10.8-1.1+deb12u1 python3-pika=1.2.0-1 \
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

cat >counts.py <<'PYTHON'
import pika, sys, time

port, consumers, size = int(sys.argv[1]), int(sys.argv[2]), 1000
connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))
total = consumers * size


def ready(channel):
    return channel.queue_declare("letters", passive=True).method.message_count


setup = connection.channel()
setup.queue_declare("letters", durable=True)
for _ in range(total):
    setup.basic_publish("", "letters", b"x" * 500, pika.BasicProperties(delivery_mode=2))
while ready(setup) < total:
    time.sleep(0.1)

few = 0
for _ in range(10):
    channel = connection.channel()
    taken = []
    for _ in range(consumers):
        before = len(taken)
        channel.basic_qos(prefetch_count=size)
        channel.basic_consume("letters", lambda _c, method, _p, _b: taken.append(method.delivery_tag))
        while len(taken) < before + size:
            connection.process_data_events(0.1)
    # No consumer may be left when the messages return, or it would get them. A cancelled one keeps what it has.
    for tag in list(channel.consumer_tags):
        channel.basic_cancel(tag)
    channel.basic_nack(0, multiple=True, requeue=True)
    few += ready(channel) < total
    until = time.monotonic() + 30
    while ready(channel) < total and time.monotonic() < until:
        time.sleep(0.05)
    assert ready(channel) == total
    channel.close()
print(f"counted: {'fewer than all at once' if few else 'all at once'}, all of them later")
connection.close()
PYTHON
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages
{
  echo "RabbitMQ $version, pika $(python3 -c 'import pika; print(pika.__version__)')"
  python3 counts.py "$amqp" 8
} | tee seen
diff seen - <<'SEEN' || { echo "The behavior has changed." >&2; exit 1; }
RabbitMQ 3.10.8, pika 1.2.0
counted: fewer than all at once, all of them later
SEEN
