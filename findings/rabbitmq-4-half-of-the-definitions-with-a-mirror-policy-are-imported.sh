#!/usr/bin/env bash
# RabbitMQ 4.0.5: definitions of a 3.x cluster with one policy for mirrored queues (ha-mode) are imported.
#
# Expected before the run: mirrored queues no longer exist, so the policy is ignored, and everything else is imported. Or nothing is imported.
# Observed: the answer is 400, and half of the definitions are imported: users, virtual hosts and exchanges exist afterwards, queues do not. The id
# of the old cluster has become that of this one. 4.3.6 also answers 400 and has no queue (seen there too).
#
# Affects: clusters of 3.x with ha policies. A script that does not look at the answer moves messages to queues that are missing.
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

has() { [[ $(api GET "$1") == *'"name":'* ]] && echo yes || echo no; }
cluster() { api GET global-parameters/internal_cluster_id | python3 -c 'import json, sys; print(json.load(sys.stdin).get("value"))'; }
{
  echo "RabbitMQ $version"
  api POST definitions '{"rabbit_version": "3.10.8", "users": [{"name": "shop", "password_hash": "5fYHGFGwNOoWoyNA1X16CAthkidm3Skn0vP0CSWYkJnv4bVh", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ["management"]}],
    "vhosts": [{"name": "shop"}], "permissions": [{"user": "guest", "vhost": "shop", "configure": ".*", "write": ".*", "read": ".*"}],
    "global_parameters": [{"name": "internal_cluster_id", "value": "rabbitmq-cluster-id-of-the-old-cluster"}],
    "policies": [{"vhost": "shop", "name": "mirrored", "pattern": ".*", "apply-to": "queues", "definition": {"ha-mode": "all"}, "priority": 0}],
    "exchanges": [{"name": "shop", "vhost": "shop", "type": "fanout", "durable": true, "auto_delete": false, "internal": false, "arguments": {}}],
    "queues": [{"name": "orders", "vhost": "shop", "durable": true, "auto_delete": false, "arguments": {}}], "bindings": []}' | grep -o 'are not recognised policy settings'
  echo "user: $(has users/shop), virtual host: $(has vhosts/shop), queue: $(has queues/shop/orders), exchange: $(has exchanges/shop/shop)"
  echo "cluster id: $(cluster)"
} | tee seen
diff seen - <<'SEEN' || { echo "The behavior has changed." >&2; exit 1; }
RabbitMQ 4.0.5
are not recognised policy settings
user: yes, virtual host: yes, queue: no, exchange: yes
cluster id: rabbitmq-cluster-id-of-the-old-cluster
SEEN
