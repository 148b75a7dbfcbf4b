using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Web.Pages;

internal sealed class IndexModel(SubmissionService service, SenderCookie senders, TimeProvider time) : PageModel
{
    /// <summary>A field that is hidden from people, to catch robots.</summary>
    public const string Trap = "website";

    // Read directly from the form: model binding would turn a blank thought into null and add its own error texts.
    public string? Email { get; private set; }

    public string? Thought { get; private set; }

    public Guid SubmissionId { get; private set; } = Guid.CreateVersion7(time.GetUtcNow());

    public Dictionary<string, string[]> Errors { get; private set; } = [];

    /// <summary>Why a valid submission was not accepted (a limit, or the store is unavailable); null otherwise.</summary>
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
            Errors = isRobot ? new() { [Trap] = ["Leave this field empty. It is a trap for robots, which fill in every field."] } : errors!;
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

    // Sent only to the page that this redirects to.
    private void SetDurationCookie(TimeSpan took) => Response.Cookies.Append(
        SubmissionEvents.AnsweredIn,
        Math.Ceiling(took.TotalMilliseconds).ToString(CultureInfo.InvariantCulture),
        new CookieOptions { Path = $"/submissions/{SubmissionId}", HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = Request.IsHttps, MaxAge = TimeSpan.FromHours(1) });

    // With the antiforgery token in the form, the form was already read. With the token in a header, the body may be anything.
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

    // The form carries the id of its submission, so a second click or a reload sends nothing twice. If the user goes back and
    // changes the text, it is a new submission.
    private async Task<Acceptance> AcceptAsync(NewSubmission submission, CancellationToken cancellationToken)
    {
        var from = HttpContext.Connection.RemoteIpAddress;
        if (await service.AcceptAsync(from, SubmissionId, submission, cancellationToken) is not Acceptance.Conflict and var acceptance)
            return acceptance;
        SubmissionId = Guid.CreateVersion7(time.GetUtcNow());
        return await service.AcceptAsync(from, SubmissionId, submission, cancellationToken);
    }

    public string? Error(string field) => Errors.GetValueOrDefault(field)?[0];

    public string? IsInvalid(string field) => Errors.ContainsKey(field) ? "true" : null;

    public string? DescribedBy(string field, string? hint = null) =>
        Errors.ContainsKey(field) ? string.Join(' ', new[] { $"{field}-error", hint }.OfType<string>()) : hint;
}
