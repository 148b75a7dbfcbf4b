namespace WorkinIt.DeadLetters;

/// <summary>
/// Decides on the outcome of a replayed message from all that was observed. A dead letter that was seen counts most: it exists. Then the word of the
/// application's advisor (for WorkinIt: the ledger), which knows whether the work was done; then the latest report.
/// </summary>
internal static class OutcomeMerge
{
    /// <summary>The outcome.</summary>
    /// <param name="seen">The dead letter that was seen: failed again or skipped; null if none.</param>
    /// <param name="advice">The advisor's last word; null if it has none.</param>
    /// <param name="isAdviceLater">Whether the advisor said so after the report had come.</param>
    /// <param name="report">The latest report; null if none came.</param>
    /// <param name="leftQueue">Whether the queue was seen empty, in an application that does not report.</param>
    public static Outcome OutcomeOf(Outcome? seen, Outcome? advice, bool isAdviceLater, ReportKind? report, bool leftQueue) =>
        seen ?? (IsFinal(advice) || (advice is not null && isAdviceLater && report is not (ReportKind.Failed or ReportKind.Skipped)) ? advice!.Value
            : report is { } kind ? OutcomeOf(kind)
            : advice ?? (leftQueue ? Outcome.LeftQueue : Outcome.Waiting));

    /// <summary>The outcome that a report claims.</summary>
    public static Outcome OutcomeOf(ReportKind report) => report switch
    {
        ReportKind.Handled => Outcome.Handled,
        ReportKind.Failed => Outcome.FailedAgain,
        ReportKind.Delayed => Outcome.Delayed,
        ReportKind.Skipped => Outcome.Skipped,
        _ => Outcome.Taken,
    };

    /// <summary>Whether an advisor's answer says something, rather than that the outcome is unknown.</summary>
    public static bool IsWord(Outcome? advice) => advice is Outcome.Handled or Outcome.FailedAgain or Outcome.Delayed or Outcome.Skipped;

    /// <summary>Whether an outcome is the end of a message's work: no report changes what the advisor says.</summary>
    public static bool IsFinal(Outcome? advice) => advice is Outcome.Handled or Outcome.FailedAgain or Outcome.Skipped;

    /// <summary>What a report adds to an outcome; null if the outcome is known from elsewhere.</summary>
    /// <param name="report">The latest report; null if none came.</param>
    /// <param name="outcome">The outcome.</param>
    public static ReportedOutcome? Details(ReplayReport? report, Outcome outcome) => report is null || OutcomeOf(report.Kind) != outcome ? null : new ReportedOutcome
    {
        At = report.At,
        Consumer = report.Consumer,
        Version = report.Version,
        Milliseconds = report.Kind == ReportKind.Taken ? null : report.Milliseconds,
        Until = report.Kind == ReportKind.Delayed ? report.Until : null,
        ExceptionType = report.ExceptionType,
        Reason = report.Reason,
    };
}
