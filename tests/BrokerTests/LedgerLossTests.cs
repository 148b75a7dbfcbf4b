using Microsoft.Data.Sqlite;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>A ledger that lost entries: a mail that it may have forgotten is not sent until an operator accepts the ledger.</summary>
public sealed class LedgerLossTests : IAsyncLifetime
{
    private const string Tap = "tap";
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
