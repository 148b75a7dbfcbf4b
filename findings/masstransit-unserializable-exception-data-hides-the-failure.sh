#!/usr/bin/env bash
# MassTransit 8.5.12: an object in Exception.Data that can't be serialized to JSON hides the original failure.
#
# Expected before the run: values in Exception.Data that can't be serialized are left out of Fault<T>, like keys that aren't strings (see
# payment 1 below).
# Observed: no Fault<T> is published. The message goes to _error, but the headers of the dead letter name System.NotSupportedException with
# System.Text.Json's text and stack. Only the log has the exception that the consumer threw. Libraries put such objects into Data (a Type, a
# delegate), so a dead letter with the reason "Serialization and deserialization of ... is not supported" may have failed for another
# reason.
# Also observed on RabbitMQ 3.10.8, by hand. This script uses the in-memory transport, which needs no broker.
#
# Affects: operators who read the reason of a dead letter, and subscribers of Fault<T>, who get no message.
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

var letters = new SemaphoreSlim(0);
await using var services = new ServiceCollection()
    .AddLogging()
    .AddMassTransit(bus =>
    {
        bus.DisableUsageTelemetry();
        bus.UsingInMemory((_, memory) =>
        {
            memory.ReceiveEndpoint("payments", endpoint => endpoint.Handler<Pay>(context =>
            {
                var failure = new PaymentException($"payment {context.Message.Number} was refused");
                failure.Data[17] = "a key that is not a string";
                failure.Data["handler"] = context.Message.Number == 1 ? "plain text" : typeof(Pay);
                throw failure;
            }));
            memory.ReceiveEndpoint("payments_error", endpoint =>
            {
                endpoint.ConfigureConsumeTopology = false;
                endpoint.Handler<Pay>(context =>
                {
                    var headers = context.ReceiveContext.TransportHeaders;
                    Console.WriteLine($"{context.Message.Number}: letter {headers.Get<string>("MT-Fault-ExceptionType")} | {headers.Get<string>("MT-Fault-Message")}");
                    letters.Release();
                    return Task.CompletedTask;
                });
            });
            memory.ReceiveEndpoint("faults", endpoint => endpoint.Handler<Fault<Pay>>(context =>
            {
                var fault = context.Message.Exceptions[0];
                Console.WriteLine($"{context.Message.Message.Number}: fault {fault.ExceptionType} | {fault.Message} | {string.Join(",", fault.Data!.Select(pair => $"{pair.Key}={pair.Value}"))}");
                return Task.CompletedTask;
            }));
        });
    })
    .BuildServiceProvider();
var bus = services.GetRequiredService<IBusControl>();
await bus.StartAsync();
foreach (var number in new[] { 2, 1 })
{
    await bus.Publish(new Pay(number));
    if (!await letters.WaitAsync(TimeSpan.FromSeconds(20)))
        throw new TimeoutException("no dead letter");
}
await Task.Delay(2000); // a Fault of payment 2 would have arrived by now: the Fault of payment 1, published later, has
await bus.StopAsync();

namespace Probe
{
    public record Pay(int Number);

    public class PaymentException(string message) : Exception(message);
}
CS

cat >expected <<'TEXT'
1: fault Probe.PaymentException | payment 1 was refused | handler=plain text
1: letter Probe.PaymentException | payment 1 was refused
2: letter System.NotSupportedException | Serialization and deserialization of 'System.RuntimeType' instances is not supported.
TEXT

dotnet --version
timeout 180 dotnet run probe.cs | sed 's/ Path: .*//' | sort | tee seen
diff expected seen
