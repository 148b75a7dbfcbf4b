using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Dashboard.Operations;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

public sealed class PauseLogTests : IAsyncDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly ReplayPause _pause = new(PauseReason.Failures, "20 of 100 messages of the last step failed again", 2.5);

    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-pauses-").FullName;
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly GroupCommit _commits;
    private readonly PauseLog _pauses;
    private readonly PauseRequests _requests;
    private readonly OperationLog _operations;

    public PauseLogTests()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "catalogue.db")}", out var database, out var error).ShouldBeTrue(error);
        DatabaseSchema.Migrate(database!, typeof(CreatePauses).Assembly);
        _commits = new GroupCommit(database!);
        (_pauses, _requests, _operations) = (new PauseLog(database!, _commits, _time), new PauseRequests(database!, _commits, _time), new OperationLog(database!, _commits, _time));
    }

    [Fact]
    public async Task Pause_is_seen_by_others_until_it_ends_and_their_answer_reaches_the_instance_that_runs_the_replay()
    {
        (await _pauses.ReportAsync("1", _pause, _none)).ShouldBeNull();
        _pauses.Find("1").ShouldBe(_pause);
        (await _pauses.ResumeAsync("1", 0.5, _none)).ShouldBeTrue();
        (await _pauses.ReportAsync("1", _pause, _none)).ShouldBe(new PauseAnswer(true, 0.5));
        (await _pauses.ReportAsync("1", null, _none)).ShouldBeNull();
        _pauses.Find("1").ShouldBeNull();
        (await _pauses.ResumeAsync("1", null, _none)).ShouldBeFalse();
    }

    [Fact]
    public async Task Answer_to_one_pause_does_not_end_the_next_one()
    {
        await _pauses.ReportAsync("1", _pause, _none);
        await _pauses.ResumeAsync("1", null, _none);
        (await _pauses.ReportAsync("1", _pause with { Text = "A new cause" }, _none)).ShouldBeNull();
    }

    [Fact]
    public async Task Pause_of_an_instance_that_was_killed_is_forgotten_after_a_week()
    {
        await _pauses.ReportAsync("1", _pause, _none);
        _time.Advance(TimeSpan.FromDays(8));
        await _pauses.ReportAsync("2", null, _none);
        _pauses.Find("1").ShouldBeNull();
    }

    [Fact]
    [SuppressMessage("Reliability", "CA2025", Justification = "The task is awaited before the operation is disposed")]
    public async Task Replay_that_pauses_on_one_instance_is_resumed_from_another_one()
    {
        var sharing = new OperationSharing(_operations, _pauses, _requests, TimeProvider.System, NullLogger<OperationSharing>.Instance);
        using var sources = new DeadLetterSources(
            DeadLetterOptions.Parse("amqp://jane:secret@127.0.0.1:1/shop", new Uri("http://127.0.0.1:1")), null, [], options => new DeadLetterClient(options, new AuditFile("none")));
        using var operation = new RunningOperation(new RequestedOperation(Verb.Replay, sources.Default, "orders_error", DeadLetterFilter.All), "jane", isDryRun: false, _time.GetUtcNow(), _none);
        PauseAnswer? answer = null;
        operation.Start(async (running, cancellationToken) =>
        {
            answer = await running.AskAsync(_pause, cancellationToken);
            return new OperationResult("1", "orders_error", 1, 1, [], [], null);
        }, e => e.Message);
        var shared = sharing.ShareAsync(operation);

        await Eventually.SeeAsync(() => _pauses.Find(operation.Id) == _pause, "the other instance sees the pause");
        (await _pauses.ResumeAsync(operation.Id, 3, _none)).ShouldBeTrue();
        await shared.WaitAsync(TimeSpan.FromSeconds(30));

        answer.ShouldBe(new PauseAnswer(true, 3));
        _pauses.Find(operation.Id).ShouldBeNull();
    }

    [Fact]
    public async Task Request_to_pause_reaches_the_instance_that_runs_the_replay_once_and_not_a_replay_that_has_ended()
    {
        (await _requests.AskAsync("1", "jane", _none)).ShouldBeFalse();
        await _requests.OfferAsync("1", _none);
        _requests.Find("1").ShouldBe(new PausableReplay(null));
        (await _requests.TakeAsync("1", _none)).ShouldBeNull();
        (await _requests.AskAsync("1", "jane", _none)).ShouldBeTrue();
        _requests.Find("1").ShouldBe(new PausableReplay("jane"));
        (await _requests.TakeAsync("1", _none)).ShouldBe("jane");
        (await _requests.TakeAsync("1", _none)).ShouldBeNull();
        await _requests.EndAsync("1", _none);
        (await _requests.AskAsync("1", "jane", _none)).ShouldBeFalse();
    }

    [Fact]
    [SuppressMessage("Reliability", "CA2025", Justification = "The task is awaited before the operation is disposed")]
    public async Task Replay_is_paused_by_a_user_of_another_instance()
    {
        var sharing = new OperationSharing(_operations, _pauses, _requests, TimeProvider.System, NullLogger<OperationSharing>.Instance);
        using var sources = new DeadLetterSources(
            DeadLetterOptions.Parse("amqp://jane:secret@127.0.0.1:1/shop", new Uri("http://127.0.0.1:1")), null, [], options => new DeadLetterClient(options, new AuditFile("none")));
        using var operation = new RunningOperation(new RequestedOperation(Verb.Replay, sources.Default, "orders_error", DeadLetterFilter.All), "jane", isDryRun: false, _time.GetUtcNow(), _none);
        operation.Start(async (running, cancellationToken) =>
        {
            await Eventually.SeeAsync(() => running.PauseRequest == "bob", "the request has arrived");
            await running.AskAsync(_pause, cancellationToken);
            running.PauseRequest.ShouldBeNull();
            return new OperationResult("1", "orders_error", 1, 1, [], [], null);
        }, e => e.Message);
        var shared = sharing.ShareAsync(operation);

        await Eventually.SeeAsync(() => _requests.AskAsync(operation.Id, "bob", _none), asked => asked, "the replay can be paused");
        await Eventually.SeeAsync(() => _pauses.Find(operation.Id) == _pause, "it is paused");
        await _pauses.ResumeAsync(operation.Id, null, _none);
        await shared.WaitAsync(TimeSpan.FromSeconds(60));

        operation.Problem.ShouldBeNull();
        (await _requests.AskAsync(operation.Id, "bob", _none)).ShouldBeFalse();
    }

    public async ValueTask DisposeAsync()
    {
        await _commits.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
