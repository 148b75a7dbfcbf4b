using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Keeps the input queue from ever being empty: a backlog, and 50 more messages a second.</summary>
internal sealed class BusyQueue : IAsyncDisposable
{
    /// <summary>The numbers of its messages are above this one.</summary>
    public const int First = 1_000_000;

    private readonly CancellationTokenSource _end = new();
    private readonly Orders _orders;
    private Task _filling = Task.CompletedTask;

    private BusyQueue(Orders orders) => _orders = orders;

    /// <summary>The lowest number of messages that was seen in the queue.</summary>
    public long Lowest { get; private set; } = long.MaxValue;

    /// <summary>Whether a number is of this traffic, and not of a replayed message.</summary>
    public static bool Is(int number) => number >= First;

    public static async Task<BusyQueue> StartAsync(Orders orders, int backlog = 150)
    {
        var busy = new BusyQueue(orders);
        var channel = await orders.VirtualHost.OpenChannelAsync();
        var number = First;
        for (; number < First + backlog; number++)
            await PutAsync(number);
        await orders.SeeAsync(Orders.Input, backlog);
        // As many as the consumers have taken, so that the queue neither runs empty nor grows.
        busy._filling = Task.Run(async () =>
        {
            while (true)
            {
                var ready = await orders.VirtualHost.ReadyAsync(Orders.Input);
                busy.Lowest = Math.Min(busy.Lowest, ready);
                for (var end = number + Math.Max(0, backlog - ready); number < end; number++)
                    await PutAsync(number);
                await Task.Delay(50, busy._end.Token);
            }
        });
        return busy;

        async Task PutAsync(int next)
        {
            var id = Guid.CreateVersion7();
            var properties = Orders.Faulted(id);
            properties.Headers = new Dictionary<string, object?>();
            await channel.BasicPublishAsync(Orders.Input, "", mandatory: true, properties, Orders.Envelope(id, $$"""{ "number": {{next}} }"""));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _filling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }
}
