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
        SubmissionState.Failed => "It could not be sent",
        _ => "We are checking",
    };

    public static string Detail(Submission submission) => submission.State switch
    {
        SubmissionState.Accepted => "Your thought is safe with us, and goes to a worker in a moment.",
        SubmissionState.Queued => "Your thought waits for a worker, who finds your GIF and mails it.",
        SubmissionState.Delayed => string.Create(CultureInfo.InvariantCulture,
            $"It could not be sent yet. The next try is at {submission.NextTryAt:HH:mm} UTC; you need not do anything."),
        SubmissionState.Sent => string.Create(CultureInfo.InvariantCulture,
            $"The mail server took it at {submission.SentAt:HH:mm} UTC. Have a look in your inbox."),
        SubmissionState.Failed => "All tries failed. Check the address and send your thought again; or wait, we look after what failed.",
        _ => "The mail server broke off before it answered, so the mail may have arrived. Have a look in your inbox; we look into it, too.",
    };
}
