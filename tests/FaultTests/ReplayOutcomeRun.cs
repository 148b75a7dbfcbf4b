using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>
/// One run: Web with a catalogue is the host, Consumers the application, which reports with the package; the mail server's account shows what the
/// application did. The command has no ledger, so it knows only what is reported and seen. Each kill has its own dead letters, and happens while they are
/// replayed. Afterwards, each outcome in the catalogue and in the command's output is compared with the mails and the dead letters.
/// </summary>
internal sealed class ReplayOutcomeRun : IAsyncDisposable
{
    private const string Queue = "send-gif-email";
    private const string Error = Queue + "_error";
    private const string Tap = "replay-tap";
    private const int Pace = 50;
    private static readonly int _messages = Scale.IsLong ? 300 : 80;

    private readonly ConcurrentDictionary<string, string> _replays = new(); // message ids, by the replay's id
    private readonly HashSet<string> _sent = [];
    private readonly CatalogueStore _store;
    private readonly DeadLetterClient _client;
    private readonly ServiceProcess _host;
    private readonly ServiceProcess _application;
    private volatile bool _isFixed;

    private ReplayOutcomeRun(WorkinItSystem system, string database)
    {
        (System, _host, _application) = (system, system.NewWeb(), system.NewConsumers());
        var broker = DeadLetterOptions.Parse(system.VirtualHost.ConnectionString("operator"), system.Broker.Management.BaseAddress!);
        _client = new DeadLetterClient(broker, new AuditFile(Path.Combine(system.Folder, "test-audit.jsonl")));
        _store = new CatalogueStore(new CatalogueOptions { Database = Database.Parse(database) }, TimeProvider.System);
        system.Mail.OnMail = mail => mail.Recipient is null ? null
            : !_isFixed || mail.Recipient.EndsWith("0@people.example", StringComparison.Ordinal) ? SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 unknown")
            : SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(100));
    }

    private WorkinItSystem System { get; }

    /// <summary>Starts the host and the application.</summary>
    /// <param name="broker">The broker; the run disposes of it.</param>
    public static async Task<ReplayOutcomeRun> StartAsync(TestBroker broker)
    {
        var system = await WorkinItSystem.CreateAsync(broker);
        DeadLetterPages.AddTo(system);
        var database = $"Data Source={Path.Combine(system.Folder, "catalogue.db")}";
        foreach (var (name, value) in new[]
        {
            ("ConnectionStrings__DeadLetters", system.VirtualHost.ConnectionString("operator")), ("ConnectionStrings__Catalogue", database), ("DeadLetters__OutcomeWait", "00:00:20"),
            ("Retry__Limit", "0"), ("Redelivery__Delays__0", "00:00:01"), ("Redelivery__Delays__1", "00:00:02"), FaultRun.ShortLease,
        })
            system.Settings[name] = value;
        await system.PrepareAsync();
        var run = new ReplayOutcomeRun(system, database);
        await Task.WhenAll(run._host.StartAsync(), run._application.StartAsync());
        await using var channel = await system.VirtualHost.OpenChannelAsync();
        await channel.QueueDeclareAsync(Tap, durable: true, exclusive: false, autoDelete: false);
        return run;
    }

    /// <summary>Lets messages fail, replays them, and kills a process in the middle; compares the outcomes when all has come to rest.</summary>
    /// <param name="victim">command, host, application or broker.</param>
    public async Task KillDuringReplayAsync(string victim)
    {
        await FailAsync();
        var (mails, clock) = (System.Mail.MailCount, Stopwatch.StartNew());
        using var command = victim == "host" ? null : Command.Start("dead-letters", "replay", "--queue", Error, "--all", "--all-at-once", "--pace", $"{Pace}", "--wait", "40s", "--yes", "--json");
        var output = command?.StandardOutput.ReadToEndAsync();
        if (command is null)
            await ReplayOnPageAsync();
        await Eventually.SeeAsync(() => System.Mail.MailCount >= mails + _messages / 10, "the replay has begun");
        await Task.Delay(RandomNumberGenerator.GetInt32(0, 1000 * _messages / Pace / 3));
        command?.HasExited.ShouldBeFalse("the replay was still running");
        await (victim switch
        {
            "command" => KillAsync(command!),
            "host" => RestartAsync(_host),
            "application" => RestartAsync(_application),
            _ => RestartBrokerAsync(),
        });
        if (command is not null)
            await command.WaitForExitAsync();
        await SettleAsync();
        // The host and the command only watch: while the application and the broker live, each outcome becomes known.
        if (victim is "command" or "host")
            await Eventually.SeeAsync(InCatalogueAsync, all => all.All(one => one.Outcome is Outcome.Handled or Outcome.FailedAgain), "all outcomes in the catalogue are known");
        var shown = (victim == "command" || output is null ? [] : OutcomesIn(await output)).Concat(await InCatalogueAsync()).ToList();
        await CompareAsync(victim, shown, clock.Elapsed);
    }

    /// <summary>Each message was mailed or is a dead letter.</summary>
    public async Task ShouldHaveLostNothingAsync()
    {
        var dead = (await LettersAsync()).Select(letter => letter.MessageId).ToHashSet();
        _sent.Where(id => !IsMailed(id) && !dead.Contains(id)).ShouldBeEmpty("lost");
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  {_sent.Count} messages, {_replays.Count} replayed; {_sent.Count(IsMailed)} mailed, {dead.Count} are dead letters; 0 lost"));
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _client.Dispose();
        await System.DisposeAsync();
    }

    private OperatorCommand Command => new(new Dictionary<string, string>
    {
        ["ConnectionStrings__RabbitMq"] = System.VirtualHost.ConnectionString("operator"),
        ["RabbitMqManagement__Url"] = System.Broker.Management.BaseAddress!.ToString(),
        ["DeadLetters__AuditFile"] = Path.Combine(System.Folder, "command-audit.jsonl"),
        ["WORKINIT_OPERATOR"] = "joe",
    });

    // A tenth of them will never be mailed.
    private async Task FailAsync()
    {
        _isFixed = false;
        var before = await System.VirtualHost.ReadyAsync(Error);
        await using var channel = await System.VirtualHost.OpenChannelAsync(confirms: true);
        for (var number = 0; number < _messages; number++)
        {
            var id = Guid.CreateVersion7();
            _sent.Add($"{id}");
            var body = $$$"""
                {"messageId":"{{{id}}}","messageType":["urn:message:WorkinIt.Contracts:SendGifEmail"],"message":
                {"submissionId":"{{{id}}}","emailAddress":"somebody{{{number}}}@people.example","thought":"is anybody there?","submittedAt":"{{{DateTimeOffset.UtcNow:O}}}"}}
                """;
            var properties = new BasicProperties { MessageId = $"{id}", ContentType = "application/vnd.masstransit+json", Persistent = true };
            await channel.BasicPublishAsync(Queue, "", mandatory: true, properties, Encoding.UTF8.GetBytes(body));
        }
        // There may be more: a mail that was in doubt when the application was killed fails after its lease.
        await Eventually.SeeAsync(() => System.VirtualHost.ReadyAsync(Error), ready => ready >= Math.Max(0, before) + _messages, "all messages have failed");
        await channel.QueueBindAsync(Tap, Queue, "");
        _isFixed = true;
    }

    private async Task ReplayOnPageAsync()
    {
        using var client = new PageClient(_host.Address);
        await client.SignInAsync("operator");
        await client.GetAsync("/dead-letters"); // with a token of this user
        var dryRun = await client.SeeEndAsync(await client.FollowAsync($"/dead-letters/queues/{Error}/replay", ("which", "all")));
        await client.FollowAsync(dryRun.Path + "/run", ("pace", $"{Pace}"), ("atonce", "true"));
    }

    private static async Task KillAsync(Process process)
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    private static async Task RestartAsync(ServiceProcess process)
    {
        await process.KillAsync();
        await process.StartAsync();
    }

    private async Task RestartBrokerAsync()
    {
        await System.Broker.KillAsync();
        await System.Broker.StartAsync();
    }

    // Waits until each replayed message was mailed or is a dead letter again, and the host has read all reports.
    private async Task SettleAsync()
    {
        await Eventually.SeeAsync(
            async () =>
            {
                foreach (var copy in await System.VirtualHost.TakeAllAsync(Tap))
                {
                    if (copy.BasicProperties.Headers?.TryGetValue("Replay-Id", out var id) == true)
                        _replays[Encoding.UTF8.GetString((byte[])id!)] = copy.BasicProperties.MessageId!;
                }
                var dead = (await LettersAsync()).Select(letter => letter.MessageId).ToHashSet();
                return _replays.Values.Count(id => !dead.Contains(id) && !IsMailed(id));
            },
            open => open == 0, "each replayed message was mailed or is a dead letter again", TimeSpan.FromMinutes(2));
        await Eventually.SeeAsync(() => System.VirtualHost.ReadyAsync(Queue), ready => ready == 0, $"{Queue} is empty");
        await Eventually.SeeAsync(() => System.VirtualHost.ReadyAsync("dead-letters.reports"), ready => ready == 0, "the host has read all reports");
        await using var channel = await System.VirtualHost.OpenChannelAsync();
        await channel.QueueUnbindAsync(Tap, Queue, "");
    }

    private static IEnumerable<(string Where, string Replay, Outcome Outcome)> OutcomesIn(string output)
    {
        if (!output.StartsWith('{'))
            return []; // it ended with an error
        using var json = JsonDocument.Parse(output);
        return [.. json.RootElement.GetProperty("outcomes").EnumerateArray()
            .Select(message => ("command", message.GetProperty("replayId").GetString()!, Enum.Parse<Outcome>(message.GetProperty("outcome").GetString()!, ignoreCase: true)))];
    }

    private async Task<IReadOnlyList<(string Where, string Replay, Outcome Outcome)>> InCatalogueAsync()
    {
        var shown = new List<(string, string, Outcome)>();
        foreach (var operation in _replays.Keys.Select(replay => replay.Split('.')[0]).Distinct())
        {
            if (await _store.Reader.ReplaysOfOperationAsync(operation, 1_000_000, default) is { } followed)
                shown.AddRange(followed.Listed.Select(replay => ("catalogue", replay.Message.ReplayId, replay.Message.Outcome)));
        }
        return shown;
    }

    // A letter that was replayed once more is no longer there: then only its last replay is compared.
    private async Task CompareAsync(string victim, IReadOnlyList<(string Where, string Replay, Outcome Outcome)> shown, TimeSpan took)
    {
        var letters = await LettersAsync();
        var dead = letters.Select(letter => letter.LastReplay?.Id).ToHashSet();
        var wrong = shown.Where(one => _replays.TryGetValue(one.Replay, out var id) && one.Outcome switch
        {
            Outcome.Handled => !IsMailed(id) || dead.Contains(one.Replay),
            Outcome.FailedAgain => !dead.Contains(one.Replay) && !_replays.Any(other => other.Value == id && other.Key != one.Replay),
            Outcome.Skipped => true,
            _ => false,
        }).Select(one => $"{one.Where}: {one.Replay} is {one.Outcome}; mailed: {IsMailed(_replays[one.Replay])}, dead letter: {dead.Contains(one.Replay)}").ToList();
        var counts = string.Join("; ", shown.GroupBy(one => one.Where).Select(where => $"{where.Key}: {string.Join(", ", where.CountBy(one => one.Outcome).Select(count => $"{count.Value} {OutcomeCounts.Word(count.Key)}"))}"));
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  replay of {_messages} and more, kill -9 of the {victim}: {counts}; {wrong.Count} wrong; {took.TotalSeconds:0} s"));
        wrong.ShouldBeEmpty(victim);
        shown.Count(one => one.Outcome is Outcome.Handled or Outcome.FailedAgain).ShouldBeGreaterThan(_messages / 10, $"outcomes that are known after the kill of the {victim}");
    }

    private async Task<IReadOnlyList<DeadLetter>> LettersAsync()
    {
        try
        {
            return (await _client.ListAsync(Error, DeadLetterFilter.All, 0, int.MaxValue, "test", default)).Letters;
        }
        catch (DeadLetterException e)
        {
            throw new TimeoutException(e.Message, e); // the queue is locked: repeated
        }
    }

    private bool IsMailed(string messageId) => System.Mail.DeliveriesById.ContainsKey($"{Guid.Parse(messageId):N}@workinit.example");
}
