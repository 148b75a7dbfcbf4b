using System.Diagnostics;
using System.Diagnostics.Metrics;
using WorkinIt.Messaging;
using WorkinIt.ServiceDefaults;

namespace WorkinIt.Web.Submissions;

/// <summary>What Web tells of submissions beyond the log.</summary>
internal static class SubmissionTelemetry
{
    private static readonly Counter<long> _accepted = Telemetry.Meter.CreateCounter<long>(
        "workinit.submission.accepted", "{submission}", "Submissions that were committed");

    private static readonly Counter<long> _deadLettered = Telemetry.Meter.CreateCounter<long>(
        "workinit.gif_email.dead_lettered", "{message}", "Messages that became dead letters, without the held ones");

    /// <summary>
    /// Since when the oldest submission waits for the broker. A broker that is up and takes nothing, for its memory or disk is full or a binding is
    /// gone, can be told by nothing else.
    /// </summary>
    internal sealed class UnconfirmedAge
    {
        private long _oldest; // ticks in UTC; 0: none

        public UnconfirmedAge() => Telemetry.Meter.CreateObservableGauge(
            "workinit.submission.unconfirmed.age", Seconds, "s", "How long the oldest submission has waited for the broker to take it; 0 when none does");

        /// <summary>When it was submitted; null when none waits.</summary>
        public DateTimeOffset? Oldest
        {
            set => Interlocked.Exchange(ref _oldest, value?.UtcTicks ?? 0);
        }

        private double Seconds() => Interlocked.Read(ref _oldest) is > 0 and var ticks ? (DateTimeOffset.UtcNow - new DateTimeOffset(ticks, TimeSpan.Zero)).TotalSeconds : 0;
    }

    public static void Accepted() => _accepted.Add(1);

    /// <summary>The broker itself has dead-lettered it: no consumer lived to count it.</summary>
    public static void DeadLettered() => _deadLettered.Add(1, new KeyValuePair<string, object?>("error.type", "delivery_limit"));

    /// <summary>
    /// The way from the store to the broker. What is handed over goes on in the trace that accepted it; what the sweep found begins one of
    /// its own, for the first one is not stored.
    /// </summary>
    /// <param name="submissionId">The submission.</param>
    /// <param name="accepted">The request's span, where it is known.</param>
    public static Activity? StartRelay(Guid submissionId, ActivityContext accepted)
    {
        var activity = Telemetry.Source.StartActivity("relay submission", ActivityKind.Internal, accepted);
        SubmissionScope.Tag(activity, submissionId);
        return activity;
    }
}
