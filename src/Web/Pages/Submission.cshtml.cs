using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Web.Pages;

[ResponseCache(NoStore = true)]
internal sealed class SubmissionModel(SubmissionStore store) : PageModel
{
    public Submission Submission { get; private set; } = null!;

    public IActionResult OnGet(Guid id)
    {
        if (store.Find(id) is not { } submission)
            return NotFound();
        Submission = submission;
        return Page();
    }
}
