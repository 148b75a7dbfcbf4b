using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard.Shared;

/// <summary>Why a page of a queue can't be shown, or an operation can't start.</summary>
internal static class BrokerProblems
{
    public static IResult Show(PageContext page, DeadLetterException e)
    {
        if (e.Problem is DeadLetterProblem.Unreachable or DeadLetterProblem.Blocked)
            page.Http.Response.Headers.RetryAfter = "10";
        return e.Problem switch
        {
            DeadLetterProblem.Locked => page.Problem(StatusCodes.Status409Conflict, "Another operation is running on this queue", e.Message,
                "Only one operation can run on a queue at a time, which keeps a replay exact. Nothing is lost. Reload this page when the operation has ended.", isOfOperation: true),
            DeadLetterProblem.Unreachable => page.Problem(StatusCodes.Status503ServiceUnavailable, "The broker is unreachable", e.Message,
                "The dead letters stay where they are. Reload this page in a few seconds."),
            DeadLetterProblem.Blocked => page.Problem(StatusCodes.Status503ServiceUnavailable, "RabbitMQ accepts no messages", e.Message,
                "Free memory or disk space on the broker. The alarm then ends automatically."),
            DeadLetterProblem.Forbidden => page.Problem(StatusCodes.Status403Forbidden, "The broker denied permission", e.Message,
                "Give the RabbitMQ user of this page the permission, then try again."),
            DeadLetterProblem.NoSuchQueue => page.Problem(StatusCodes.Status404NotFound, "Queue not found", e.Message,
                "It may have been deleted, or have another name. See the list of queues."),
            DeadLetterProblem.Audit => page.Problem(StatusCodes.Status503ServiceUnavailable, "The audit log can’t be used", e.Message,
                "Check that this application may write to the audit log, and that the disk is not full. Then try again."),
            _ => page.Problem(StatusCodes.Status409Conflict, "This can’t be done safely", e.Message, "Nothing was changed."),
        };
    }
}
