using Microsoft.AspNetCore.Http;
using WorkinIt.SignIn;

namespace WorkinIt.DeadLetters.Server;

/// <summary>The page of a response that has a status and no body.</summary>
internal static class ErrorPage
{
    /// <summary>Writes the page.</summary>
    public static Task ShowAsync(HttpContext http)
    {
        var status = http.Response.StatusCode;
        var (heading, text) = OperatorSessionCheck.IsUnknown(http)
            ? ("Temporarily unavailable", "Your rights can’t be checked: RabbitMQ’s management API or the database does not answer. Nothing was changed. Reload the page in a few seconds. You are still signed in.")
            : status switch
            {
                StatusCodes.Status403Forbidden => ("Not allowed", "Your RabbitMQ user can view dead letters but can’t change them. That needs the tag administrator: sign out and in again as a user with this tag."),
                StatusCodes.Status404NotFound => ("Page not found", $"The board is at {OperatorSignIn.Path}."),
                _ => ("That didn’t work", $"This request is not possible here. The board is at {OperatorSignIn.Path}."),
            };
        return PlainPage.WriteAsync(http, status, heading, text);
    }
}
