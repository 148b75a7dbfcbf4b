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
        // There may be more: the outbox publishes again what is not confirmed within 3 s.
        await Eventually.SeeAsync(() => run.System.VirtualHost.ReadyAsync("send-gif-email_error"), dead => dead >= _messages, "all submissions dead-lettered", TimeSpan.FromMinutes(3));
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
        await Eventually.SeeAsync(() => virtualHost.ReadyAsync("orders_error"), ready => ready == _messages, "all messages in orders_error");
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
            return CountDistinct(arrived) >= _messages;
        });

        var distinct = CountDistinct(arrived);
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"  replay of {_messages} dead letters of another application, kill -9 × {kills}: {distinct} arrived, {_messages - distinct} lost, {arrived.Count - distinct} twice"));
        distinct.ShouldBe(_messages);
        (arrived.Count - distinct).ShouldBeLessThanOrEqualTo(256 * kills); // at most the messages published and not yet confirmed
    }

    private static int CountDistinct(IEnumerable<BasicGetResult> messages) => messages.Select(message => message.BasicProperties.MessageId).Distinct().Count();

    // Repeats until all messages have arrived. An empty queue does not prove that: messages that a killed process held are not ready until the broker
    // has noticed its death. Returns the number of kills.
    private static async Task<int> ReplayAsync(OperatorCommand operate, TestVirtualHost virtualHost, string queue, Func<Task<bool>> haveArrived)
    {
        string[] replay = ["dead-letters", "replay", "--queue", queue, "--all", "--yes", "--wait", "0", "--pace", $"{_messages / _kills}"];
        var kills = 0;
        while (kills < _kills && !await haveArrived())
        {
            using var process = operate.Start(replay);
            using var untilKill = new CancellationTokenSource(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(300, 1_500)));
            await process.WaitForExitAsync(untilKill.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (process.HasExited)
                break;
            process.Kill();
            await process.WaitForExitAsync();
            kills++;
            // Gives the broker time to return the messages of the killed process and to release its lock.
            await Task.Delay(200);
        }
        kills.ShouldBeGreaterThan(0);
        await Eventually.SeeAsync(
            async () =>
            {
                await operate.RunProcessAsync(["dead-letters", "replay", "--queue", queue, "--all", "--yes", "--wait", "0"]); // a run that finds no messages, or finds the lock still held, is repeated
                return await haveArrived() && await virtualHost.ReadyAsync(queue) == 0; // a message that arrived but was not acked before the kill is still in the queue
            },
            all => all, $"all messages replayed and {queue} empty", TimeSpan.FromMinutes(3));
        return kills;
    }
}
