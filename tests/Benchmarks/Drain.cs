using System.Diagnostics;
using RabbitMQ.Client;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>Measures how fast a consumer empties a queue after its warm-up.</summary>
internal static class Drain
{
    /// <summary>Measures from the moment when at most <paramref name="count"/> messages are left until the queue is empty.</summary>
    /// <param name="virtualHost">The virtual host of the queue.</param>
    /// <param name="count">The number of measured messages; additional messages in the queue are for the warm-up.</param>
    /// <param name="series">The series that gets the result.</param>
    /// <param name="processes">The processes whose CPU time is measured.</param>
    public static async Task MeasureAsync(TestVirtualHost virtualHost, int count, Series series, params (string Name, int Id)[] processes)
    {
        var (rate, cpu) = await MeasureAsync(virtualHost, count, processes);
        series.Add(rate, cpu);
    }

    /// <summary>Measures the same, and returns the items per second and the CPU time per item of each process, in milliseconds.</summary>
    public static async Task<(double Rate, IReadOnlyList<(string Process, double Milliseconds)> Cpu)> MeasureAsync(
        TestVirtualHost virtualHost, int count, params (string Name, int Id)[] processes)
    {
        await using var channel = await virtualHost.OpenChannelAsync();
        var from = await WaitAsync(channel, count);
        var (clock, cpu) = (Stopwatch.StartNew(), new CpuClock(processes));
        var to = await WaitAsync(channel, 0);
        return ((from - to) / clock.Elapsed.TotalSeconds, cpu.PerItem(from - to));
    }

    private static async Task<long> WaitAsync(IChannel channel, long most)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromMinutes(5))
        {
            var ready = await channel.QueueDeclarePassiveAsync(QueueTopology.InputQueue);
            if (ready.MessageCount <= most)
                return ready.MessageCount;
            await Task.Delay(10);
        }
        throw new TimeoutException($"{QueueTopology.InputQueue} still held more than {most} messages after five minutes");
    }
}
