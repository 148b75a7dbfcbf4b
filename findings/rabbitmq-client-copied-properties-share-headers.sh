#!/usr/bin/env bash
# RabbitMQ.Client 7.2.2: new BasicProperties(other) copies the properties, but both share one dictionary of headers.
#
# Guess beforehand: a copy is a copy. Removing a header from the copy before it is published leaves the delivered message's own properties alone.
# Seen: the constructor copies the reference to Headers. A header that is removed or added on the copy is removed or added on the original, and on
# every other copy. The other properties (content type, expiration, delivery mode) are independent.
#
# Matters to: whoever republishes a delivery with other headers (a retry, a dead-letter tool), and then still reads the original's headers: to
# log them, to decide on, or to publish a second copy. Copy the dictionary as well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export NUGET_PACKAGES=$folder/packages DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

cat >probe.cs <<'CS'
#:package RabbitMQ.Client@7.2.2
#:property PublishAot=false
using RabbitMQ.Client;

var delivered = new BasicProperties
{
    ContentType = "application/json",
    Expiration = "60000",
    Headers = new Dictionary<string, object?> { ["x-death"] = "of the first try", ["tenant"] = "blue" },
};
var copy = new BasicProperties(delivered);
copy.Headers!.Remove("x-death");
copy.Headers["replayed-by"] = "operator";
copy.ContentType = "text/plain";
copy.ClearExpiration();
Console.WriteLine($"same dictionary: {ReferenceEquals(delivered.Headers, copy.Headers)}");
Console.WriteLine($"headers of the original: {string.Join(", ", delivered.Headers!.Keys.Order())}");
Console.WriteLine($"content type and expiration of the original: {delivered.ContentType}, {delivered.Expiration}");
CS

seen=$(dotnet run probe.cs 2>&1)
printf '%s\n' "$seen"
expected='same dictionary: True
headers of the original: replayed-by, tenant
content type and expiration of the original: application/json, 60000'
[[ $seen == "$expected" ]] || { printf '\nThis is not what was seen before:\n%s\n' "$expected" >&2; exit 1; }
