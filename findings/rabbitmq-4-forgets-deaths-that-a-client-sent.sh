#!/usr/bin/env bash
# RabbitMQ 4.0.5: a message that was published with an x-death header, such as one that a shovel brought from another broker, is dead-lettered.
#
# Expected before the run: the new death is added to the list in x-death, in front of the earlier ones, as 3.10.8 does (seen there).
# Observed: x-death, x-first-death-* and their counts are replaced. The earlier deaths are gone, and x-first-death-queue names the queue of this one.
# 4.3.6 does the same (seen there too).
#
# Affects: whoever counts tries by x-death after moving messages with a shovel or a republishing consumer: the count begins anew.
set -euo pipefail
folder=$(mktemp -d)
stop() {
  if [[ -n ${node:-} ]]; then
    pkill -TERM -P "$node" || true # the first process in its namespace; the others end with it
    wait "$node" || true
  fi
  rm -rf "$folder"
}
trap stop EXIT
cd "$folder"

# RabbitMQ 4.0.5, Erlang and what they need from Debian 13, unpacked in the temporary folder, and started there in namespaces of its own.
mkdir -p lists/partial debs/partial root/{dev,proc,tmp,etc,state}
touch status
echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' >sources
debian() {
  apt-get -q -o Dir::Etc::SourceList="$folder/sources" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$folder/lists" -o Dir::State::status="$folder/status" \
    -o Dir::Cache::archives="$folder/debs" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root -o Debug::NoLocking=true "$@" >>apt.log 2>&1
}
debian update
debian install --download-only -y --no-install-recommends rabbitmq-server=4.0.5-6+deb13u2 dash coreutils sed grep mawk hostname
for package in debs/*.deb; do
  [[ $package =~ python|perl|systemd_|tzdata|passwd ]] || dpkg -x "$package" root
done
for name in bin sbin lib lib64; do ln -s "usr/$name" "root/$name"; done
ln -sf dash root/usr/bin/sh
ln -sf mawk root/usr/bin/awk

free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
amqp=$(free) http=$(free) distribution=$(free) epmd=$(free)
cat >root/etc/rabbitmq.conf <<CONF
listeners.tcp.1 = 127.0.0.1:$amqp
management.tcp.ip = 127.0.0.1
management.tcp.port = $http
CONF
echo '[rabbitmq_management].' >root/etc/plugins
echo '127.0.0.1 localhost' >root/etc/hosts
echo 'root:x:0:0:root:/state:/bin/sh' >root/etc/passwd
cat >root/start <<START
export PATH=/usr/bin:/usr/sbin HOME=/state LC_ALL=C.UTF-8 ERL_EPMD_PORT=$epmd ERL_EPMD_ADDRESS=127.0.0.1 RUNNING_UNDER_SYSTEMD=true \
  RABBITMQ_NODENAME=finding@localhost RABBITMQ_DIST_PORT=$distribution RABBITMQ_CONFIG_FILE=/etc/rabbitmq.conf RABBITMQ_ENABLED_PLUGINS_FILE=/etc/plugins \
  RABBITMQ_MNESIA_BASE=/state RABBITMQ_LOG_BASE=/state
exec sh /usr/lib/rabbitmq/lib/rabbitmq_server-4.0.5/sbin/rabbitmq-server
START
unshare --map-root-user --mount --pid --fork --kill-child \
  sh -c 'mount --rbind /dev root/dev && mount -t proc proc root/proc && exec chroot root sh /start' >server.log 2>&1 &
node=$!

api() { curl -s -u guest:guest -H 'Content-Type: application/json' -X "$1" "http://127.0.0.1:$http/api/$2" ${3:+-d "$3"}; }
for _ in $(seq 240); do [[ $(api GET overview) == *rabbitmq_version* ]] && break; sleep 0.5; done
version=$(api GET overview | python3 -c 'import json, sys; print(json.load(sys.stdin)["rabbitmq_version"])')

api PUT queues/%2f/work '{"durable": true, "arguments": {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}}'
api PUT queues/%2f/dead '{"durable": true}'
take() { # QUEUE MODE: prints what the headers say of deaths
  api POST "queues/%2f/$1/get" "{\"count\": 1, \"ackmode\": \"$2\", \"encoding\": \"auto\"}" | python3 -c '
import json, sys
headers = json.load(sys.stdin)[0]["properties"]["headers"]
print(*(f"{death['"'count'"']} in {death['"'queue'"']}" for death in headers["x-death"]), sep=", ", end="; ")
print("first in", headers["x-first-death-queue"])'
}
{
  echo "RabbitMQ $version"
  api POST exchanges/%2f/amq.default/publish '{"routing_key": "work", "payload": "order", "payload_encoding": "string", "properties": {"delivery_mode": 2, "headers": {
    "x-death": [{"queue": "orders", "reason": "rejected", "count": 3, "exchange": "", "routing-keys": ["orders"], "time": 1700000000}],
    "x-first-death-queue": "orders", "x-first-death-reason": "rejected", "x-first-death-exchange": ""}}}' >/dev/null
  echo "as it arrived: $(take work reject_requeue_false)"
  for _ in $(seq 40); do [[ $(api GET queues/%2f/dead) == *'"messages":1'* ]] && break; sleep 0.5; done
  echo "after it was rejected: $(take dead ack_requeue_true)"
} | tee seen
diff seen - <<'SEEN' || { echo "The behavior has changed." >&2; exit 1; }
RabbitMQ 4.0.5
as it arrived: 3 in orders; first in orders
after it was rejected: 1 in work; first in work
SEEN
