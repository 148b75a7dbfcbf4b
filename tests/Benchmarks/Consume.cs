using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>Measures MassTransit's overhead in consuming: an empty consumer with our settings, compared with a bare client that acks each message.</summary>
internal static class Consume
{
    private const int Rounds = 3;
    private const int Measured = 20_000;
    private const int WarmUp = 150_000; // the just-in-time compiler uses a core for the first 10 s
    private const int WarmUpOfMail = 24_000;

    public static async Task<int> RunAsync()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        var (noWork, noMail, bare) = (new Series(), new Series(), new Series());
        for (var round = 1; round <= Rounds; round++)
        {
            Console.WriteLine($"round {round} of {Rounds} …");
            await HostAsync(ConsumersHost.NoWork, WarmUp, noWork);
            await HostAsync(ConsumersHost.NoMail, WarmUpOfMail, noMail);
            await Commands.FillAsync(system.VirtualHost, WarmUp + Measured);
            await using (await ConsumeBareAsync(system.VirtualHost))
                await Drain.MeasureAsync(system.VirtualHost, Measured, bare, ("client", Environment.ProcessId), ("broker", system.Broker.ProcessId));
        }
        var version = await system.Broker.VersionAsync();
        await PerformanceTable.WriteAsync(
            "MassTransit: an empty consumer, with our settings", "bare client, ack each", "≥ 0.9", PerformanceTable.Ratio(noWork.Median / bare.Median),
            noWork.Median / bare.Median >= 0.9, $"{noWork.Text} vs {bare.Text}", $"{noWork.Cpu}; vs {bare.Cpu}", version);
        await PerformanceTable.WriteAsync(
            "Consumers: everything except the mail server (GIF, mail, ledger, event)", "bare client, ack each", "–", PerformanceTable.Ratio(noMail.Median / bare.Median),
            true, $"{noMail.Text} vs {bare.Text}", $"{noMail.Cpu}; vs {bare.Cpu}", version);
        return 0;

        async Task HostAsync(string kind, int warmUp, Series series)
        {
            await Commands.FillAsync(system.VirtualHost, warmUp + Measured);
            await using var host = ConsumersHost.Start(kind, system, smtpPort: 1);
            await Drain.MeasureAsync(system.VirtualHost, Measured, series, ("Consumers", host.Id), ("broker", system.Broker.ProcessId));
        }
    }

    private static async Task<IConnection> ConsumeBareAsync(TestVirtualHost virtualHost)
    {
        var connection = await new ConnectionFactory { Uri = new Uri(virtualHost.ConnectionString("operator")) }.CreateConnectionAsync("bare consumer");
        var channel = await connection.CreateChannelAsync();
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) => await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        await channel.BasicQosAsync(0, Convert.ToUInt16(new ConsumerOptions().PrefetchCount, CultureInfo.InvariantCulture), global: false);
        await channel.BasicConsumeAsync(QueueTopology.InputQueue, autoAck: false, consumer);
        return connection;
    }
}
