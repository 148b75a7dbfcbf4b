using System.Globalization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.Web.SignIn;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Web.Pages;

[IgnoreAntiforgeryToken] // it is shown for POSTs too, the one with a bad token among them
[ResponseCache(NoStore = true)]
internal sealed class ErrorModel : PageModel
{
    public string Heading { get; private set; } = "";

    public string Advice { get; private set; } = "";

    public (string Href, string Text) WayOut { get; private set; } = ("/", "To the form");

    // No parameter: to bind one, MVC would read the form of a POST once more, which may be the very thing that failed.
    public void OnGet()
    {
        // What an exception leads to is decided where it is caught; the address that it is shown at is always the same.
        var code = HttpContext.Features.Get<IExceptionHandlerFeature>() is null
            ? Convert.ToInt32(RouteData.Values["code"], CultureInfo.InvariantCulture)
            : Response.StatusCode;
        if (code == StatusCodes.Status503ServiceUnavailable)
            Response.Headers.RetryAfter = Unavailable.RetryAfter;
        Explain(code);
        if (OperatorSessionCheck.IsUnknown(HttpContext))
        {
            (Heading, Advice) = ("Not right now", "Your rights can’t be checked: RabbitMQ’s management API, or the database of the sessions, does not answer. Nothing was done. Check that both run, then load the page again: you are still signed in.");
            WayOut = (OperatorSignIn.Path, "Back to the dead letters");
        }
        if (code == StatusCodes.Status403Forbidden)
            WayOut = (OperatorSignIn.Path, "To the dead letters"); // where one signs out
    }

    public void OnPost() => OnGet();

    private void Explain(int code) => (Heading, Advice) = code switch
    {
        400 => ("That didn’t work", "Your browser sent something we could not read, or the form was open for too long. Open it again and send it once more."),
        403 => ("Not for you", "Your RabbitMQ user may look at dead letters and not act on them. That takes the tag administrator: sign out and in again as a user who has it."),
        404 => ("Nothing here", "There is no such page. If you followed a link to a submission, check that it was copied whole."),
        413 => ("That was too much", "A thought has 500 characters at most. Go back and shorten it."),
        429 => ("Slow down a little", "Those were many thoughts in a short time. Wait a minute, then send the next one."),
        503 => ("Not right now", Unavailable.Reading),
        < 500 => ("That didn’t work", "What was asked for is not to be had in this way. Begin at the form."),
        _ => ("Something broke on our side", "It was not you. Try again in a minute."),
    };
}
