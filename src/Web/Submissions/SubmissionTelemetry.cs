using System.Diagnostics;
using System.Diagnostics.Metrics;
using WorkinIt.Messaging;
using WorkinIt.ServiceDefaults;

namespace WorkinIt.Web.Submissions;

/// <summary>The metrics and spans of submissions in Web.</summary>
internal static class SubmissionTelemetry
{
    private static readonly Counter<long> _accepted = Telemetry.Meter.CreateCounter<long>(
        "workinit.submission.accepted", "{submission}", "Submissions that were stored");

    private static readonly Counter<long> _deadLettered = Telemetry.Meter.CreateCounter<long>(
        "workinit.gif_email.dead_lettered", "{message}", "Messages that became dead letters, except those with an unknown outcome (held)");

    /// <summary>
    /// How long the oldest submission has waited for the broker. Only this age shows that a broker is up but accepts nothing, because its
    /// memory or disk is full or a binding is missing.
    /// </summary>
    internal sealed class UnconfirmedAge
    {
        private long _oldest; // ticks in UTC; 0: none

        public UnconfirmedAge() => Telemetry.Meter.CreateObservableGauge(
            "workinit.submission.unconfirmed.age", Seconds, "s", "How long the oldest submission has waited for the broker's confirm; 0 if none waits");

        /// <summary>When the oldest waiting submission was submitted; null if none waits.</summary>
        public DateTimeOffset? Oldest
        {
            set => Interlocked.Exchange(ref _oldest, value?.UtcTicks ?? 0);
        }

        private double Seconds() => Interlocked.Read(ref _oldest) is > 0 and var ticks ? (DateTimeOffset.UtcNow - new DateTimeOffset(ticks, TimeSpan.Zero)).TotalSeconds : 0;
    }

    public static void Accepted() => _accepted.Add(1);

    /// <summary>Counts a message that the broker itself has dead-lettered, because no consumer survived to count it.</summary>
    public static void DeadLettered() => _deadLettered.Add(1, new KeyValuePair<string, object?>("error.type", "delivery_limit"));

    /// <summary>
    /// Starts the span from the store to the broker. A submission that was just accepted continues the trace of its request. One that the sweep
    /// found starts a new trace, because the first one is not stored.
    /// </summary>
    /// <param name="submissionId">The id of the submission.</param>
    /// <param name="accepted">The span of the request; default if it is unknown.</param>
    public static Activity? StartRelay(Guid submissionId, ActivityContext accepted)
    {
        var activity = Telemetry.Source.StartActivity("relay submission", ActivityKind.Internal, accepted);
        SubmissionScope.Tag(activity, submissionId);
        return activity;
    }
}
