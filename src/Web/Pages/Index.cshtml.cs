using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Web.Pages;

internal sealed class IndexModel(SubmissionService desk, SenderCookie senders, TimeProvider time) : PageModel
{
    /// <summary>A field that no person sees.</summary>
    public const string Trap = "website";

    // Read from the form itself: model binding would turn a blank thought into null and report in words of its own.
    public string? Email { get; private set; }

    public string? Thought { get; private set; }

    public Guid SubmissionId { get; private set; } = Guid.CreateVersion7(time.GetUtcNow());

    public Dictionary<string, string[]> Errors { get; private set; } = [];

    /// <summary>Why it could not be taken, though nothing is wrong with it.</summary>
    public string? Refusal { get; private set; }

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        if (await ReadFormAsync(cancellationToken) is not { } form)
            return BadRequest();
        Email = form[NewSubmission.EmailField];
        Thought = form[NewSubmission.ThoughtField];
        if (Guid.TryParse(form["id"], out var id) && id != Guid.Empty)
            SubmissionId = id;

        var isRobot = form[Trap] is [{ Length: > 0 }, ..];
        if (!NewSubmission.TryCreate(Email, Thought, out var submission, out var errors) || isRobot)
        {
            Errors = isRobot ? new() { [Trap] = ["Leave this field empty: it is there for robots, which fill in all they find."] } : errors!;
            Response.StatusCode = StatusCodes.Status400BadRequest;
            return Page();
        }
        switch (await AcceptAsync(submission, cancellationToken))
        {
            case Acceptance.Accepted:
                Response.Headers.Location = $"/submissions/{SubmissionId}";
                senders.Give(HttpContext, SubmissionId);
                SetDurationCookie(time.GetElapsedTime(began));
                return StatusCode(StatusCodes.Status303SeeOther);
            case Acceptance.TooMany many:
                return Refuse(StatusCodes.Status429TooManyRequests, many.RetryAfter, many.Text);
            default:
                return Refuse(StatusCodes.Status503ServiceUnavailable, Unavailable.RetryAfter, Unavailable.Text);
        }
    }

    private PageResult Refuse(int status, string retryAfter, string text)
    {
        Refusal = text;
        Response.StatusCode = status;
        Response.Headers.RetryAfter = retryAfter;
        return Page();
    }

    // For the page that this leads to, and for no other.
    private void SetDurationCookie(TimeSpan took) => Response.Cookies.Append(
        SubmissionEvents.AnsweredIn,
        Math.Ceiling(took.TotalMilliseconds).ToString(CultureInfo.InvariantCulture),
        new CookieOptions { Path = $"/submissions/{SubmissionId}", HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = Request.IsHttps, MaxAge = TimeSpan.FromHours(1) });

    // A browser's form was read before, for its token; with the token in a header it may be anything at all.
    private async Task<IFormCollection?> ReadFormAsync(CancellationToken cancellationToken)
    {
        try
        {
            return Request.HasFormContentType ? await Request.ReadFormAsync(cancellationToken) : null;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return null;
        }
    }

    // The form carries its submission's id, so that a second click or a reload sends nothing twice. Who goes back and writes
    // something else means a new submission.
    private async Task<Acceptance> AcceptAsync(NewSubmission submission, CancellationToken cancellationToken)
    {
        var from = HttpContext.Connection.RemoteIpAddress;
        if (await desk.AcceptAsync(from, SubmissionId, submission, cancellationToken) is not Acceptance.Conflict and var acceptance)
            return acceptance;
        SubmissionId = Guid.CreateVersion7(time.GetUtcNow());
        return await desk.AcceptAsync(from, SubmissionId, submission, cancellationToken);
    }

    public string? Error(string field) => Errors.GetValueOrDefault(field)?[0];

    public string? IsInvalid(string field) => Errors.ContainsKey(field) ? "true" : null;

    public string? DescribedBy(string field, string? hint = null) =>
        Errors.ContainsKey(field) ? string.Join(' ', new[] { $"{field}-error", hint }.OfType<string>()) : hint;
}
