namespace WorkinIt.DeadLetters.Reports;

/// <summary>Takes reports and publishes them later.</summary>
internal interface IReportQueue
{
    /// <summary>Adds a report. Never waits and never throws.</summary>
    /// <param name="report">The report.</param>
    void Add(ReplayReport report);

    /// <summary>Waits until the reports that were added so far are published.</summary>
    /// <param name="atMost">The longest wait. What is not published by then may still be published afterwards, or be lost.</param>
    Task FlushAsync(TimeSpan atMost);
}
