using System.Diagnostics;
using RabbitMQ.Client;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>How fast a queue gets empty, once whoever empties it is warm.</summary>
internal static class Drain
{
    /// <summary>Measures from the moment when no more than <paramref name="count"/> are left until none is.</summary>
    /// <param name="virtualHost">Where the queue is.</param>
    /// <param name="count">So many are measured; what the queue holds beyond that is for warming up.</param>
    /// <param name="series">Where the result goes.</param>
    /// <param name="processes">Whose CPU time is of interest.</param>
    public static async Task MeasureAsync(TestVirtualHost virtualHost, int count, Series series, params (string Name, int Id)[] processes)
    {
        await using var channel = await virtualHost.OpenChannelAsync();
        var from = await WaitAsync(channel, count);
        var (clock, cpu) = (Stopwatch.StartNew(), new CpuClock(processes));
        var to = await WaitAsync(channel, 0);
        series.Add((from - to) / clock.Elapsed.TotalSeconds, cpu.PerItem(from - to));
    }

    private static async Task<long> WaitAsync(IChannel channel, long most)
    {
        var patience = Stopwatch.StartNew();
        while (patience.Elapsed < TimeSpan.FromMinutes(5))
        {
            var ready = await channel.QueueDeclarePassiveAsync(QueueTopology.InputQueue);
            if (ready.MessageCount <= most)
                return ready.MessageCount;
            await Task.Delay(10);
        }
        throw new TimeoutException($"{QueueTopology.InputQueue} did not get down to {most} within five minutes");
    }
}
