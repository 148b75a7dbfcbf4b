using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.DeadLetters;
using WorkinIt.Gifs;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Web.Pages;

[ResponseCache(NoStore = true)]
internal sealed class SubmissionModel(SubmissionStore store, BuiltInGifs gifs, SenderCookie senders) : PageModel
{
    public Guid Id { get; private set; }

    public SubmissionView View { get; private set; } = null!;

    /// <summary>The recipient, masked for everyone but the sender; null if it is no longer stored.</summary>
    public string? Email { get; private set; }

    /// <summary>The thought, for the sender only; null for everyone else.</summary>
    public string? Thought { get; private set; }

    public IActionResult OnGet(Guid id)
    {
        if (store.Find(id) is not { } submission)
            return NotFound();
        Id = id;
        View = SubmissionView.Of(submission, gifs, SubmissionEvents.AnsweredInOf(Request));
        if (store.FindTyped(id) is { } typed)
            (Email, Thought) = senders.IsSender(Request, id) ? (typed.Email, typed.Thought) : (Masking.Value(typed.Email), null);
        return Page();
    }
}
