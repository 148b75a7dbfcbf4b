using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Web.Pages;

internal sealed class IndexModel(SubmissionDesk desk) : PageModel
{
    // Read from the form itself: model binding would turn a blank thought into null and report in words of its own.
    public string? Email { get; private set; }

    public string? Thought { get; private set; }

    public Dictionary<string, string[]> Errors { get; private set; } = [];

    public bool Unavailable { get; private set; }

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellationToken)
    {
        Email = Request.Form[NewSubmission.EmailField];
        Thought = Request.Form[NewSubmission.ThoughtField];

        if (!NewSubmission.TryCreate(Email, Thought, out var submission, out var errors))
        {
            Errors = errors;
            Response.StatusCode = StatusCodes.Status400BadRequest;
            return Page();
        }
        if (await desk.AcceptAsync(submission, cancellationToken) is not { } id)
        {
            Unavailable = true;
            Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            Response.Headers.RetryAfter = Submissions.Unavailable.RetryAfter;
            return Page();
        }
        Response.Headers.Location = $"/submissions/{id}";
        return StatusCode(StatusCodes.Status303SeeOther);
    }

    public string? Error(string field) => Errors.GetValueOrDefault(field)?[0];

    public string? IsInvalid(string field) => Errors.ContainsKey(field) ? "true" : null;

    public string? DescribedBy(string field, string? hint = null) =>
        Errors.ContainsKey(field) ? string.Join(' ', new[] { $"{field}-error", hint }.OfType<string>()) : hint;
}
