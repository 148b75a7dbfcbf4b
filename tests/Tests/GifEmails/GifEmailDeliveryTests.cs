using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using MimeKit;
using WorkinIt.Consumers.GifEmails;
using WorkinIt.Consumers.Mail;
using WorkinIt.Contracts;
using WorkinIt.Deliveries;
using WorkinIt.Gifs;
using WorkinIt.Storage;
using WorkinIt.Tests.OptOuts;

namespace WorkinIt.Tests.GifEmails;

/// <summary>Deliveries with a real ledger, and with fakes for GIFs, mail server and clock.</summary>
public sealed class GifEmailDeliveryTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-delivery-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 12, 0, 0, TimeSpan.Zero));
    private readonly Fakes _fakes = new();
    private readonly Database _database;
    private readonly GroupCommit _writer;
    private readonly DeliveryLedger _ledger;
    private readonly DeliveryLedger _otherProcess;
    private readonly GifEmailDelivery _delivery;
    private readonly SuppressionList _optOuts;
    private readonly string _recipient;
    private readonly SendGifEmail _command = new(Guid.CreateVersion7(), "jane.doe@people.example", "hello", new DateTimeOffset(2026, 1, 2, 11, 0, 0, TimeSpan.Zero));

    public GifEmailDeliveryTests()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "deliveries.db")}", out _database!, out _).ShouldBeTrue();
        DatabaseSchema.Migrate(_database, typeof(CreateDeliveries).Assembly);
        _writer = new GroupCommit(_database);
        _ledger = new DeliveryLedger(_database, _writer, _time);
        _otherProcess = new DeliveryLedger(_database, _writer, _time);
        var smtp = Options.Create(new SmtpOptions { Host = "mail.example", From = "gifs@workinit.example" });
        _recipient = TestOptOuts.Tokens.NameOf(_command.EmailAddress);
        _optOuts = new SuppressionList(_database, _time);
        _delivery = new GifEmailDelivery(_fakes, new GifMail(smtp, TestOptOuts.Links, _time), _fakes, _ledger, TestOptOuts.Tokens, _optOuts, smtp, _time, _fakes);
    }

    [Fact]
    public async Task Repeated_delivery_sends_one_mail_and_returns_the_same_result_each_time()
    {
        var first = await DeliverAsync();
        _time.Advance(TimeSpan.FromHours(1));
        (await DeliverAsync()).ShouldBe(first);
        _fakes.Sends.ShouldBe(1);
        first.ShouldBe(new DeliveryResult.Sent(1, _time.GetUtcNow() - TimeSpan.FromHours(1), "cat"));
    }

    [Theory]
    [InlineData("{}", "submissionId")]
    [InlineData("""{"submissionId":"0199c4f0-0000-7000-8000-000000000001","email":"jane@people.example","thought":"hello"}""", "emailAddress")]
    [InlineData("""{"submissionId":"0199c4f0-0000-7000-8000-000000000001","emailAddress":"jane@people.example"}""", "thought")]
    public async Task Incomplete_message_is_rejected_with_the_name_of_the_missing_field(string message, string field)
    {
        var command = JsonSerializer.Deserialize<SendGifEmail>(message, JsonSerializerOptions.Web)!;
        (await _delivery.DeliverAsync(command, null, default)).ShouldBeOfType<DeliveryResult.Failed>().Reason.Message.ShouldContain($"no {field}");
        _fakes.Sends.ShouldBe(0);
    }

    [Fact]
    public async Task Delivery_with_an_unknown_outcome_is_held_and_never_repeated()
    {
        _fakes.Server = () => throw new MailOutcomeUnknownException("All of the mail was written and no reply came");
        var held = await HeldAsync();
        held.Attempt.ShouldBe(1);
        held.Evidence.ShouldContain($"Message-ID {_command.SubmissionId:N}");
        held.ToString().ShouldNotContain("jane");

        var again = await HeldAsync();
        again.ShouldBe(held);
        _fakes.Sends.ShouldBe(1);
    }

    [Fact]
    public async Task Delivery_with_an_unknown_outcome_is_repeated_once_for_each_replay_that_asks_for_it()
    {
        _fakes.Server = () => throw new MailOutcomeUnknownException("All of the mail was written and no reply came");
        await HeldAsync();
        await HeldAsync("replay.1");
        _fakes.Sends.ShouldBe(2);
        await HeldAsync("replay.1");
        _fakes.Sends.ShouldBe(2);

        _fakes.Server = () => Task.FromResult("250 ok");
        (await DeliverAsync("replay.2")).Attempt.ShouldBe(3);
        _fakes.Sends.ShouldBe(3);
        await DeliverAsync("replay.3");
        _fakes.Sends.ShouldBe(3);
    }

    [Fact]
    public async Task Delivery_waits_while_another_process_may_be_sending_the_mail()
    {
        await _otherProcess.TakeAsync(_command.SubmissionId, TimeSpan.FromSeconds(35), "dog", default);
        (await TryLaterAsync()).Reason.ShouldBeOfType<DeliveryInFlightException>().Until.ShouldBe(_time.GetUtcNow() + TimeSpan.FromSeconds(35));
        await _otherProcess.SentAsync(_command.SubmissionId, _time.GetUtcNow(), "250 ok", default);
        (await DeliverAsync()).Gif.ShouldBe("dog");
        _fakes.Sends.ShouldBe(0);
    }

    [Fact]
    public async Task Delivery_is_held_when_the_lease_of_another_process_has_run_out()
    {
        await _otherProcess.TakeAsync(_command.SubmissionId, TimeSpan.FromSeconds(35), "dog", default);
        _time.Advance(TimeSpan.FromSeconds(35));
        var held = await HeldAsync();
        held.Evidence.ShouldContain("2026-01-02 12:00:00Z");
        held.Evidence.ShouldContain("mail.example");
        held.Attempt.ShouldBe(1);
        _ledger.Find(_command.SubmissionId)!.State.ShouldBe(DeliveryState.Unknown);
        _fakes.Sends.ShouldBe(0);
    }

    [Fact]
    public async Task Concurrent_deliveries_of_one_submission_send_one_mail()
    {
        var reply = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        _fakes.Server = () => reply.Task;
        var first = DeliverAsync();
        await _fakes.Sending;
        (await TryLaterAsync()).Reason.ShouldBeOfType<DeliveryInFlightException>();
        reply.SetResult("250 ok");
        await first;
        _fakes.Sends.ShouldBe(1);
    }

    [Fact]
    public async Task Sent_mail_is_recorded_once_the_ledger_is_available_again()
    {
        _fakes.Server = () =>
        {
            Execute("ALTER TABLE deliveries RENAME TO away");
            return Task.FromResult("250 ok");
        };
        var delivery = TryAsync();
        await _fakes.LedgerFailed;
        delivery.IsCompleted.ShouldBeFalse();
        Execute("ALTER TABLE away RENAME TO deliveries");
        (await AdvanceUntilDoneAsync(delivery)).ShouldBeOfType<DeliveryResult.Sent>().Attempt.ShouldBe(1);
        _ledger.Find(_command.SubmissionId)!.State.ShouldBe(DeliveryState.Sent);
        _fakes.Sends.ShouldBe(1);
    }

    [Fact]
    public async Task Failed_delivery_is_recorded_once_the_ledger_is_available_again_and_may_be_retried_by_any_process()
    {
        _fakes.Server = () =>
        {
            Execute("ALTER TABLE deliveries RENAME TO away");
            throw new MailDeferredException("451 4.7.1 greylisted");
        };
        var delivery = TryAsync();
        await _fakes.LedgerFailed;
        Execute("ALTER TABLE away RENAME TO deliveries");
        (await AdvanceUntilDoneAsync(delivery)).ShouldBeOfType<DeliveryResult.TryLater>().Attempt.ShouldBe(1);
        _ledger.Find(_command.SubmissionId)!.Detail.ShouldBe("451 4.7.1 greylisted");
        (await _otherProcess.TakeAsync(_command.SubmissionId, TimeSpan.FromSeconds(35), "cat", default)).ShouldBe(2);
    }

    [Fact]
    public async Task Ledger_timeout_before_sending_is_transient_and_any_process_may_retry_the_delivery()
    {
        Task<DeliveryResult> delivery;
        using (var other = _database.Open())
        {
            await other.ExecuteAsync("BEGIN IMMEDIATE");
            delivery = TryAsync();
            await _fakes.Connected;
            for (var i = 0; i < 100; i++) // the ledger's deadline is 5 s
            {
                _time.Advance(TimeSpan.FromMilliseconds(250));
                await Task.Delay(5, TestContext.Current.CancellationToken);
            }
            await other.ExecuteAsync("ROLLBACK");
        }
        var later = (await AdvanceUntilDoneAsync(delivery)).ShouldBeOfType<DeliveryResult.TryLater>();
        RetryPolicy.IsWorthARetryInPlace(later.Reason.ShouldBeOfType<DeliveryNotTakenException>()).ShouldBeTrue();
        later.Attempt.ShouldBe(1);
        _ledger.Find(_command.SubmissionId)!.State.ShouldBe(DeliveryState.NotSent);
        (await _otherProcess.TakeAsync(_command.SubmissionId, TimeSpan.FromSeconds(35), "cat", default)).ShouldBe(2);
        _fakes.Sends.ShouldBe(0);
    }

    [Fact]
    public async Task Delivery_that_did_not_contact_the_mail_server_does_not_count_as_an_attempt()
    {
        _fakes.Server = () => throw new MailDeferredException("451 4.7.1 greylisted");
        (await TryLaterAsync()).Reason.ShouldBeOfType<MailDeferredException>();
        _fakes.BeforeTaking = () => throw new MailDeferredException("not asked", serverIsDown: true, notAsked: true);
        for (var i = 0; i < 3; i++)
            (await TryLaterAsync()).Attempt.ShouldBe(1);
        _fakes.BeforeTaking = () => { };
        _fakes.Server = () => Task.FromResult("250 ok");
        (await DeliverAsync()).Attempt.ShouldBe(2);
    }

    [Fact]
    public async Task Replayed_message_that_is_delayed_without_a_try_is_recorded_with_its_replay_until_the_next_try()
    {
        _fakes.Server = () => throw new MailDeferredException("451 4.7.1 greylisted");
        await TryLaterAsync();
        _fakes.BeforeTaking = () => throw new MailDeferredException("mail.example:25 has failed too often recently; not asked", serverIsDown: true, notAsked: true);
        await TryLaterAsync(); // not replayed: no write
        _ledger.Find(_command.SubmissionId)!.IsPutOff.ShouldBeFalse();

        (await ReplayAsync("replay.1")).ShouldBeOfType<DeliveryResult.TryLater>().Attempt.ShouldBe(1);
        _ledger.Find(_command.SubmissionId)!.ShouldSatisfyAllConditions(
            it => it.IsPutOffIn("replay.1").ShouldBeTrue(), it => it.IsPutOffIn("replay.2").ShouldBeFalse(), it => it.Attempt.ShouldBe(1),
            it => it.Detail!.ShouldEndWith("mail.example:25 has failed too often recently; not asked"));

        _fakes.BeforeTaking = () => { };
        (await ReplayAsync("replay.1")).ShouldBeOfType<DeliveryResult.TryLater>().Attempt.ShouldBe(2);
        _ledger.Find(_command.SubmissionId)!.IsPutOff.ShouldBeFalse();

        Task<DeliveryResult> ReplayAsync(string id) => _delivery.DeliverAsync(_command, new ReplayStamp(id, SendsAgain: false), CancellationToken.None);
    }

    [Fact]
    public async Task Replayed_message_is_delayed_without_a_try_even_if_the_ledger_cannot_record_it()
    {
        Execute("CREATE TRIGGER read_only BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'read only'); END");
        _fakes.BeforeTaking = () => throw new MailDeferredException("not asked", serverIsDown: true, notAsked: true);
        (await TryAsync("replay.1")).ShouldBeOfType<DeliveryResult.TryLater>().Attempt.ShouldBe(0);
        _ledger.Find(_command.SubmissionId).ShouldBeNull();
    }

    [Fact]
    public async Task Delivery_that_found_no_GIF_counts_as_an_attempt()
    {
        _fakes.Gif = () => throw new GifUnavailableException("Giphy answered 429", TimeSpan.FromMinutes(1));
        (await TryLaterAsync()).Attempt.ShouldBe(1);
        _fakes.Gif = () => new BuiltInGifs().Choose("cat");
        (await DeliverAsync()).Attempt.ShouldBe(2);
    }

    [Fact]
    public async Task Opted_out_recipient_is_skipped_before_GIF_lookup()
    {
        _optOuts.Add(_recipient);
        _fakes.Gif = () => throw new InvalidOperationException("A GIF was looked for");
        (await TryAsync()).ShouldBe(new DeliveryResult.Blocked(1, _time.GetUtcNow()));
        (await TryAsync()).ShouldBe(new DeliveryResult.Blocked(2, _time.GetUtcNow()));
        _fakes.Sends.ShouldBe(0);
        _ledger.Find(_command.SubmissionId)!.State.ShouldBe(DeliveryState.Blocked);

        _optOuts.Remove(_recipient);
        _fakes.Gif = () => new BuiltInGifs().Choose("cat");
        (await DeliverAsync()).Attempt.ShouldBe(3);
        _fakes.Sends.ShouldBe(1);
        _optOuts.Add(_recipient);
        (await DeliverAsync()).Attempt.ShouldBe(3); // the mail was sent before the opt-out
    }

    [Fact]
    public async Task Unknown_outcome_is_not_repeated_for_an_opted_out_recipient_and_stays_unknown()
    {
        _fakes.Server = () => throw new MailOutcomeUnknownException("All of the mail was written and no reply came");
        await HeldAsync();
        _optOuts.Add(_recipient);
        await HeldAsync(); // no replay asks to send again, so the delivery is still held with its evidence
        (await TryAsync("replay.1")).ShouldBe(new DeliveryResult.Blocked(1, _time.GetUtcNow()));
        _ledger.Find(_command.SubmissionId)!.State.ShouldBe(DeliveryState.Unknown);
        _fakes.Sends.ShouldBe(1);
    }

    [Fact]
    public async Task No_mail_is_sent_while_the_suppression_list_is_unavailable()
    {
        Execute("ALTER TABLE opt_outs RENAME TO away");
        RetryPolicy.IsTransient(await Should.ThrowAsync<Exception>(TryAsync())).ShouldBeTrue();
        _fakes.Sends.ShouldBe(0);
    }

    [Fact]
    public async Task Delivery_to_an_invalid_address_is_refused()
    {
        var refused = (await _delivery.DeliverAsync(_command with { EmailAddress = "nobody" }, null, default)).ShouldBeOfType<DeliveryResult.Failed>();
        refused.Attempt.ShouldBe(1);
        refused.Reason.ShouldBeOfType<MailRefusedException>();
        refused.ToString().ShouldNotContain("nobody");
        _fakes.Sends.ShouldBe(0);
    }

    [Fact]
    public async Task Delivery_that_an_operator_confirmed_is_reported_as_confirmed()
    {
        _fakes.Server = () => throw new MailOutcomeUnknownException("All of the mail was written and no reply came");
        await HeldAsync();
        await _ledger.ConfirmSentAsync(_command.SubmissionId, "jo", default);

        (await DeliverAsync()).ConfirmedByOperator.ShouldBeTrue();
        _ledger.Find(_command.SubmissionId)!.SentAt.ShouldBeNull(); // the mail server never replied
        _fakes.Sends.ShouldBe(1);
    }

    [Fact]
    public async Task Delivery_that_was_released_and_then_failed_keeps_its_earlier_unknown_outcome()
    {
        _fakes.Server = () => throw new MailOutcomeUnknownException("All of the mail was written and no reply came");
        await HeldAsync();
        _ledger.Find(_command.SubmissionId)!.WasReleased.ShouldBeFalse();
        _fakes.Server = () => throw new MailRefusedException("550 unknown");
        (await TryAsync("replay.1")).ShouldBeOfType<DeliveryResult.Failed>();
        _ledger.Find(_command.SubmissionId)!.ShouldSatisfyAllConditions(it => it.State.ShouldBe(DeliveryState.NotSent), it => it.WasReleased.ShouldBeTrue());
    }

    [Fact]
    public async Task Delivery_cancelled_by_a_shutdown_leaves_no_ledger_entry()
    {
        using var stopping = new CancellationTokenSource();
        await stopping.CancelAsync();
        _fakes.Gif = () => throw new OperationCanceledException(stopping.Token);
        await Should.ThrowAsync<OperationCanceledException>(_delivery.DeliverAsync(_command, null, stopping.Token));
        _ledger.Find(_command.SubmissionId).ShouldBeNull();
    }

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        await _fakes.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<DeliveryResult.Sent> DeliverAsync(string? sendAgain = null) => (await TryAsync(sendAgain)).ShouldBeOfType<DeliveryResult.Sent>();

    private async Task<DeliveryResult.Held> HeldAsync(string? sendAgain = null) => (await TryAsync(sendAgain)).ShouldBeOfType<DeliveryResult.Held>();

    private async Task<DeliveryResult.TryLater> TryLaterAsync() => (await TryAsync()).ShouldBeOfType<DeliveryResult.TryLater>();

    private Task<DeliveryResult> TryAsync(string? sendAgain = null) => _delivery.DeliverAsync(_command, sendAgain is null ? null : new ReplayStamp(sendAgain, SendsAgain: true), CancellationToken.None);

    /// <summary>Advances the clock until the delivery is done, so that the pauses between its tries end.</summary>
    private async Task<DeliveryResult> AdvanceUntilDoneAsync(Task<DeliveryResult> delivery)
    {
        while (!delivery.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Yield();
        }
        return await delivery;
    }

    private void Execute(string sql)
    {
        using var connection = _database.Open();
        connection.Execute(sql);
    }

    private sealed class Fakes : IMailSender, IMailConnection, IGifFinder, ILogger<GifEmailDelivery>
    {
        private readonly TaskCompletionSource _ledgerFailed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _sending = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Func<Task<string>> Server { get; set; } = () => Task.FromResult("250 ok");

        public Action BeforeTaking { get; set; } = () => { };

        public Func<Gif> Gif { get; set; } = () => new BuiltInGifs().Choose("cat");

        public int Sends { get; private set; }

        /// <summary>Completes when the mail is handed over.</summary>
        public Task Sending => _sending.Task;

        /// <summary>Completes when the mail server is connected. The delivery uses the ledger next.</summary>
        public Task Connected => _connected.Task;

        /// <summary>Completes when the log reports to the operator that the ledger is unavailable.</summary>
        public Task LedgerFailed => _ledgerFailed.Task;

        public Task<IMailConnection> ConnectAsync(MailboxAddress recipient, CancellationToken stopping)
        {
            BeforeTaking();
            _connected.TrySetResult();
            return Task.FromResult<IMailConnection>(this);
        }

        public async Task<string> SendAsync(MimeMessage mail)
        {
            _sending.TrySetResult();
            Sends++;
            return await Server();
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        public Task<Gif> FindAsync(string thought, CancellationToken cancellationToken) => Task.FromResult(Gif());

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            formatter(state, exception).ShouldNotContain("jane");
            if (logLevel == LogLevel.Error)
                _ledgerFailed.TrySetResult();
        }
    }
}
