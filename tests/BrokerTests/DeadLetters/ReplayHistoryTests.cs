using MassTransit;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A message carries its earlier tries: a replay writes them, and a MassTransit application that fails again keeps them.</summary>
[Trait("broker", "any")] // tests a header that this project writes
public sealed class ReplayHistoryTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Message_that_fails_in_MassTransit_after_each_of_three_replays_carries_its_three_earlier_tries()
    {
        await using var orders = await Orders.CreateAsync();
        var bus = Bus.Factory.CreateUsingRabbitMq(rabbit =>
        {
            rabbit.Host(new Uri(orders.VirtualHost.ConnectionString("operator")));
            rabbit.ReceiveEndpoint("shop", endpoint => endpoint.Handler<Order>(_ => throw new TimeoutException("The shop did not answer")));
        });
        await bus.StartAsync(_none);
        try
        {
            await bus.Publish(new Order("tea"), _none);
            foreach (var by in new[] { "Sam", "Erin", "Kim" })
            {
                await orders.SeeAsync("shop_error", 1);
                (await orders.Client.ReplayAsync(new ReplayRequest { Queue = "shop_error", Filter = DeadLetterFilter.All, By = by }, null, _none)).Outcomes.FailedAgain.ShouldBe(1);
            }
            await orders.SeeAsync("shop_error", 1);
        }
        finally
        {
            await bus.StopAsync(_none);
        }

        var letter = (await orders.Client.ListAsync("shop_error", DeadLetterFilter.All, 0, 10, "Sam", _none)).Letters.ShouldHaveSingleItem();
        letter.History.Tries.Select(one => one.ReplayedBy).ShouldBe(["Sam", "Erin", "Kim"]);
        letter.History.Tries.ShouldAllBe(one => one.ExceptionType == "System.TimeoutException" && one.Cause == letter.Cause.Id && one.Queue == "shop_error");
        letter.History.Tries.SelectMany(one => new[] { one.FailedAt, one.ReplayedAt }).Append(letter.FailedAt).ShouldBeInOrder();

        var shown = await orders.Command.RunAsync("dead-letters", "show", letter.Id, "--queue", "shop_error");
        shown.Code.ShouldBe(0, shown.ToString());
        shown.Output.ShouldContain("replayed by Kim");
        shown.Output.ShouldContain("This time: the same cause as before the last replay");
    }

    [Fact]
    public async Task Message_whose_headers_nearly_fill_a_frame_is_replayed_without_its_history()
    {
        await using var orders = await Orders.CreateAsync();
        var small = await ReplayAsync("");
        Orders.Header(small, "Replay-History").ShouldNotBeNull();
        const long frameMax = 131_072;

        // With the history, the headers would be 50 bytes larger than a frame.
        var large = await ReplayAsync(new string('x', (int)(frameMax + 50 - HeaderFrame.SizeOf(small.BasicProperties))));

        Orders.Header(large, "Replay-Count").ShouldBe("1");
        Orders.Header(large, "Replay-History").ShouldBeNull();

        async Task<BasicGetResult> ReplayAsync(string header)
        {
            var id = Guid.CreateVersion7();
            var properties = new BasicProperties { MessageId = id.ToString(), ContentType = "application/vnd.masstransit+json", Headers = new Dictionary<string, object?> { ["MT-Reason"] = "fault", ["Large"] = header } };
            await orders.PutAsync(properties, Orders.Envelope(id, "{}"));
            await orders.SeeAsync(Orders.Error, 1);
            var result = await orders.Client.ReplayAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero }, null, _none);
            (result.Done, result.Refused.Count).ShouldBe((1, 0));
            return (await orders.VirtualHost.TakeAllAsync(Orders.Input)).ShouldHaveSingleItem();
        }
    }

    internal sealed record Order(string Item);
}
