using System.Data.Common;
using System.Globalization;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Operations;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>
/// Shows the operations of this instance to the others, and pauses or ends one as a user of another instance asks. A database that fails changes nothing
/// about the operation itself.
/// </summary>
internal sealed partial class OperationSharing(OperationLog operations, PauseLog pauses, PauseRequests requests, TimeProvider time, ILogger<OperationSharing> log)
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    /// <summary>Reports an operation until it has ended.</summary>
    public async Task ShareAsync(RunningOperation operation)
    {
        // The request is kept from the beginning, so that the form of the dry run works on any instance. It is refused there until the dry run has ended.
        var begun = await TryAsync(() => operations.BeginAsync(
            new SharedOperation { Id = operation.Id, Queue = operation.Request.Queue, Source = operation.Request.Source.Name, Title = operation.Title, By = operation.By, IsDryRun = operation.IsDryRun, StartedAt = operation.StartedAt },
            operation.IsDryRun ? StoredRequest.Write(operation.Request) : null, CancellationToken.None));
        if (!begun)
            return;
        if (operation.CanPause)
            await TryAsync(() => requests.OfferAsync(operation.Id, CancellationToken.None));
        var wasPaused = false;
        while (await Task.WhenAny(operation.Completion, Task.Delay(_interval, time)) != operation.Completion)
        {
            await TryAsync(async () =>
            {
                if (await operations.ReportAsync(operation.Id, operation.Progress, CancellationToken.None))
                    operation.Cancel();
                if (operation.CanPause && await requests.TakeAsync(operation.Id, CancellationToken.None) is { } by)
                    operation.Pause(by);
                wasPaused = await SharePauseAsync(operation, wasPaused);
            });
        }
        if (operation.CanPause)
            await TryAsync(() => requests.EndAsync(operation.Id, CancellationToken.None));
        if (wasPaused)
            await TryAsync(() => pauses.ReportAsync(operation.Id, null, CancellationToken.None));
        await TryAsync(() => operations.EndAsync(operation.Id, Final(operation), Summary(operation), operation.Problem, CancellationToken.None));
    }

    private async Task<bool> SharePauseAsync(RunningOperation operation, bool wasPaused)
    {
        var pause = operation.Progress.Paused;
        if ((wasPaused || pause is not null) && await pauses.ReportAsync(operation.Id, pause, CancellationToken.None) is { } answer)
        {
            operation.TryAnswer(answer);
            await pauses.ReportAsync(operation.Id, null, CancellationToken.None); // the answer does not count for the next pause
        }
        return pause is not null;
    }

    /// <summary>The result in one line; null if there is none.</summary>
    public static string? Summary(RunningOperation operation) => operation.Result is not { } result ? null
        : operation.IsDryRun ? string.Create(CultureInfo.InvariantCulture, $"{result.Done:N0} of {result.Selected:N0} would be moved{(result.Settled > 0 ? $", {result.Settled:N0} removed" : "")}{(result.Refused.Count > 0 ? $", {result.Refused.Count:N0} refused" : "")}")
        : (operation.Request.Verb == Verb.Replay ? result.Headline : string.Create(CultureInfo.InvariantCulture, $"{result.Done:N0} of {result.Selected:N0} moved"))
            + (result.Stopped is { } stopped ? $". {stopped}" : "");

    private static OperationProgress Final(RunningOperation operation) => operation.Result is { } result
        ? operation.Progress with { Done = operation.IsDryRun ? operation.ToDo : result.Done, Refused = result.Refused.Count }
        : operation.Progress;

    private async Task<bool> TryAsync(Func<Task> write)
    {
        try
        {
            await write();
            return true;
        }
        catch (Exception e) when (e is DbException or ObjectDisposedException or InvalidOperationException)
        {
            LogNotShared(e.Message);
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Other instances can't see this operation on dead letters: {Reason}")]
    private partial void LogNotShared(string reason);
}
