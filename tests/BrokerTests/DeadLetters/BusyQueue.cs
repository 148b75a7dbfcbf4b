using System.Diagnostics;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Keeps the input queue from ever being empty: a backlog, and 50 more messages a second.</summary>
internal sealed class BusyQueue : IAsyncDisposable
{
    /// <summary>The numbers of its messages are above this one.</summary>
    public const int First = 1_000_000;

    private const double Rate = 64; // messages a second that the consumers of the tests take at most

    private readonly CancellationTokenSource _end = new();
    private Task _filling = Task.CompletedTask;

    private BusyQueue()
    {
    }

    /// <summary>The lowest number of messages that was seen in the queue.</summary>
    public long Lowest { get; private set; } = long.MaxValue;

    /// <summary>Whether a number is of this traffic, and not of a replayed message.</summary>
    public static bool Is(int number) => number >= First;

    public static async Task<BusyQueue> StartAsync(Orders orders, int backlog = 300)
    {
        var channel = await orders.VirtualHost.OpenChannelAsync();
        return await StartAsync(orders.VirtualHost, Orders.Input, backlog, async next =>
        {
            var id = Guid.CreateVersion7();
            var properties = Orders.Faulted(id);
            properties.Headers = new Dictionary<string, object?>();
            await channel.BasicPublishAsync(Orders.Input, "", mandatory: true, properties, Orders.Envelope(id, $$"""{ "number": {{next}} }"""));
        });
    }

    /// <param name="virtualHost">The virtual host.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="backlog">How many messages are kept in it.</param>
    /// <param name="put">Sends a message with this number to the queue.</param>
    public static async Task<BusyQueue> StartAsync(TestVirtualHost virtualHost, string queue, int backlog, Func<int, Task> put)
    {
        var busy = new BusyQueue();
        // As many as the consumers have taken, so that the queue neither runs empty nor grows. While the broker can't count: as many as they take in that time.
        busy._filling = Task.Run(async () =>
        {
            await using var channel = await virtualHost.OpenChannelAsync();
            var filled = Stopwatch.StartNew();
            for (var number = First; ;)
            {
                var ready = await TestVirtualHost.TryReadyAsync(channel, queue);
                busy.Lowest = Math.Min(busy.Lowest, ready ?? long.MaxValue);
                var missing = (int)Math.Max(0, ready is null ? Rate * filled.Elapsed.TotalSeconds : backlog - ready.Value);
                filled.Restart();
                await Task.WhenAll(Enumerable.Range(number, missing).Select(put));
                number += missing;
                await Task.Delay(50, busy._end.Token);
            }
        });
        await Eventually.SeeAsync(() => virtualHost.ReadyAsync(queue), ready => ready >= backlog * 9 / 10, $"a backlog in {queue}");
        busy.Lowest = long.MaxValue;
        return busy;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _filling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }
}
