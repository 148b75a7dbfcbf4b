using System.Collections.Concurrent;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Reports of others arrive faster than they are read: what follows from the absence of reports.</summary>
public sealed class ReportBacklogTests
{
    private const string Operation = "0199c4f0000070008000000000000077";
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Application_whose_reports_wait_behind_a_flood_of_others_is_not_said_to_report_nothing()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(3);
        await using var application = await ReportingApplication.StartAsync(orders, _ => Handling.Succeeds);
        using var client = new DeadLetterClient(orders.Options, new FloodingAudit(orders, 60_000));
        var seen = new ConcurrentBag<OutcomeCounts>();

        var result = await client.ReplayAsync(
            ReplayReportTests.Request(TimeSpan.FromMinutes(1)) with { OperationId = Operation }, new Progress(now => seen.Add(now.Outcomes)), _none);

        result.Headline.ShouldBe("3 of 3 replayed: 3 handled");
        seen.Count(counts => counts.Waiting == 3).ShouldBeGreaterThan(0, "the reports waited");
        seen.Where(counts => counts.LeftQueue > 0).ShouldBeEmpty();
    }

    [Fact]
    public async Task Reports_are_caught_up_with_only_when_all_that_arrived_before_were_read()
    {
        await using var orders = await Orders.CreateAsync();
        using var broker = TestBroker.FromEnvironment();
        using var inbox = new ReportInbox(DeadLetterOptions.Parse(orders.VirtualHost.ConnectionString("replay"), broker.Management.BaseAddress!)); // with the documented permissions
        using var reader = new ManualResetEventSlim();
        await using var reports = await inbox.JoinAsync(Operation, () => Wait(reader), _none);
        await using var channel = await orders.VirtualHost.OpenChannelAsync(confirms: true);
        await ReportingApplication.ReportAsync(channel, Report(1));

        var caughtUp = reports.CatchUp(_none);
        await Task.Delay(1000, _none);
        caughtUp.IsCompleted.ShouldBeFalse();
        reader.Set();

        (await caughtUp).ShouldBeTrue();
        reports.Find(1).ShouldNotBeNull();
        reports.IsComplete.ShouldBeTrue();
    }

    [Fact]
    public async Task Nothing_follows_from_the_absence_of_reports_once_the_broker_has_dropped_some()
    {
        await using var orders = await Orders.CreateAsync();
        using var inbox = new ReportInbox(orders.Options);
        using var reader = new ManualResetEventSlim();
        await using var reports = await inbox.JoinAsync(Operation, () => Wait(reader), _none);
        await using var channel = await orders.VirtualHost.OpenChannelAsync(confirms: true);
        await ReportingApplication.ReportAsync(channel, Report(1)); // the reader has this one until it may go on
        var large = new byte[120_000];
        for (var number = 0; number < 700; number++) // 84 MB; the broker keeps 64 MiB
            await channel.BasicPublishAsync(ReplayReport.Exchange, $"{Operation}.2", mandatory: true, new BasicProperties { Type = ReplayReport.Type }, large);
        reports.IsComplete.ShouldBeTrue();
        reader.Set();

        (await reports.CatchUp(_none)).ShouldBeTrue();

        reports.IsComplete.ShouldBeFalse();
    }

    private static long Wait(ManualResetEventSlim reader)
    {
        reader.Wait(TimeSpan.FromSeconds(30));
        return 10;
    }

    private static ReplayReport Report(long number) => new() { ReplayId = $"{Operation}.{number}", Kind = ReportKind.Handled, At = DateTimeOffset.UtcNow, Queue = Orders.Input };

    /// <summary>An audit log that floods the exchange of the reports when the replay is about to move its first message.</summary>
    private sealed class FloodingAudit(Orders orders, int count) : IAuditLog
    {
        private readonly AuditFile _file = new(orders.AuditPath);

        public async Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
        {
            await _file.WriteAsync(entry, cancellationToken);
            if (entry.EndedAt is not null)
                return;
            await using var channel = await orders.VirtualHost.OpenChannelAsync();
            for (var number = 0; number < count; number++)
                await ReportingApplication.ReportAsync(channel, Report(99_999)); // no message of this replay
            await orders.VirtualHost.ReadyAsync(Orders.Input); // the broker has them
        }

        public Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken) => _file.ReadAsync(queue, limit, cancellationToken);
    }

    private sealed class Progress(Action<OperationProgress> callback) : IProgress<OperationProgress>
    {
        public void Report(OperationProgress value) => callback(value);
    }
}
