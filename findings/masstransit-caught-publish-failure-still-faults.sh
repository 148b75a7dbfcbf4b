#!/usr/bin/env bash
# MassTransit 8.5.12: a failed publish inside a consumer fails the message, even if the consumer caught the exception and then published
# successfully.
#
# Expected before the run: MassTransit ignores an exception that the consumer catches. The consumer tries again, the second publish succeeds,
# and the message is acknowledged. If the message did fail, Fault<T> would be published as for every failed message.
# Observed: context.Publish adds its task to the tasks that must complete before the message is settled. The failed task is among them, so
# the message goes to _error with the reason of the first attempt, after the consumer returned normally and its event was delivered. No
# Fault<T> is published for it, only a ReceiveFault: subscribers of Fault<T> don't get it. The endpoint of
# ReceiveContext.PublishEndpointProvider keeps no such tasks.
# Also observed on RabbitMQ 3.10.8, with a send to a queue that was declared between two attempts. This script uses the in-memory transport.
#
# Affects: consumers that publish or send in a loop until it succeeds, after work that must not be done twice.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export NUGET_PACKAGES=$folder/packages DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

cat >probe.cs <<'CS'
#:package MassTransit@8.5.12
#:package Microsoft.Extensions.Hosting@10.0.0
#:property PublishAot=false
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Probe;

var seen = new Seen();
await using var services = new ServiceCollection()
    .AddLogging()
    .AddMassTransit(bus =>
    {
        bus.DisableUsageTelemetry();
        bus.UsingInMemory((_, memory) =>
        {
            // The first attempt for each order fails, like a failing broker. The second succeeds.
            memory.ConfigurePublish(publish => publish.UseExecute(context =>
            {
                if (context is PublishContext<OrderSaved> saved && seen.IsFirst(saved.Message.By))
                    throw new InvalidOperationException("the broker is busy");
            }));
            memory.ReceiveEndpoint("orders", endpoint => endpoint.Handler<Save>(async context =>
            {
                seen.Note(context.Message.By, "consumer ran");
                for (var published = false; !published;)
                {
                    try
                    {
                        if (context.Message.By == "context.Publish")
                            await context.Publish(new OrderSaved(context.Message.By));
                        else
                            await (await context.ReceiveContext.PublishEndpointProvider.GetPublishSendEndpoint<OrderSaved>()).Send(new OrderSaved(context.Message.By));
                        published = true;
                    }
                    catch (InvalidOperationException)
                    {
                        seen.Note(context.Message.By, "caught");
                    }
                }
            }));
            memory.ReceiveEndpoint("events", endpoint => endpoint.Handler<OrderSaved>(context => seen.NoteAsync(context.Message.By, "event delivered")));
            memory.ReceiveEndpoint("orders_error", endpoint =>
            {
                endpoint.ConfigureConsumeTopology = false;
                endpoint.Handler<Save>(context => seen.NoteAsync(context.Message.By, $"in _error: {context.ReceiveContext.TransportHeaders.Get<string>("MT-Fault-Message")}"));
            });
            memory.ReceiveEndpoint("faults", endpoint =>
            {
                endpoint.Handler<Fault<Save>>(context => seen.NoteAsync(context.Message.Message.By, "Fault<Save> published"));
                endpoint.Handler<ReceiveFault>(context => seen.NoteAsync("of one of them", $"ReceiveFault published: {context.Message.Exceptions[0].Message}"));
            });
        });
    })
    .BuildServiceProvider();
var bus = services.GetRequiredService<IBusControl>();
await bus.StartAsync();
await bus.Publish(new Save("context.Publish"));
await bus.Publish(new Save("the receive endpoint's own"));
await seen.ManyAsync(8);
await bus.StopAsync(); // waits for messages in flight
seen.Print();

namespace Probe
{
    public record Save(string By);

    public record OrderSaved(string By);

    public sealed class Seen
    {
        private readonly List<string> _lines = [];
        private readonly HashSet<string> _first = [];
        private readonly SemaphoreSlim _noted = new(0);

        public bool IsFirst(string by)
        {
            lock (_lines)
                return _first.Add(by);
        }

        public void Note(string by, string what)
        {
            lock (_lines)
                _lines.Add($"{by}: {what}");
            _noted.Release();
        }

        public Task NoteAsync(string by, string what)
        {
            Note(by, what);
            return Task.CompletedTask;
        }

        public async Task ManyAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                if (!await _noted.WaitAsync(TimeSpan.FromSeconds(20)))
                    throw new TimeoutException($"fewer than {count} things happened: {string.Join(", ", _lines)}");
            }
        }

        public void Print()
        {
            foreach (var line in _lines.Order(StringComparer.Ordinal))
                Console.WriteLine(line);
        }
    }
}
CS

cat >expected <<'TEXT'
context.Publish: caught
context.Publish: consumer ran
context.Publish: event delivered
context.Publish: in _error: the broker is busy
of one of them: ReceiveFault published: the broker is busy
the receive endpoint's own: caught
the receive endpoint's own: consumer ran
the receive endpoint's own: event delivered
TEXT

dotnet --version
timeout 300 dotnet run probe.cs | tee seen
diff expected seen
