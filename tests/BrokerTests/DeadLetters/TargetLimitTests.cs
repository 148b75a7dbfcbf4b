using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Replays to the queue slips, which has limits. All its messages have the same size.</summary>
public sealed class TargetLimitTests
{
    private const string Slips = "slips";
    private const string Letters = Slips + "_error";
    private const int Room = 4;

    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly int _size = Orders.Envelope(Guid.Empty, "{}").Length;

    [Theory]
    [InlineData("classic", "max-length", false)]
    [InlineData("classic", "max-length", true)]
    [InlineData("classic", "max-length-bytes", false)]
    [InlineData("quorum", "max-length", false)]
    [InlineData("quorum", "max-length-bytes", true)]
    public async Task Message_that_would_push_others_out_of_a_full_queue_is_refused_and_stays(string type, string limit, bool byPolicy)
    {
        await using var orders = await CreateAsync(type, limit, byPolicy, new Dictionary<string, object?> { ["overflow"] = "drop-head" });

        var fits = await FitsAsync(type, limit);

        var plan = await orders.Client.PlanAsync(Request(), null, _none);
        (plan.Done, plan.Refused.Count).ShouldBe((fits, 5 - fits));
        plan.Refused.ShouldAllBe(refusal => refusal.Why.Contains(Limit(limit), StringComparison.Ordinal) && refusal.Why.Contains("push out", StringComparison.Ordinal));
        var replay = await orders.Client.ReplayAsync(Request(), null, _none);
        (replay.Done, replay.Refused.Count).ShouldBe((fits, 5 - fits));
        replay.Refused.ShouldAllBe(refusal => refusal.Why.Contains(Limit(limit), StringComparison.Ordinal));
        await orders.SeeAsync(Slips, 2 + fits);
        await orders.SeeAsync(Letters, 5 - fits);
        (await orders.VirtualHost.TakeAllAsync(Slips)).Count(message => message.Body.Span[0] == (byte)'x').ShouldBe(2);
    }

    // A quorum queue counts with a delay, so it may accept a few messages more than its limit.
    [Theory]
    [InlineData("classic", "max-length", false)]
    [InlineData("classic", "max-length-bytes", true)]
    [InlineData("quorum", "max-length-bytes", false)]
    public async Task Message_that_a_full_queue_would_reject_is_replayed_with_a_warning_and_stays_if_it_is_rejected(string type, string limit, bool byPolicy)
    {
        await using var orders = await CreateAsync(type, limit, byPolicy, new Dictionary<string, object?> { ["overflow"] = "reject-publish" });
        await Eventually.SeeAsync(
            async () => (await orders.VirtualHost.ManagementAsync($"queues/{{vhost}}/{Slips}")).TryGetProperty("message_bytes", out var bytes) ? bytes.GetInt64() : 0,
            bytes => bytes >= 2 * _size, "the management API reports the size of the two messages", TimeSpan.FromSeconds(20));

        var plan = await orders.Client.PlanAsync(Request(), null, _none);
        plan.Refused.ShouldBeEmpty();
        plan.Replayed.Count(one => one.Verdict.Text.Contains(Limit(limit), StringComparison.Ordinal) && one.Verdict.Text.Contains("the broker refuses what does not fit", StringComparison.Ordinal)).ShouldBe(5 - await FitsAsync(type, limit));
        var replay = await orders.Client.ReplayAsync(Request(), null, _none);
        (replay.Done + replay.Refused.Count).ShouldBe(5);
        if (type == "classic")
            replay.Done.ShouldBe(2);
        replay.Refused.ShouldAllBe(refusal => refusal.Why.Contains("the broker refused it: the queue is full", StringComparison.Ordinal));
        await orders.SeeAsync(Slips, 2 + replay.Done);
        await orders.SeeAsync(Letters, replay.Refused.Count);
    }

