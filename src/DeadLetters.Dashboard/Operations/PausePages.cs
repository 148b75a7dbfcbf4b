using System.Data.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue.Operations;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>Pauses a replay, and ends its pause, on this instance or on another one. To end the replay, its cancel is used.</summary>
internal static class PausePages
{
    /// <summary>Asks for a pause, which begins between two messages.</summary>
    public static async Task<IResult> PauseAsync(PageContext page)
    {
        var id = page.Route("operation");
        if (page.Runner.Find(id) is { } operation)
        {
            if (OperationPages.IsAnotherUsers(page, operation))
                return OperationPages.NotYours(page);
            if (!operation.CanPause)
                return NotAReplay(page);
            operation.Pause(page.By);
            return page.ToOperation(id);
        }
        if (OtherInstances.Find(page, id) is not { } other || Requests(page) is not { } requests)
            return OperationPages.NotFound(page);
        try
        {
            return !await requests.AskAsync(id, page.By, page.Aborted) && other.IsRunning(page.Time.GetUtcNow()) ? NotAReplay(page) : page.ToOperation(id);
        }
        catch (DbException)
        {
            return OtherInstances.NotReached(page);
        }
    }

    public static Task<IResult> ResumeAsync(PageContext page) => AnswerAsync(page, PauseAnswer.Resume);

    public static Task<IResult> SlowerAsync(PageContext page) => AnswerAsync(page, new PauseAnswer(true, RequestedOperation.PaceIn(page) ?? throw new FormatException("Pace: enter the number of messages per second, such as 10 or 0.5.")));

    /// <summary>The pause of an operation of another instance; null if it is not paused, or the database does not answer.</summary>
    public static ReplayPause? Elsewhere(PageContext page, string operation)
    {
        try
        {
            return Log(page)?.Find(operation);
        }
        catch (DbException)
        {
            return null;
        }
    }

    /// <summary>A replay of another instance that can be paused; null if it can't, or the database does not answer.</summary>
    public static PausableReplay? PausableElsewhere(PageContext page, string operation)
    {
        try
        {
            return Requests(page)?.Find(operation);
        }
        catch (DbException)
        {
            return null;
        }
    }

    // A pause that has ended meanwhile is not an error: the page shows what the operation does now.
    private static async Task<IResult> AnswerAsync(PageContext page, PauseAnswer answer)
    {
        var id = page.Route("operation");
        if (page.Runner.Find(id) is { } operation)
        {
            if (OperationPages.IsAnotherUsers(page, operation))
                return OperationPages.NotYours(page);
            operation.TryAnswer(answer);
        }
        else if (Log(page) is not { } log)
        {
            return OperationPages.NotFound(page);
        }
        else
        {
            try
            {
                if (!await log.ResumeAsync(id, answer.Pace, page.Aborted) && OtherInstances.Find(page, id) is null)
                    return OperationPages.NotFound(page);
            }
            catch (DbException)
            {
                return OtherInstances.NotReached(page);
            }
        }
        return page.ToOperation(id);
    }

    private static IResult NotAReplay(PageContext page) => page.Problem(
        StatusCodes.Status409Conflict, "Can’t be paused", "Only a replay can be paused, and not one that the command runs in a terminal.", "Cancel it instead: what was not moved stays where it is.");

    private static PauseRequests? Requests(PageContext page) => page.Http.RequestServices.GetService<PauseRequests>();

    private static PauseLog? Log(PageContext page) => page.Http.RequestServices.GetService<PauseLog>();
}
