using System.Diagnostics;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>How a reader gives messages back.</summary>
public sealed class QueueReturnTests
{
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(30); // that a reader waits, whatever the broker counts

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Queue_is_given_back_only_when_the_broker_counts_all_returned_messages_again(bool oneByOne)
    {
        await using var orders = await Orders.CreateAsync();
        var (answer, counts) = ((long?)1, 0);
        var windows = await TakeThreeAsync(orders, () =>
        {
            Interlocked.Increment(ref counts);
            return answer;
        }, TimeSpan.FromMinutes(1));

        var returning = windows.ReturnAsync(oneByOne);
        foreach (var tooFew in (long?[])[1, null, 3])
        {
            (answer, var before) = (tooFew, Volatile.Read(ref counts));
            await Eventually.SeeAsync(() => returning.IsCompleted || Volatile.Read(ref counts) > before + 5, "it counts");
            returning.IsCompleted.ShouldBeFalse();
        }
        answer = 4; // one was ready before
        await returning;

        await orders.SeeAsync(Orders.Error, 3);
    }

    // A busy classic queue answers for its counts before it has handled the returns that came earlier, consumer by consumer.
    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Reader_that_follows_at_once_finds_all_messages(string type)
    {
        const int Letters = 8000;
        await using var orders = await Orders.CreateAsync(type);
        await orders.PutFaultsAsync(Letters);

        for (var reading = 0; reading < 5; reading++)
            (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, Letters - 1, 1, "jane", CancellationToken.None)).Ready.ShouldBe(Letters, $"at reading {reading}");
    }

    [Fact]
    public async Task Messages_that_were_ready_before_are_counted_even_if_the_queue_does_not_answer_at_first()
    {
        await using var orders = await Orders.CreateAsync();
        var (answer, counts) = ((long?)null, 0);
        var windows = await TakeThreeAsync(orders, () =>
        {
            Interlocked.Increment(ref counts);
            return answer;
        }, TimeSpan.FromMinutes(1));

        var returning = windows.ReturnAsync(oneByOne: true);
        await Eventually.SeeAsync(() => returning.IsCompleted || Volatile.Read(ref counts) > 5, "it asks for the count again");
        answer = 3; // of other messages
        var before = Volatile.Read(ref counts);
        await Eventually.SeeAsync(() => returning.IsCompleted || Volatile.Read(ref counts) > before + 5, "it waits for more than these");
        returning.IsCompleted.ShouldBeFalse();
        answer = 6;
        await returning;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Returned_messages_that_are_not_counted_any_more_do_not_keep_the_queue(bool oneByOne)
    {
        await using var orders = await Orders.CreateAsync();
        var counts = 0;
        var windows = await TakeThreeAsync(orders, () => Interlocked.Increment(ref counts) < 3 ? 1 : 2, TimeSpan.FromMilliseconds(200)); // two have expired

        var clock = Stopwatch.StartNew();
        await windows.ReturnAsync(oneByOne);
        clock.Elapsed.ShouldBeLessThan(_longest / 2);
        await orders.SeeAsync(Orders.Error, 3);

        // Delayed retry hides them: nothing is counted.
        windows = await TakeThreeAsync(orders, () => throw new InvalidOperationException("It counted"), TimeSpan.FromMinutes(1), 0);
        await windows.ReturnAsync(oneByOne: true, areHidden: true);
        await orders.SeeAsync(Orders.Error, 3);
    }

    private static async Task<QueueWindows> TakeThreeAsync(Orders orders, Func<long?> ready, TimeSpan patience, int put = 3)
    {
        if (put > 0)
            await orders.PutFaultsAsync(put);
        await orders.SeeAsync(Orders.Error, 3);
        var windows = new QueueWindows(await orders.VirtualHost.OpenChannelAsync(), Orders.Error, () => Task.FromResult(ready())) { ReturnPatience = patience, ClassicReturnPatience = patience };
        (await windows.TakeAsync(3)).Count.ShouldBe(3);
        return windows;
    }
}
