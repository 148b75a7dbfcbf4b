using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Dashboard.Operations;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>An operation that may end while a page reads it.</summary>
public sealed class RunningOperationTests
{
    [Fact]
    public async Task Page_shows_an_operation_as_running_although_it_ends_while_the_page_is_made()
    {
        using var sources = new DeadLetterSources(
            DeadLetterOptions.Parse("amqp://jane:secret@127.0.0.1:1/shop", new Uri("http://127.0.0.1:1")), null, [], options => new DeadLetterClient(options, new AuditFile("none")));
        using var operation = new RunningOperation(new RequestedOperation(Verb.Replay, sources.Default, "orders_error", DeadLetterFilter.All), "jane", isDryRun: false, DateTimeOffset.UnixEpoch, CancellationToken.None);
        var result = new TaskCompletionSource<OperationResult>();
        operation.Start((_, _) => result.Task, e => e.Message);

        var seen = operation.Seen();
        result.SetResult(new OperationResult("1", "orders_error", 3, 3, [], [], null));
        await operation.Completion;

        (seen.IsRunning, seen.Result, seen.EndedAt).ShouldBe((true, null, DateTimeOffset.MaxValue));
        var later = operation.Seen();
        (later.Id, later.IsRunning, later.Result?.Done).ShouldBe((operation.Id, false, 3));
        later.EndedAt.ShouldBeLessThan(DateTimeOffset.MaxValue);
    }
}
