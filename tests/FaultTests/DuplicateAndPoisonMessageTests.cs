using Microsoft.Data.Sqlite;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

public sealed class DuplicateAndPoisonMessageTests(ReliabilityTable table)
{
    // Each attempt gets half of it. If a request timed out and were repeated, it would kill a second process, which the test does not intend.
    private static readonly (string, string) _longGiphyTimeout = ("Giphy__Timeout", "00:00:20");

    [Fact]
    public async Task All_mails_are_sent_once_when_every_message_is_published_twice_to_two_consumers()
    {
        await using var run = await FaultRun.StartAsync("every message published again, two Consumers", table);
        var second = run.System.NewConsumers();
        await second.StartAsync();
        run.System.Mail.OnMail = _ => SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(10));

        // As if no confirm had ever arrived: the outbox publishes again what is three seconds old.
        await run.BreakAsync(Scale.Times(5), () => ForgetConfirmsAsync(run));
        await Task.Delay(TimeSpan.FromSeconds(4)); // until the newest submissions are old enough
        await ForgetConfirmsAsync(run);
        await Eventually.SeeAsync(() => Task.FromResult(Unconfirmed(run)), left => left == 0, "all submissions published again");

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    [Fact]
    public async Task Poison_message_is_dead_lettered_without_its_neighbours()
    {
        await using var giphy = await FakeGiphy.StartAsync();
        await using var run = await FaultRun.StartAsync("one message that kills each process that handles it", table, [.. giphy.GetSettings(), _longGiphyTimeout, FaultRun.ShortLease]);
        var deaths = 0;
        giphy.Answer = async (http, number) =>
        {
            if (http.Request.Query["s"] == "poison")
            {
                Interlocked.Increment(ref deaths);
                await run.Consumers.KillAsync();
            }
            await FakeGiphy.GoodAsync(http, number);
        };

        // Restarts the process as an orchestrator would.
        Tally tally;
        await using (new Restarts(run.Consumers))
        {
            await run.LoadAsync(submission: number => (FaultRun.Address(number), number == Scale.Submissions / 2 ? "poison" : "harmless"));
            tally = await run.SettleAsync();
        }
        tally.ShouldBeComplete();
        tally.DeadLettered.ShouldBe(1);
        tally.Held.ShouldBeLessThanOrEqualTo(16 * deaths);
        deaths.ShouldBeLessThanOrEqualTo(8);
    }

    [Fact]
    public async Task Cured_poison_message_is_mailed_after_being_moved_back_and_delayed()
    {
        await using var giphy = await FakeGiphy.StartAsync();
        await using var run = await FaultRun.StartAsync("poison, cured, moved back with its x-death, then delayed", table, [.. giphy.GetSettings(), _longGiphyTimeout]);
        var lastDeath = Task.CompletedTask;
        giphy.Answer = (_, _) => lastDeath = run.Consumers.KillAsync();
        await using (new Restarts(run.Consumers))
        {
            await run.LoadAsync(1);
            await run.System.SeeReadyAsync("send-gif-email_error", 1, TimeSpan.FromMinutes(2));
            await lastDeath; // the broker notices the death first; the process counts as running for some more milliseconds
        }

        giphy.Answer = null;
        if (!run.Consumers.IsRunning)
            await run.Consumers.StartAsync();
        run.System.Mail.Next(Enumerable.Repeat(SmtpBehaviour.Reply(SmtpStage.Mail, 451, "4.3.0 not now"), 5));
        await MoveAsTheShovelDoesAsync(run);

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    private static async Task MoveAsTheShovelDoesAsync(FaultRun run)
    {
        await using var channel = await run.System.VirtualHost.OpenChannelAsync();
        var deadLetter = (await channel.BasicGetAsync("send-gif-email_error", autoAck: true)).ShouldNotBeNull();
        // The header that the broker sets when it dead-letters a message itself.
        var properties = new BasicProperties(deadLetter.BasicProperties);
        properties.Headers.ShouldNotBeNull()["x-death"] = new List<object?>
        {
            new Dictionary<string, object?> { ["count"] = 1L, ["reason"] = "delivery_limit", ["queue"] = "send-gif-email", ["exchange"] = "send-gif-email", ["routing-keys"] = new List<object?> { "" } },
        };
        await channel.BasicPublishAsync("", "send-gif-email", mandatory: true, properties, deadLetter.Body);
    }

    private static Task<long> ForgetConfirmsAsync(FaultRun run) => Task.Run(() => Execute(run, "UPDATE submissions SET confirmed_at = NULL"));

    private static long Unconfirmed(FaultRun run) => Execute(run, "SELECT count(*) FROM submissions WHERE confirmed_at IS NULL");

    private static long Execute(FaultRun run, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(run.System.Folder, "submissions.db")};Default Timeout=30");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // sql is one of the two constants above
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteScalar() is long value ? value : 0;
    }

    /// <summary>Restarts a service whenever it ends, until disposed.</summary>
    private sealed class Restarts : IAsyncDisposable
    {
        private readonly CancellationTokenSource _ended = new();
        private readonly Task _running;

        public Restarts(ServiceProcess service) => _running = RunAsync(service);

        public async ValueTask DisposeAsync()
        {
            await _ended.CancelAsync();
            await _running;
            _ended.Dispose();
        }

        private async Task RunAsync(ServiceProcess service)
        {
            while (!_ended.IsCancellationRequested)
            {
                if (!service.IsRunning)
                    service.Launch(); // not StartAsync: the poison message may kill the process before it is ready
                await Task.Delay(50, CancellationToken.None);
            }
        }
    }
}
