#!/usr/bin/env bash
# MassTransit 8.5.12: a header that a sender sets is on every message that follows from its message.
#
# Expected before the run: only MassTransit's own ids travel (ConversationId, InitiatorId). A custom header ends with the message that it was
# set on, unless a consumer copies it.
# Observed: what a consumer publishes, sends or responds carries each header of the message that it consumes, except those that begin with
# MT-. So does what the next consumer publishes, and the Fault<T> of a failed one. Only a
# consumer that sets the header to null for its own message ends it there; an empty text replaces it.
# Also observed on RabbitMQ 3.10.8: with MassTransit's envelope, these are the headers inside the body, so a header that a tool adds to the
# AMQP properties stays behind. With raw JSON, the headers of the AMQP properties travel, also those that a tool has added to one message.
# This script uses the in-memory transport and MassTransit's envelope.
#
# Affects: headers that describe one message, such as a tool's mark on a message that it moved; the size of headers in long chains; a header
# that a receiver trusts because it believes that only the direct sender can set it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export NUGET_PACKAGES=$folder/packages DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

cat >probe.cs <<'CS'
#:package MassTransit@8.5.12
#:package Microsoft.Extensions.Hosting@10.0.0
#:property PublishAot=false
using System.Collections.Concurrent;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Probe;

var seen = new ConcurrentDictionary<string, string>();
await using var services = new ServiceCollection()
    .AddLogging()
    .AddMassTransit(bus =>
    {
        bus.DisableUsageTelemetry();
        bus.UsingInMemory((_, memory) =>
        {
            memory.ReceiveEndpoint("one", endpoint => endpoint.Handler<One>(async context =>
            {
                await context.Publish(new Two());
                await context.Publish(new WithNull(), publish => publish.Headers.Set("Tenant", null));
                await context.Publish(new WithEmpty(), publish => publish.Headers.Set("Tenant", ""));
            }));
            memory.ReceiveEndpoint("two", endpoint => endpoint.Handler<Two>(context => context.Publish(new Three())));
            memory.ReceiveEndpoint("three", endpoint => endpoint.Handler<Three>(_ => throw new InvalidOperationException("it failed")));
            memory.ReceiveEndpoint("watch", endpoint =>
            {
                endpoint.Handler<Two>(context => Note("published by the first consumer", context));
                endpoint.Handler<Three>(context => Note("published by the second consumer", context));
                endpoint.Handler<Fault<Three>>(context => Note("Fault of the third", context));
                endpoint.Handler<WithNull>(context => Note("published with the header set to null", context));
                endpoint.Handler<WithEmpty>(context => Note("published with the header set to an empty text", context));
            });
        });
    })
    .BuildServiceProvider();
var bus = services.GetRequiredService<IBusControl>();
await bus.StartAsync();
await (await bus.GetSendEndpoint(new Uri("queue:one"))).Send(new One(), send =>
{
    send.Headers.Set("Tenant", "blue");
    send.Headers.Set("MT-Tenant", "blue");
});
for (var tries = 0; seen.Count < 5 && tries < 200; tries++)
    await Task.Delay(100);
await bus.StopAsync();
foreach (var (what, headers) in seen.OrderBy(entry => entry.Key, StringComparer.Ordinal))
    Console.WriteLine($"{what}: {headers}");

Task Note(string what, ConsumeContext context)
{
    string Of(string header) => context.Headers.TryGetHeader(header, out var value) ? $"{header}={value}" : $"no {header}";
    seen[what] = $"{Of("Tenant")}, {Of("MT-Tenant")}";
    return Task.CompletedTask;
}

namespace Probe
{
    public sealed record One;

    public sealed record Two;

    public sealed record Three;

    public sealed record WithNull;

    public sealed record WithEmpty;
}
CS
dotnet run probe.cs >output 2>errors || { cat output errors; exit 1; }
cat output
cat >expected <<'TEXT'
Fault of the third: Tenant=blue, no MT-Tenant
published by the first consumer: Tenant=blue, no MT-Tenant
published by the second consumer: Tenant=blue, no MT-Tenant
published with the header set to an empty text: Tenant=, no MT-Tenant
published with the header set to null: no Tenant, no MT-Tenant
TEXT
diff expected output
echo "As described."
