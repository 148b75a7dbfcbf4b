using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.Web.OptOuts;

namespace WorkinIt.Web.Pages;

/// <summary>
/// The unsubscribe page, which the link in each mail opens. A GET changes nothing, because mail scanners open all links. A POST does: from
/// the page's button, or from the mail program's own button (RFC 8058), which sends no cookie and no antiforgery token. The link itself
/// authorizes: only the recipient of the mail has it.
/// </summary>
[IgnoreAntiforgeryToken]
[ResponseCache(NoStore = true)]
internal sealed class NeverAgainModel(OptOutService service) : PageModel
{
    private const string LiftHandler = "Lift";

    public string Token { get; private set; } = "";

    public string Heading { get; private set; } = "";

    public string Text { get; private set; } = "";

    /// <summary>The text of the button; null if there is none.</summary>
    public string? Button { get; private set; }

    /// <summary>The page handler that receives the button's POST; null for the default one.</summary>
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
                Show("Unsubscribe?", "Stop all WorkinIt mail to this address.", block: true);
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
            Show("You can get mail again", "WorkinIt can mail GIFs to this address again.", block: true);
        else
            ShowBadLink();
    }

    private OptOutService Open(string token)
    {
        Token = token;
        return service;
    }

    private void ShowBlocked() =>
        Show("You are unsubscribed", "WorkinIt sends no more mail to this address. A mail that is being sent now may still arrive. You can undo this here, or later with the link in the mail.", block: false);

    private void ShowBadLink()
    {
        Response.StatusCode = StatusCodes.Status404NotFound;
        (Heading, Text) = ("This link is incomplete", "Nothing was changed. Open the link in the mail again, or copy all of it. It is long.");
    }

    private void Show(string heading, string text, bool block) =>
        (Heading, Text, Button, Handler) = (heading, text, block ? "Unsubscribe" : "Allow mail again", block ? null : LiftHandler);
}
