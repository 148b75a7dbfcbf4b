using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Server.OpenId;
using WorkinIt.SignIn;

namespace WorkinIt.DeadLetters.Server;

/// <summary>The page of a response that has a status and no body.</summary>
internal static class ErrorPage
{
    /// <summary>Writes the page.</summary>
    public static Task ShowAsync(HttpContext http)
    {
        var status = http.Response.StatusCode;
        var openId = http.RequestServices.GetService<OpenIdSettings>();
        var asked = openId is null ? "RabbitMQ’s management API" : "the sign-in service";
        var (heading, text) = OperatorSessionCheck.IsUnknown(http)
            ? ("Temporarily unavailable", $"Your rights can’t be checked: {asked} or the database does not answer. Nothing was changed. Reload the page in a few seconds. You are still signed in.")
            : status switch
            {
                StatusCodes.Status403Forbidden => ("Not allowed", openId is not null ? OpenIdPages.MayOnlyView(openId) : "Your RabbitMQ user can view dead letters but can’t change them. That needs the tag administrator: sign out and in again as a user with this tag."),
                StatusCodes.Status404NotFound => ("Page not found", $"The board is at {OperatorSignIn.Path}."),
                _ => ("That didn’t work", $"This request is not possible here. The board is at {OperatorSignIn.Path}."),
            };
        var back = status == StatusCodes.Status403Forbidden ? $"""<p><a href="{OperatorSignIn.Path}">Back to the board</a></p>""" : "";
        return PlainPage.WriteAsync(http, status, heading, text, html: back);
    }
}
