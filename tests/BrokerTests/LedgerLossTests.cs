using System.Text;
using Dapper;
using Microsoft.Data.Sqlite;
using RabbitMQ.Client;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>A ledger that lost entries: a mail that it may have forgotten is not sent until an operator accepts the ledger.</summary>
public sealed class LedgerLossTests : IAsyncLifetime
{
    private const string Tap = "tap";
    private const string MarkQueue = "send-gif-email_ledger";
    private WorkinItSystem _system = null!;
#pragma warning disable CA2213 // the system disposes of its services
    private ServiceProcess _web = null!;
    private ServiceProcess _consumers = null!;
#pragma warning restore CA2213

    private string Ledger => Path.Combine(_system.Folder, "deliveries.db");

    public async ValueTask InitializeAsync()
    {
        _system = await WorkinItSystem.CreateAsync();
        _system.Settings["Redelivery__Delays__0"] = "00:00:01";
        await _system.PrepareAsync();
        await using (var channel = await _system.VirtualHost.OpenChannelAsync())
        {
            await channel.QueueDeclareAsync(Tap, durable: true, exclusive: false, autoDelete: false);
            await channel.QueueBindAsync(Tap, "WorkinIt.Contracts:SendGifEmail", "");
        }
        (_web, _consumers) = (_system.NewWeb(), _system.NewConsumers());
        await Task.WhenAll(_web.StartAsync(), _consumers.StartAsync());
    }

    public async ValueTask DisposeAsync() => await _system.DisposeAsync();

    [Fact]
    public async Task Ledger_without_its_log_after_a_crash_holds_older_submissions_until_an_operator_accepts_it()
    {
        await MailAsync("before@example.com");
        await _consumers.KillAsync();
        File.Delete(Ledger + "-wal");
        File.Delete(Ledger + "-shm");

        await SeeHeldUntilAcceptedAsync("The delivery ledger is ");
    }

    [Fact]
    public async Task Ledger_restored_from_a_backup_holds_older_submissions_until_an_operator_accepts_it()
    {
        await MailAsync("before-the-backup@example.com");
        await _consumers.StopAsync();
        await BackUpAsync();
        await _consumers.StartAsync();
        await MailAsync("after-the-backup@example.com");
        await _consumers.StopAsync();
        DeleteLedger();
        File.Move(Ledger + ".backup", Ledger);

        await SeeHeldUntilAcceptedAsync("The delivery ledger is older than the one that was used before");
    }

    [Fact]
    public async Task Ledger_on_PostgreSQL_restored_from_a_backup_holds_older_submissions_until_an_operator_accepts_it()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        await RestartOnAsync(postgres);
        await MailAsync("before-the-backup@example.com");
        await _consumers.StopAsync();
        await ExecuteAsync(postgres, "CREATE TABLE saved_deliveries AS TABLE deliveries; CREATE TABLE saved_mark AS TABLE ledger_mark");
        await _consumers.StartAsync();
        await MailAsync("after-the-backup@example.com");
        await _consumers.StopAsync();
        await ExecuteAsync(postgres, "TRUNCATE deliveries, ledger_mark; INSERT INTO deliveries TABLE saved_deliveries; INSERT INTO ledger_mark TABLE saved_mark");

