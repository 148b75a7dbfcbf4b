using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>How a reader gives messages back.</summary>
public sealed class QueueReturnTests
{
    [Fact]
    public async Task Queue_is_given_back_only_when_the_broker_counts_all_returned_messages_again()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(3);
        await orders.SeeAsync(Orders.Error, 3);
        await using var channel = await orders.VirtualHost.OpenChannelAsync();
        var (isBehind, counts) = (true, 0);
        var windows = new QueueWindows(channel, Orders.Error, () =>
        {
            Interlocked.Increment(ref counts);
            return Task.FromResult(Volatile.Read(ref isBehind) ? 0L : 3L);
        })
        { ReturnPatience = TimeSpan.Zero };
        (await windows.TakeAsync(3)).Count.ShouldBe(3);

        var returning = windows.ReturnAsync(oneByOne: true);
        await Eventually.SeeAsync(() => returning.IsCompleted || Volatile.Read(ref counts) > 5, "it counts");
        returning.IsCompleted.ShouldBeFalse();
        Volatile.Write(ref isBehind, false);
        await returning;

        (await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe(3);
    }
}
