#!/usr/bin/env bash
# MassTransit 8.5.12: the headers of a dead letter and the Fault of the same failure name different exceptions.
#
# Expected before the run: MT-Fault-ExceptionType and MT-Fault-Message on the message in _error describe the exception that the consumer
# threw, as Fault<T> does.
# Observed: the headers describe the innermost exception, Fault<T> the outermost with its inner exceptions. A wrapper such as
# "order 17 could not be saved" does not appear on the dead letter. With an AggregateException that has two inner exceptions, it is the
# reverse: the headers name the AggregateException, and the Fault lists only its two inner exceptions.
# Also observed on RabbitMQ 3.10.8, by hand. This script uses the in-memory transport, which needs no broker.
#
# Affects: tools that group or search dead letters by exception, and compare them with Fault<T> or a log.
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

await using var services = new ServiceCollection()
    .AddLogging()
    .AddMassTransit(bus =>
    {
        bus.DisableUsageTelemetry();
        bus.UsingInMemory((_, memory) =>
        {
            memory.ReceiveEndpoint("orders", endpoint => endpoint.Handler<Save>(context => throw Failure.Of(context.Message.Kind)));
            memory.ReceiveEndpoint("orders_error", endpoint =>
            {
                endpoint.ConfigureConsumeTopology = false;
                endpoint.Handler<Save>(context =>
                {
                    string Header(string name) => context.ReceiveContext.TransportHeaders.Get<string>(name) ?? "(none)";
                    return Line.Add($"{context.Message.Kind}: letter {Header("MT-Fault-ExceptionType")} | {Header("MT-Fault-Message")}");
                });
            });
            memory.ReceiveEndpoint("faults", endpoint => endpoint.Handler<Fault<Save>>(context =>
                Line.Add($"{context.Message.Message.Kind}: fault {string.Join(" + ", context.Message.Exceptions.Select(e => $"{e.ExceptionType} | {e.Message}"))}")));
        });
    })
    .BuildServiceProvider();
var bus = services.GetRequiredService<IBusControl>();
await bus.StartAsync();
await bus.Publish(new Save("wrapped"));
await bus.Publish(new Save("aggregate"));
await Line.FourAsync();
await bus.StopAsync();

namespace Probe
{
    public record Save(string Kind);

    public class SaveException(string message, Exception? inner = null) : Exception(message, inner);

    public static class Failure
    {
        public static Exception Of(string kind) => kind == "wrapped"
            ? new SaveException("order 17 could not be saved", new InvalidOperationException("the connection is closed"))
            : new AggregateException("two failed", new SaveException("first"), new SaveException("second"));
    }

    public static class Line
    {
        private static readonly SemaphoreSlim _written = new(0);

        public static Task Add(string line)
        {
            Console.WriteLine(line);
            _written.Release();
            return Task.CompletedTask;
        }

        public static async Task FourAsync()
        {
            for (var i = 0; i < 4; i++)
            {
                if (!await _written.WaitAsync(TimeSpan.FromSeconds(20)))
                    throw new TimeoutException("fewer than four lines");
            }
        }
    }
}
CS

cat >expected <<'TEXT'
aggregate: fault Probe.SaveException | first + Probe.SaveException | second
aggregate: letter System.AggregateException | two failed (first) (second)
wrapped: fault Probe.SaveException | order 17 could not be saved
wrapped: letter System.InvalidOperationException | the connection is closed
TEXT

dotnet --version
timeout 180 dotnet run probe.cs | sort | tee seen
diff expected seen
