#!/usr/bin/env bash
# RabbitMQ 4.0.5: messages with the property priority in a quorum queue that has no argument about priorities.
#
# Expected before the run: the order of arrival, as in 3.10.8 (seen there): only a classic queue with x-max-priority looks at the property.
# Observed: messages with a priority of 5 or more are delivered before those with less or none. A shovel from 3.10.8 therefore changes the order of a
# queue. A classic queue keeps the order. 4.3.6 does the same for a priority of 7 among messages without one (seen there too).
#
# Affects: queues of which the order matters, filled by clients that set a priority that so far had no effect.
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

order() { # TYPE
  api PUT "queues/%2f/$1" "{\"durable\": true, \"arguments\": {\"x-queue-type\": \"$1\"}}"
  for message in first/null second/4 third/5 fourth/7; do
    properties="{\"delivery_mode\": 2, \"priority\": ${message#*/}}"
    api POST exchanges/%2f/amq.default/publish "{\"routing_key\": \"$1\", \"payload\": \"${message%/*}\", \"payload_encoding\": \"string\", \"properties\": ${properties/, \"priority\": null/}}" >/dev/null
  done
  api POST "queues/%2f/$1/get" '{"count": 4, "ackmode": "ack_requeue_false", "encoding": "auto"}' | python3 -c 'import json, sys; print(*(message["payload"] for message in json.load(sys.stdin)))'
}
{
  echo "RabbitMQ $version"
  echo "classic: $(order classic)"
  echo "quorum: $(order quorum)"
} | tee seen
diff seen - <<'SEEN' || { echo "The behavior has changed." >&2; exit 1; }
RabbitMQ 4.0.5
classic: first second third fourth
quorum: third fourth first second
SEEN
