using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.DeadLetters;
using WorkinIt.Gifs;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Web.Pages;

[ResponseCache(NoStore = true)]
internal sealed class SubmissionModel(SubmissionStore store, BuiltInGifs gifs) : PageModel
{
    public Guid Id { get; private set; }

    public SubmissionView View { get; private set; } = null!;

    public string? MaskedEmail { get; private set; }

    public IActionResult OnGet(Guid id)
    {
        if (store.Find(id) is not { } submission)
            return NotFound();
        Id = id;
        View = SubmissionView.Of(submission, gifs, SubmissionEvents.AnsweredInOf(Request));
        MaskedEmail = store.FindEmail(id) is { } email ? Masking.Value(email) : null;
        return Page();
    }
}
