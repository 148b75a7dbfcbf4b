using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.Web.OptOuts;

namespace WorkinIt.Web.Pages;

/// <summary>
/// Where the link in a mail leads. Opening it changes nothing, for mail scanners open all links; a post does: the page's button, or the
/// mail program's own (RFC 8058), which brings no cookie and no antiforgery token. Who has the link is who the mail was for.
/// </summary>
[IgnoreAntiforgeryToken]
[ResponseCache(NoStore = true)]
internal sealed class NeverAgainModel(OptOutService desk) : PageModel
{
    private const string LiftHandler = "Lift";

    public string Token { get; private set; } = "";

    public string Heading { get; private set; } = "";

    public string Text { get; private set; } = "";

    /// <summary>What can be done from here; null where nothing can.</summary>
    public string? Button { get; private set; }

    /// <summary>Who takes the button's post.</summary>
    public string? Handler { get; private set; }

    public void OnGet(string token)
    {
        switch (Open(token).IsBlocked(token))
        {
            case null:
                ShowBadLink();
                break;
            case true:
                ShowBlocked();
                break;
            default:
                Show("Never mail me again?", "One click, and WorkinIt mails nothing more to the address that got this link, whoever asks for it.", block: true);
                break;
        }
    }

    public void OnPost(string token)
    {
        if (Open(token).Change(token, block: true))
            ShowBlocked();
        else
            ShowBadLink();
    }

    public void OnPostLift(string token)
    {
        if (Open(token).Change(token, block: false))
            Show("You can be mailed again", "Who gives your address to WorkinIt can have a GIF mailed to you, as before.", block: true);
        else
            ShowBadLink();
    }

    private OptOutService Open(string token)
    {
        Token = token;
        return desk;
    }

    private void ShowBlocked() =>
        Show("You won’t be mailed again", "WorkinIt mails nothing more to your address, whoever asks for it. Was it a slip? You can take it back, here or by the link in the mail.", block: false);

    private void ShowBadLink()
    {
        Response.StatusCode = StatusCodes.Status404NotFound;
        (Heading, Text) = ("This link is not whole", "Nothing was changed. Open the link in the mail once more, or copy all of it: it is a long one.");
    }

    private void Show(string heading, string text, bool block) =>
        (Heading, Text, Button, Handler) = (heading, text, block ? "Never mail me again" : "Mail me again", block ? null : LiftHandler);
}
