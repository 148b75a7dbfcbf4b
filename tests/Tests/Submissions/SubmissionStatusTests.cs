using MassTransit;
using MassTransit.Testing;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.Contracts;
using WorkinIt.Storage;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Submissions;

/// <summary>Events that arrive over a transport, with faults as MassTransit writes them.</summary>
public sealed class SubmissionStatusTests : IAsyncDisposable
{
    private static readonly DateTimeOffset _noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan _inactivityTimeout = TimeSpan.FromSeconds(30); // after the default of 1.2 s, the harness would give up during a slow commit
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-status-").FullName;
    private readonly GroupCommit _writer;
    private readonly SubmissionStore _store;
    private readonly SendGifEmail _command = new(Guid.CreateVersion7(), "jane@example.com", "hello", _noon);
    private ServiceProvider? _provider;

    public SubmissionStatusTests()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "submissions.db")}", out var database, out _).ShouldBeTrue();
        DatabaseSchema.Migrate(database!, typeof(CreateSubmissions).Assembly);
        _writer = new GroupCommit(database!);
        _store = new SubmissionStore(database!, _writer, TimeProvider.System);
    }

    [Fact]
    public async Task Submission_is_sent_once_the_mail_server_accepted_the_mail()
    {
        await StartAndConsumeAsync(new GifEmailSent(_command.SubmissionId, 2, _noon.AddMinutes(1), "cat"));
        Stored.ShouldSatisfyAllConditions(
            it => it.State.ShouldBe(SubmissionState.Sent), it => it.Attempt.ShouldBe(2), it => it.SentAt.ShouldBe(_noon.AddMinutes(1)), it => it.Gif.ShouldBe("cat"));
    }

    [Fact]
    public async Task Submission_is_delayed_until_its_next_attempt()
    {
        await StartAndConsumeAsync(new GifEmailDelayed(_command.SubmissionId, 4, _noon.AddMinutes(5)));
        Stored.ShouldSatisfyAllConditions(
            it => it.State.ShouldBe(SubmissionState.Delayed), it => it.Attempt.ShouldBe(4), it => it.NextTryAt.ShouldBe(_noon.AddMinutes(5)));
    }

    [Fact]
    public async Task Submission_to_an_opted_out_recipient_is_failed_without_revealing_why()
    {
        await StartAndConsumeAsync(new GifEmailBlocked(_command.SubmissionId, 1, _noon.AddMinutes(1)));
        Stored.ShouldSatisfyAllConditions(it => it.State.ShouldBe(SubmissionState.Failed), it => it.Attempt.ShouldBe(1), it => it.BlockedAt.ShouldBe(_noon.AddMinutes(1)));
        var response = SubmissionResponse.Of(Stored);
        response.State.ShouldBe("failed");
        response.Detail.ShouldBe("This address doesn’t accept mail from us, so nothing was sent. You can send it to another address.");

        await _store.AdvanceAsync(_command.SubmissionId, SubmissionState.Failed, 2, default); // replayed after the address accepted mail again, and failed
        SubmissionResponse.Of(Stored).Detail.ShouldStartWith("We couldn’t deliver your GIF. We’re looking into it");
    }

    [Fact]
    public async Task Discarded_submission_says_it_is_not_retried_until_it_is_restored_or_sent()
    {
        await StartAsync(bus => bus.AddConsumer<SubmissionStatusConsumer>());
        await _store.AdvanceAsync(_command.SubmissionId, SubmissionState.Failed, 2, default);

        await ConsumeAsync(new GifEmailDiscarded(_command.SubmissionId, _noon));
        Stored.DiscardedAt.ShouldBe(_noon);
        SubmissionResponse.Of(Stored).ShouldSatisfyAllConditions(
            it => it.State.ShouldBe("failed"), it => it.Attempts.ShouldBe(2), it => it.Detail.ShouldStartWith("We couldn’t deliver your GIF and have stopped trying"));

        await ConsumeAsync(new GifEmailRestored(_command.SubmissionId, _noon.AddMinutes(1)));
        SubmissionResponse.Of(Stored).Detail.ShouldStartWith("We couldn’t deliver your GIF. We’re looking into it");

        await _store.DiscardedAsync(_command.SubmissionId, _noon.AddSeconds(30), default); // arrives late: it was restored after that
        Stored.DiscardedAt.ShouldBeNull();

        await _store.DiscardedAsync(_command.SubmissionId, _noon.AddMinutes(2), default);
        await _store.RestoredAsync(_command.SubmissionId, _noon.AddMinutes(1.5), default); // arrives late: it was discarded again after that
        Stored.DiscardedAt.ShouldBe(_noon.AddMinutes(2));

        await _store.AdvanceAsync(_command.SubmissionId, SubmissionState.Sent, 3, default, sentAt: _noon.AddMinutes(3), gif: "cat");
        await _store.DiscardedAsync(_command.SubmissionId, _noon.AddMinutes(4), default); // another copy of the message was discarded
        Stored.ShouldSatisfyAllConditions(it => it.State.ShouldBe(SubmissionState.Sent), it => it.DiscardedAt.ShouldBeNull());
    }

    [Fact]
    public async Task Discarded_submission_that_was_held_stays_held_and_says_it_is_not_retried()
    {
        await StartAsync();
        await _store.AdvanceAsync(_command.SubmissionId, SubmissionState.Held, 1, default);
        await _store.DiscardedAsync(_command.SubmissionId, _noon, default);
        SubmissionResponse.Of(Stored).ShouldSatisfyAllConditions(it => it.State.ShouldBe("held"), it => it.Detail.ShouldContain("We won’t try again"));
    }

    [Fact]
    public async Task Status_after_an_operators_confirmation_claims_no_time()
    {
        await StartAndConsumeAsync(new GifEmailSent(_command.SubmissionId, 1, _noon.AddMinutes(1), "cat", ConfirmedByOperator: true));
        SubmissionResponse.Of(Stored).ShouldSatisfyAllConditions(
            it => it.State.ShouldBe("sent"), it => it.SentAt.ShouldBeNull(), it => it.Detail.ShouldBe("An operator confirmed that it arrived. Check your inbox."));
        SubmissionTexts.Lesson(Stored, 20).ShouldBeNull();
    }

    [Theory]
    [InlineData(false, "We don’t know")]
    [InlineData(true, "This address doesn’t accept mail from us, so we won’t try again. An earlier mail may have arrived")]
    public async Task Held_submission_stays_held_when_a_later_try_sends_nothing(bool blocked, string detail)
    {
        await StartAsync();
        await _store.AdvanceAsync(_command.SubmissionId, SubmissionState.Held, 1, default);
        await _store.AdvanceAsync(_command.SubmissionId, SubmissionState.Failed, 2, default, blockedAt: blocked ? _noon : null);
        SubmissionResponse.Of(Stored).ShouldSatisfyAllConditions(it => it.State.ShouldBe("held"), it => it.Detail.ShouldStartWith(detail));
        await _store.FailedAsync(_command.SubmissionId, default);
        Stored.State.ShouldBe(SubmissionState.Held);
    }

    [Fact]
    public async Task Submission_that_was_held_becomes_held_again_when_a_delayed_try_fails()
    {
        await StartAsync();
        await _store.AdvanceAsync(_command.SubmissionId, SubmissionState.Held, 1, default);
        await _store.AdvanceAsync(_command.SubmissionId, SubmissionState.Delayed, 2, default, nextTryAt: _noon.AddMinutes(1)); // an operator released it
        Stored.State.ShouldBe(SubmissionState.Delayed);
        await _store.AdvanceAsync(_command.SubmissionId, SubmissionState.Failed, 3, default);
        Stored.State.ShouldBe(SubmissionState.Held);

        await _store.AdvanceAsync(_command.SubmissionId, SubmissionState.Delayed, 4, default, nextTryAt: _noon.AddMinutes(5));
        await _store.FailedAsync(_command.SubmissionId, default);
        Stored.State.ShouldBe(SubmissionState.Held);

        await _store.AdvanceAsync(_command.SubmissionId, SubmissionState.Delayed, 5, default, nextTryAt: _noon.AddMinutes(9));
        await _store.DiscardedAsync(_command.SubmissionId, _noon.AddMinutes(10), default);
        Stored.State.ShouldBe(SubmissionState.Held);
    }

    [Theory]
    [InlineData(3, false, "Failed", 3)]
    [InlineData(3, true, "Held", 3)]
    [InlineData(null, false, "Failed", 0)]
    public async Task Fault_data_decides_whether_a_submission_is_failed_or_held(int? attempt, bool held, string state, int known)
    {
        var failure = new InvalidOperationException("a type that nobody knows");
        if (attempt is not null)
            failure.Data[FaultData.Attempt] = attempt;
        if (held)
            failure.Data[FaultData.Held] = true;

        await StartAsync(bus => bus.AddConsumer<SubmissionStatusConsumer>(), bus => bus.AddHandler((SendGifEmail _) => Task.FromException(failure)));
        await Harness.Bus.Publish(_command);

        (await Harness.GetConsumerHarness<SubmissionStatusConsumer>().Consumed.Any<Fault<SendGifEmail>>()).ShouldBeTrue();
        Stored.ShouldSatisfyAllConditions(it => it.State.ToString().ShouldBe(state), it => it.Attempt.ShouldBe(known));
    }

    [Fact]
    public async Task Submission_is_failed_when_the_broker_dead_lettered_its_message()
    {
        await StartAsync(bus => bus.AddConsumer<DeadSubmissionConsumer>());
        await Harness.Bus.Publish(_command);
        (await Harness.Consumed.Any<SendGifEmail>()).ShouldBeTrue();
        Stored.State.ShouldBe(SubmissionState.Failed);
    }

    [Fact]
    public async Task Event_of_an_unknown_submission_changes_nothing()
    {
        await StartAndConsumeAsync(new GifEmailSent(Guid.CreateVersion7(), 1, _noon, "cat"));
        Stored.State.ShouldBe(SubmissionState.Accepted);
    }

    public async ValueTask DisposeAsync()
    {
        if (_provider is not null)
            await _provider.DisposeAsync();
        await _writer.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private Submission Stored => _store.Find(_command.SubmissionId)!;

    private ITestHarness Harness => _provider!.GetRequiredService<ITestHarness>();

    private async Task StartAndConsumeAsync<T>(T message)
        where T : class
    {
        await StartAsync(bus => bus.AddConsumer<SubmissionStatusConsumer>());
        await ConsumeAsync(message);
    }

    private async Task ConsumeAsync<T>(T message)
        where T : class
    {
        await Harness.Bus.Publish(message);
        (await Harness.GetConsumerHarness<SubmissionStatusConsumer>().Consumed.Any<T>()).ShouldBeTrue();
    }

    private async Task StartAsync(params Action<IBusRegistrationConfigurator>[] consumers)
    {
        _provider = new ServiceCollection().AddLogging().AddSingleton(_store)
            .AddMassTransitTestHarness(bus =>
            {
                bus.SetTestTimeouts(testInactivityTimeout: _inactivityTimeout);
                Array.ForEach(consumers, add => add(bus));
            })
            .BuildServiceProvider(validateScopes: true);
        (await _store.AddAsync(_command, default)).ShouldBe(Addition.Added);
        await Harness.Start();
    }
}
