using System.Data.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue.Operations;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>Ends the pause of a replay, on this instance or on another one. To end the replay, its cancel is used.</summary>
internal static class PausePages
{
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

    private static PauseLog? Log(PageContext page) => page.Http.RequestServices.GetService<PauseLog>();
}
