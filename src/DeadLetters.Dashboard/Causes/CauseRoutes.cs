using System.Data.Common;
using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard.Causes;

/// <summary>The routes of triage and notifications. Mapped only if a catalogue is registered.</summary>
internal static class CauseRoutes
{
    /// <param name="get">Maps a page.</param>
    /// <param name="post">Maps an action, which requires the operators' policy.</param>
    public static void Map(Action<string, Func<PageContext, Task<IResult>>> get, Action<string, Func<PageContext, Task<IResult>>> post)
    {
        get("/causes/{cause}", Readable(CausePage.ShowAsync));
        post("/causes/{cause}/triage", Readable(CausePage.ChangeAsync));
        get("/notifications", Readable(NotificationPage.ShowAsync));
        post("/notifications/test", Readable(NotificationPage.TestAsync));
    }

    // Without the catalogue, the queues' own pages still work.
    private static Func<PageContext, Task<IResult>> Readable(Func<PageContext, Task<IResult>> page) => async context =>
    {
        try
        {
            return await page(context);
        }
        catch (Exception e) when (e is DbException or TimeoutException)
        {
            context.Http.Response.Headers.RetryAfter = "10";
            return context.Problem(StatusCodes.Status503ServiceUnavailable, "The catalogue can’t be used", "Its database is unreachable, not ready yet, or it can’t be written.",
                "The dead letters are not affected: the pages of the queues read them from the broker. Reload this page in a few seconds.");
        }
    };
}
