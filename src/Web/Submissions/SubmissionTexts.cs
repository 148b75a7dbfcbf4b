using System.Globalization;

namespace WorkinIt.Web.Submissions;

/// <summary>The states in the words of the person who waits.</summary>
internal static class SubmissionTexts
{
    public static string Heading(Submission submission) => submission.State switch
    {
        SubmissionState.Accepted or SubmissionState.Queued => "It’s on its way",
        SubmissionState.Delayed => "It takes a little longer",
        SubmissionState.Sent => "Sent",
        SubmissionState.Failed => submission is { BlockedAt: null, DiscardedAt: null } ? "It could not be sent" : "It was not sent",
        _ => submission.DiscardedAt is null ? "We are checking" : "It may not have been sent",
    };

    /// <summary>What the whole system is about, in two numbers.</summary>
    /// <param name="submission">The submission.</param>
    /// <param name="answeredIn">Milliseconds that the form's request took, where that is known.</param>
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
            : $"The mail took {took}, and nobody waited for it.";
    }

    public static string Detail(Submission submission) => submission.State switch
    {
        SubmissionState.Accepted => "Your thought is safe with us, and goes to a worker in a moment.",
        SubmissionState.Queued => "Your thought waits for a worker, who finds your GIF and mails it.",
        SubmissionState.Delayed => string.Create(CultureInfo.InvariantCulture,
            $"It could not be sent yet. The next try is at {submission.NextTryAt:HH:mm} UTC; you need not do anything."),
        SubmissionState.Sent => string.Create(CultureInfo.InvariantCulture,
            $"The mail server took it at {submission.SentAt:HH:mm} UTC. Have a look in your inbox."),
        // Whoever reads this is a stranger to the recipient: why that address takes none is not theirs to know.
        SubmissionState.Failed when submission.BlockedAt is not null => "This address takes no mail from us, so nothing was sent. Send it to another one, if you like.",
        SubmissionState.Failed when submission.DiscardedAt is not null => "We couldn’t deliver your GIF and have stopped trying. Was the address wrong? Then send it again.",
        SubmissionState.Failed => "All tries failed. We look after it, and this page tells. Was the address wrong? Then send it again.",
        _ when submission.DiscardedAt is not null => "The mail server broke off before it answered, so the mail may have arrived. We don’t try again: have a look in your inbox.",
        _ => "The mail server broke off before it answered, so the mail may have arrived. Have a look in your inbox; we look into it, too.",
    };
}
