using System.Globalization;

namespace WorkinIt.Web.Submissions;

/// <summary>The texts that explain a state to the user who waits.</summary>
internal static class SubmissionTexts
{
    public static string Heading(Submission submission) => submission.State switch
    {
        SubmissionState.Accepted or SubmissionState.Queued => "It’s on its way",
        SubmissionState.Delayed => "It takes a little longer",
        SubmissionState.Sent => "Sent",
        SubmissionState.Failed => submission is { BlockedAt: null, DiscardedAt: null } ? "It could not be sent" : "It was not sent",
        _ => submission is { BlockedAt: null, DiscardedAt: null } ? "We are checking" : "It may not have been sent",
    };

    /// <summary>How long the request and the mail took: the point of this system in two numbers. Null before the mail is sent.</summary>
    /// <param name="submission">The submission.</param>
    /// <param name="answeredIn">How many milliseconds the form's request took; null if unknown.</param>
    public static string? Lesson(Submission submission, int? answeredIn)
    {
        if (submission is not { State: SubmissionState.Sent, SentAt: { } sentAt })
            return null;
        var mail = sentAt - submission.AcceptedAt;
        var took = mail < TimeSpan.FromSeconds(1) ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(mail.TotalMilliseconds, 0):0} ms")
            : mail < TimeSpan.FromMinutes(2) ? string.Create(CultureInfo.InvariantCulture, $"{mail.TotalSeconds:0.0} s")
            : string.Create(CultureInfo.InvariantCulture, $"{mail.TotalMinutes:0} min");
        return answeredIn is { } milliseconds
            ? string.Create(CultureInfo.InvariantCulture, $"Your request took {milliseconds} ms; the mail took {took}, and you didn’t wait for it.")
            : $"The mail took {took}; the form did not wait for it.";
    }

    public static string Detail(Submission submission) => submission.State switch
    {
        SubmissionState.Accepted => "Your thought is stored. We publish it as soon as the queue takes it.",
        SubmissionState.Queued => "Your thought is in the queue or being processed: a worker finds a GIF and mails it.",
        SubmissionState.Delayed => string.Create(CultureInfo.InvariantCulture,
            $"It could not be sent yet. The next try is at {submission.NextTryAt:HH:mm} UTC; there is nothing you need to do."),
        SubmissionState.Sent when submission.SentAt is null => "An operator confirmed that it arrived. Check your inbox.",
        SubmissionState.Sent => string.Create(CultureInfo.InvariantCulture,
            $"The mail server accepted it at {submission.SentAt:HH:mm} UTC. Check your inbox."),
        // The reader may be a stranger to the recipient, so this does not say that the recipient has unsubscribed.
        SubmissionState.Failed when submission.BlockedAt is not null => "This address doesn’t accept mail from us, so nothing was sent. You can send it to another address.",
        SubmissionState.Failed when submission.DiscardedAt is not null => "We couldn’t deliver your GIF and have stopped trying. If the address was wrong, send it again.",
        SubmissionState.Failed => "We couldn’t deliver your GIF. We’re looking into it; this page will update. If the address was wrong, send it again.",
        _ when submission.BlockedAt is not null => "This address doesn’t accept mail from us, so we won’t try again. An earlier mail may have arrived: check your inbox.",
        _ when submission.DiscardedAt is not null => "We don’t know whether the mail was sent, so it may have arrived. We won’t try again: check your inbox.",
        _ => "We don’t know whether the mail was sent, so it may have arrived. Check your inbox; we’re looking into it.",
    };
}
