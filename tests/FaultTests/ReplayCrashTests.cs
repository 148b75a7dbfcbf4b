using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>A replay is killed at random points and run again until nothing is left to replay.</summary>
public sealed class ReplayCrashTests(ReliabilityTable table)
{
    private static readonly int _messages = Scale.IsLong ? 5_000 : 300;
    private static readonly int _kills = Scale.IsLong ? 20 : 3;

    [Fact]
    public async Task Replay_killed_at_random_points_sends_all_mails_once_when_consumers_have_a_ledger()
    {
        await using var run = await FaultRun.StartAsync($"replay of {_messages} dead letters, kill -9 × {_kills}", table);
        run.System.Mail.OnMail = mail => mail.Recipient is null ? null : SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 unknown");
        await run.LoadAsync(_messages);
        // Or more: what is not confirmed within 3 s is published again.
        await Eventually.SeeAsync(() => run.System.VirtualHost.ReadyAsync("send-gif-email_error"), dead => dead >= _messages, "all are dead letters", TimeSpan.FromMinutes(3));
        run.System.Mail.OnMail = null;

        await ReplayAsync(OperatorCommand.Of(run.System), run.System.VirtualHost, "send-gif-email_error", () => Task.FromResult(run.System.Mail.DeliveriesById.Count >= _messages));

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    [Fact]
    public async Task Replay_killed_at_random_points_loses_no_message_of_an_application_without_deduplication()
    {
        using var broker = TestBroker.FromEnvironment();
        await using var virtualHost = await broker.CreateVirtualHostAsync();
        await using var channel = await virtualHost.OpenChannelAsync();
        foreach (var queue in new[] { "orders", "orders_error" })
        {
            await channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true);
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
            await channel.QueueBindAsync(queue, queue, "");
        }
        for (var number = 0; number < _messages; number++)
        {
            var properties = new BasicProperties { MessageId = Guid.CreateVersion7().ToString(), ContentType = "application/vnd.masstransit+json" };
            await channel.BasicPublishAsync("", "orders_error", mandatory: true, properties, Encoding.UTF8.GetBytes($$"""{ "message": { "number": {{number}} } }"""));
        }
        await Eventually.SeeAsync(() => virtualHost.ReadyAsync("orders_error"), ready => ready == _messages, "the dead letters stand");
        var operate = new OperatorCommand(new Dictionary<string, string>
        {
            ["ConnectionStrings__RabbitMq"] = virtualHost.ConnectionString("operator"),
            ["RabbitMqManagement__Url"] = broker.Management.BaseAddress!.ToString(),
            ["DeadLetters__AuditFile"] = Path.Combine(Path.GetTempPath(), $"workinit-audit-{Guid.NewGuid():N}.jsonl"),
        });

        var arrived = new List<BasicGetResult>();
        var kills = await ReplayAsync(operate, virtualHost, "orders_error", async () =>
        {
            arrived.AddRange(await virtualHost.TakeAllAsync("orders"));
            return Different(arrived) >= _messages;
        });

        var different = Different(arrived);
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"  replay of {_messages} of a stranger's dead letters, kill -9 × {kills}: {different} arrived, {_messages - different} lost, {arrived.Count - different} twice"));
        different.ShouldBe(_messages);
        (arrived.Count - different).ShouldBeLessThanOrEqualTo(256 * kills); // at most what was published and not yet confirmed
    }

    private static int Different(IEnumerable<BasicGetResult> messages) => messages.Select(message => message.BasicProperties.MessageId).Distinct().Count();

    // Until all have arrived: that none is ready in the queue says nothing, for what a dead one held is not ready before the broker has noticed its
    // death. Returns how often it was killed.
    private static async Task<int> ReplayAsync(OperatorCommand operate, TestVirtualHost virtualHost, string queue, Func<Task<bool>> haveArrived)
    {
        string[] replay = ["dead-letters", "replay", "--queue", queue, "--all", "--yes", "--wait", "0", "--pace", $"{_messages / _kills}"];
        var kills = 0;
        while (kills < _kills && !await haveArrived())
        {
            using var process = operate.Start(replay);
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(300, 1_500)));
            await process.WaitForExitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (process.HasExited)
                break;
            process.Kill();
            await process.WaitForExitAsync();
            kills++;
            // The broker gives back what the dead one held, and drops its lock.
            await Task.Delay(200);
        }
        kills.ShouldBeGreaterThan(0);
        await Eventually.SeeAsync(
            async () =>
            {
                await operate.RunAsync(["dead-letters", "replay", "--queue", queue, "--all", "--yes", "--wait", "0"]); // one that finds nothing, or the lock still there, comes again
                return await haveArrived() && await virtualHost.ReadyAsync(queue) == 0; // what arrived before its death could ack it stands there still
            },
            all => all, "all are replayed", TimeSpan.FromMinutes(3));
        return kills;
    }
}