    [Fact]
    public async Task Replay_uses_the_room_that_a_consumer_makes_and_pushes_no_message_out()
    {
        await using var orders = await CreateAsync(new Dictionary<string, object?> { ["x-max-length"] = 50 }, 400);
        await using var channel = await orders.VirtualHost.OpenChannelAsync();
        var taken = 0;
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, _) =>
        {
            Interlocked.Increment(ref taken);
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(Slips, autoAck: true, consumer);

        long done = 0;
        for (var runs = 0; done < 400 && runs < 40; runs++)
            done += (await orders.Client.ReplayAsync(Request(), null, _none)).Done;
        done.ShouldBe(400);
        await Eventually.SeeAsync(() => Task.FromResult(taken), count => count == 400, "the consumer received all 400 messages");
    }

    [Fact]
    public async Task Dry_run_reports_messages_that_the_queue_would_let_expire()
    {
        await using var orders = await CreateAsync(new Dictionary<string, object?> { ["x-message-ttl"] = 3_600_000, ["x-dead-letter-exchange"] = Letters }, 3);

        var plan = await orders.Client.PlanAsync(Request(), null, _none);
        plan.Refused.ShouldBeEmpty();
        plan.Replayed.ShouldAllBe(one => one.Verdict.Text.Contains("waits 60 min at most in slips, then goes to slips_error"));

        await orders.VirtualHost.SetPolicyAsync("brief", Orders.Input, new Dictionary<string, object> { ["message-ttl"] = 3_600_000 });
        await orders.PutFaultsAsync(1);
        (await orders.Client.PlanAsync(Request() with { Queue = Orders.Error }, null, _none)).Refused.Single().Why.ShouldContain("deletes it after 60 min");
    }

    // How many of the five dead letters fit. A quorum queue of RabbitMQ 4 counts the headers too, which are longer than the body.
    private static async Task<int> FitsAsync(string type, string limit)
    {
        using var broker = TestBroker.FromEnvironment();
        return type == "quorum" && limit == "max-length-bytes" && Version.Parse(await broker.VersionAsync()).Major >= 4 ? 0 : 2;
    }

    private static ReplayRequest Request() => new() { Queue = Letters, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero };

    private static string Limit(string limit) => string.Create(CultureInfo.InvariantCulture, $"slips holds {(limit == "max-length" ? $"{Room} messages" : $"{Room * _size:N0} bytes")} at most");

    // A queue with room for two of the five dead letters, beside the two messages in it.
    private static async Task<Orders> CreateAsync(string type, string limit, bool byPolicy, Dictionary<string, object?> settings)
    {
        settings[limit] = limit == "max-length" ? Room : Room * _size;
        var orders = await CreateAsync(byPolicy ? [] : settings.ToDictionary(setting => "x-" + setting.Key, setting => setting.Value), 5, type);
        if (byPolicy)
            await orders.VirtualHost.SetPolicyAsync("short", Slips, settings.ToDictionary(setting => setting.Key, setting => setting.Value!));
        for (var i = 0; i < 2; i++)
            await orders.PutAsync(new BasicProperties(), [.. Enumerable.Repeat((byte)'x', _size)], Slips);
        await orders.SeeAsync(Slips, 2);
        return orders;
    }

    private static async Task<Orders> CreateAsync(Dictionary<string, object?> arguments, int letters, string type = "classic")
    {
        var orders = await Orders.CreateAsync();
        await orders.DeclareAsync(Slips, new Dictionary<string, object?>(arguments) { ["x-queue-type"] = type });
        await orders.DeclareAsync(Letters, []);
        for (var i = 0; i < letters; i++)
        {
            var properties = Orders.Faulted(Guid.CreateVersion7(), second: i);
            properties.Headers!["MT-Fault-InputAddress"] = "rabbitmq://localhost/" + Slips;
            await orders.PutAsync(properties, Orders.Envelope(Guid.CreateVersion7(), "{}"), Letters);
        }
        await orders.SeeAsync(Letters, letters);
        return orders;
    }
}
