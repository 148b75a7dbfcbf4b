#!/usr/bin/env bash
# RabbitMQ 4.0.5: definitions that 3.10.8 exported, with a classic queue, are imported into a virtual host whose default queue type is quorum.
#
# Expected before the run: the queue stays classic, as it was: a default is for queues that applications declare.
# Observed: it becomes a quorum queue, because 3.10.8 writes no type for a classic queue. The answer is 204. A client that then declares the queue
# as classic, as before, is refused (406).
# On 4.3.6, definitions that name the virtual host make classic its default (seen there), so that the queue stays classic, and every later one too.
#
# Affects: a move to a new cluster for which quorum was chosen as the default before the old definitions were imported.
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

kind() { api GET "queues/shop/$1" | python3 -c "import json, sys; print(json.load(sys.stdin)['type'])"; }
{
  echo "RabbitMQ $version"
  api PUT vhosts/shop '{"default_queue_type": "quorum"}'
  api PUT permissions/shop/guest '{"configure": ".*", "write": ".*", "read": ".*"}'
  api POST definitions '{"rabbit_version": "3.10.8", "users": [], "vhosts": [{"name": "shop"}], "permissions": [], "policies": [], "exchanges": [], "bindings": [],
    "queues": [{"name": "orders", "vhost": "shop", "durable": true, "auto_delete": false, "arguments": {}}]}'
  echo "imported: $(kind orders)"
  api PUT queues/shop/orders '{"durable": true, "arguments": {"x-queue-type": "classic"}}' | grep -o "inequivalent arg 'x-queue-type'"
} | tee seen
diff seen - <<'SEEN' || { echo "The behavior has changed." >&2; exit 1; }
RabbitMQ 4.0.5
imported: quorum
inequivalent arg 'x-queue-type'
SEEN
