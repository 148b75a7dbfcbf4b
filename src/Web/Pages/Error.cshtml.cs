using System.Globalization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.SignIn;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Web.Pages;

[IgnoreAntiforgeryToken] // this page also answers POSTs, including one with a bad token
[ResponseCache(NoStore = true)]
internal sealed class ErrorModel : PageModel
{
    public string Heading { get; private set; } = "";

    public string Advice { get; private set; } = "";

    public (string Href, string Text) WayOut { get; private set; } = ("/", "Go to the form");

    // No parameter: to bind one, MVC would read the form of a POST again, which may be what failed.
    public void OnGet()
    {
        // After an exception, the exception handler has set the status of the response, and the path is always /error/500.
        var code = HttpContext.Features.Get<IExceptionHandlerFeature>() is null
            ? Convert.ToInt32(RouteData.Values["code"], CultureInfo.InvariantCulture)
            : Response.StatusCode;
        if (code == StatusCodes.Status503ServiceUnavailable)
            Response.Headers.RetryAfter = Unavailable.RetryAfter;
        Explain(code);
        if (OperatorSessionCheck.IsUnknown(HttpContext))
        {
            (Heading, Advice) = ("Temporarily unavailable", "Your rights can’t be checked: RabbitMQ’s management API or the session database does not answer. Nothing was changed. Check that both are running, then reload the page. You are still signed in.");
            WayOut = (OperatorSignIn.Path, "Go to dead letters");
        }
        if (code == StatusCodes.Status403Forbidden)
            WayOut = (OperatorSignIn.Path, "Go to dead letters"); // has the sign-out button
    }

    public void OnPost() => OnGet();

    private void Explain(int code) => (Heading, Advice) = code switch
    {
        400 => ("That didn’t work", "We couldn’t read what your browser sent, or the form was open for too long. Open it again and send it once more."),
        403 => ("Not allowed", "Your RabbitMQ user can view dead letters but can’t change them. That needs the tag administrator: sign out and in again as a user with this tag."),
        404 => ("Page not found", "If you followed a link to a submission, check that you copied all of it."),
        413 => ("That was too much", "A thought can have at most 500 characters. Go back and shorten it."),
        429 => ("Slow down a little", "Too many thoughts in a short time. Wait a minute, then send the next one."),
        503 => ("Temporarily unavailable", Unavailable.Reading),
        < 500 => ("That didn’t work", "This request is not possible here. Start at the form."),
        _ => ("Something broke on our side", "It’s not your fault. Try again in a minute."),
    };
}