        await SeeHeldUntilAcceptedAsync("The delivery ledger is older than the one that was used before");
    }

    [Fact]
    public async Task Newly_created_ledger_holds_older_submissions_until_an_operator_accepts_it()
    {
        await MailAsync("before@example.com");
        await _consumers.StopAsync();
        DeleteLedger();
        await _system.MigrateAsync();

        await SeeHeldUntilAcceptedAsync("The delivery ledger is not the one that was used before");
    }

    [Fact]
    public async Task Complete_ledger_needs_no_acceptance_after_a_crash()
    {
        await MailAsync("before@example.com");
        await _consumers.KillAsync();
        await _consumers.StartAsync();
        var copy = (await _system.VirtualHost.TakeAllAsync(Tap)).ShouldHaveSingleItem();
        await PublishAgainAsync(copy);
        await MailAsync("after@example.com");
        await _system.SeeReadyAsync("send-gif-email", 0);

        _system.Mail.DeliveriesById.Values.ShouldAllBe(mails => mails == 1);
        var command = _system.NewConsumers();
        (await command.RunAsync("--accept-ledger")).ShouldBe(0);
        command.Log.ShouldContain("Nothing to accept");
    }

    [Fact]
    public async Task Deleted_queue_of_the_mark_is_named_by_the_readiness_check_and_has_the_mark_again_after_its_deployment_without_a_mail()
    {
        await MailAsync("before@example.com");
        await Task.Delay(TimeSpan.FromSeconds(2)); // the mark of that mail is written
        await using (var channel = await _system.VirtualHost.OpenChannelAsync())
            await channel.QueueDeleteAsync(MarkQueue);

        await Eventually.SeeAsync(
            async () =>
            {
                using var answer = await _consumers.Http.GetAsync("/health/ready");
                return await answer.Content.ReadAsStringAsync();
            },
            text => text.Contains($"queue {MarkQueue}", StringComparison.Ordinal) && text.Contains("--deploy-topology", StringComparison.Ordinal), $"the readiness check names {MarkQueue}");
        await _system.DeployAsync();

        await _system.SeeReadyAsync(MarkQueue, 1, TimeSpan.FromMinutes(1));
        await _consumers.SeeReadyAsync(true, TimeSpan.FromSeconds(15));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("not a mark")]
    public async Task Mark_that_is_lost_or_unreadable_is_logged_and_written_again_and_no_mail_waits(string? instead)
    {
        await MailAsync("before@example.com");
        await _consumers.StopAsync();
        await using (var channel = await _system.VirtualHost.OpenChannelAsync(confirms: true))
        {
            await channel.QueuePurgeAsync(MarkQueue);
            if (instead is not null)
                await channel.BasicPublishAsync("", MarkQueue, mandatory: true, Encoding.UTF8.GetBytes(instead));
        }

        await _consumers.StartAsync();

        _consumers.Log.ShouldContain($"{MarkQueue} on RabbitMQ has no readable mark of the delivery ledger");
        var mark = (await _system.VirtualHost.TakeAllAsync(MarkQueue)).ShouldHaveSingleItem();
        Encoding.UTF8.GetString(mark.Body.Span).ShouldContain("Number");
        await PublishAgainAsync((await _system.VirtualHost.TakeAllAsync(Tap)).ShouldHaveSingleItem());
        await MailAsync("after@example.com");
        await _system.SeeReadyAsync("send-gif-email", 0);
        _system.Mail.DeliveriesById.Values.ShouldAllBe(mails => mails == 1);
    }

    // The copy represents a second publish of the same submission: by a relay that lost the first confirm, or by an operator's replay.
    private async Task SeeHeldUntilAcceptedAsync(string problem)
    {
        var copies = await _system.VirtualHost.TakeAllAsync(Tap);
        var sent = _system.Mail.MailCount;
        await _consumers.StartAsync("live");
        await Eventually.SeeAsync(() => _consumers.Log.Contains(problem, StringComparison.Ordinal), $"the log contains: {problem}");
        await _consumers.SeeReadyAsync(false, TimeSpan.FromSeconds(15));

        await PublishAgainAsync(copies[^1]); // the last one: an older ledger may contain the ones before it
        await Eventually.SeeAsync(() => _system.VirtualHost.ReadyAsync("send-gif-email_delay_1s"), ready => ready == 1, "the message is in the delay queue");
        await Task.Delay(TimeSpan.FromSeconds(5)); // clocks may differ by this much; later submissions are not in doubt
        await MailAsync("a-new-one@example.com");
        _system.Mail.MailCount.ShouldBe(sent + 1);
        _system.Mail.DeliveriesById.Values.ShouldAllBe(mails => mails == 1);

        var command = _system.NewConsumers();
        (await command.RunAsync("--accept-ledger")).ShouldBe(0, command.Log);
        await _consumers.SeeReadyAsync(true, TimeSpan.FromSeconds(15));
        await _system.SeeMailsAsync(sent + 2); // the held mail is sent again, because the operator accepted the ledger
    }

    // Starts the services with an empty ledger on PostgreSQL, which has no copy of its mark yet.
    private async Task RestartOnAsync(PostgresServer postgres)
    {
        await Task.WhenAll(_web.StopAsync(), _consumers.StopAsync());
        await _system.VirtualHost.TakeAllAsync(MarkQueue);
        _system.Settings["ConnectionStrings__Deliveries"] = postgres.ConnectionString;
        await _system.MigrateAsync();
        (_web, _consumers) = (_system.NewWeb(), _system.NewConsumers());
        await Task.WhenAll(_web.StartAsync(), _consumers.StartAsync());
    }

    private static async Task ExecuteAsync(PostgresServer postgres, string sql)
    {
        Database.TryParse(postgres.ConnectionString, out var database, out _).ShouldBeTrue();
        using var connection = database.Open();
        await connection.ExecuteAsync(sql);
    }

    private async Task BackUpAsync()
    {
        await using var connection = new SqliteConnection($"Data Source={Ledger};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "VACUUM INTO $file";
        command.Parameters.AddWithValue("$file", Ledger + ".backup");
        await command.ExecuteNonQueryAsync();
    }

    private void DeleteLedger()
    {
        foreach (var suffix in new[] { "", "-wal", "-shm" })
            File.Delete(Ledger + suffix);
    }

    private async Task MailAsync(string email)
    {
        var sent = _system.Mail.MailCount;
        await WorkinItSystem.SubmitAsync(_web, email, "once");
        await _system.SeeMailsAsync(sent + 1);
    }

    private async Task PublishAgainAsync(BasicGetResult message)
    {
        await using var channel = await _system.VirtualHost.OpenChannelAsync();
        await channel.BasicPublishAsync("send-gif-email", "", mandatory: true, new BasicProperties(message.BasicProperties), message.Body);
    }
}
