namespace WorkinIt.DeadLetters;

/// <summary>The messages of one replay, and all that was observed of each. Decides on their outcomes; observes nothing itself.</summary>
/// <param name="reports">What the application reports.</param>
/// <param name="seen">The dead letter that a message has become again, by the replay's id; null if none was seen.</param>
internal sealed class FollowedMessages(ReplayReports reports, Func<string, SeenFailure?> seen)
{
    private static readonly TimeSpan _settled = TimeSpan.FromSeconds(3); // the ledger has a failure before its dead letter arrives
    private static readonly TimeSpan _letterFollows = TimeSpan.FromSeconds(5); // a failure is reported before its dead letter arrives

    private readonly Lock _lock = new();
    private readonly List<Followed> _all = [];
    private Func<string, SeenFailure?>? _seen = seen;

    /// <summary>The messages, each with its outcome so far.</summary>
    public IReadOnlyList<Replayed> Replayed
    {
        get
        {
            lock (_lock)
                return [.. _all.Select(one => one.Message)];
        }
    }

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _all.Count;
        }
    }

    /// <summary>The messages without the first ones.</summary>
    /// <param name="first">How many are left out.</param>
    public IReadOnlyList<Replayed> Since(int first)
    {
        lock (_lock)
            return [.. _all.Skip(first).Select(one => one.Message)];
    }

    /// <summary>Some of the messages.</summary>
    /// <param name="places">Their places, from 0, in the order in which they were added.</param>
    public IReadOnlyList<(int Place, Replayed Message)> At(IReadOnlyCollection<int> places)
    {
        lock (_lock)
            return [.. places.Select(place => (place, _all[place].Message))];
    }

    public OutcomeCounts Counts
    {
        get
        {
            lock (_lock)
                return OutcomeCounts.Count(_all.Select(one => one.Message));
        }
    }

    public void Add(Replayed message)
    {
        var id = ReportReader.TryParseId(message.ReplayId, out _, out var number) ? number : 0;
        lock (_lock)
            _all.Add(new Followed(message, id));
    }

    /// <summary>Takes the new reports and the dead letters that were seen.</summary>
    /// <param name="now">The time of a clock that does not jump.</param>
    public void Refresh(TimeSpan now)
    {
        lock (_lock)
        {
            foreach (var one in _all)
            {
                if (reports.Find(one.Number) is { } report && !ReferenceEquals(report, one.Report))
                    (one.Report, one.ReportedAt) = (report, now);
                one.Seen ??= _seen?.Invoke(one.Message.ReplayId);
            }
            // In an application that reports, an empty queue says nothing: a consumer may have the message. Without the rights or the connection, nothing is known of the application.
            var reporting = _all.Where(one => one.Report is not null).Select(one => one.Message.Target).ToHashSet();
            foreach (var one in _all)
                one.Decide(reports.IsComplete && !reporting.Contains(one.Message.Target), now);
        }
    }

    /// <summary>How many may get another outcome within the time that a replay waits for.</summary>
    public int CountOpen(TimeSpan now)
    {
        lock (_lock)
            return _all.Count(one => IsOpen(one, now));
    }

    /// <summary>The messages to ask the advisor about: those whose outcome it may know better, or has not been asked about since the last report.</summary>
    public IReadOnlyList<Replayed> ToAsk()
    {
        lock (_lock)
        {
            return [.. _all.Where(one => one.Seen is null && !OutcomeMerge.IsFinal(one.Advice)
                && (one.Message.Outcome is Outcome.Waiting or Outcome.LeftQueue or Outcome.Taken or Outcome.Delayed || one.AskedAt <= one.ReportedAt)).Select(one => one.Message)];
        }
    }

    /// <summary>Takes the answers of the advisor.</summary>
    /// <param name="answers">The answer for each replay id that was asked about; null while it does not know.</param>
    /// <param name="now">When it was asked.</param>
    public void Answered(IReadOnlyDictionary<string, Outcome?> answers, TimeSpan now)
    {
        lock (_lock)
        {
            foreach (var one in _all)
            {
                if (!answers.TryGetValue(one.Message.ReplayId, out var answer))
                    continue;
                one.AskedAt = now;
                if (OutcomeMerge.IsWord(answer))
                    (one.Advice, one.AdvisedAt) = (answer, now);
            }
        }
        Refresh(now);
    }

    /// <summary>The replay ids of the messages of which nothing was observed.</summary>
    public HashSet<string> Waiting()
    {
        lock (_lock)
            return [.. _all.Where(one => one.Message.Outcome == Outcome.Waiting && !one.LeftQueue).Select(one => one.Message.ReplayId)];
    }

    /// <summary>The queues of these messages were seen empty.</summary>
    public void LeftQueue(HashSet<string> replayIds, TimeSpan now)
    {
        lock (_lock)
        {
            foreach (var one in _all.Where(one => replayIds.Contains(one.Message.ReplayId)))
                one.LeftQueue = true;
        }
        Refresh(now);
    }

    /// <summary>Whether the advisor decided on the outcome of a message, rather than a report or a dead letter.</summary>
    public IEnumerable<(Replayed Message, bool IsAdvice)> WithSource()
    {
        lock (_lock)
            return [.. _all.Select(one => (one.Message, one.Seen is null && one.Message.Reported is null && OutcomeMerge.IsWord(one.Message.Outcome)))];
    }

    /// <summary>Nobody looks for dead letters any more.</summary>
    public void EndWatch() => _seen = null;

    private static bool IsOpen(Followed one, TimeSpan now) => one.Message.Outcome switch
    {
        Outcome.Waiting or Outcome.LeftQueue or Outcome.Taken => true,
        Outcome.Delayed => now - one.ChangedAt < _settled,
        Outcome.FailedAgain or Outcome.Skipped => one.Message.NewLetter is null && now - one.ChangedAt < _letterFollows,
        _ => false,
    };

    private sealed class Followed(Replayed message, long number)
    {
        private ReplayReport? _decided;

        public Replayed Message { get; private set; } = message;

        public long Number => number;

        public SeenFailure? Seen { get; set; }

        public ReplayReport? Report { get; set; }

        public TimeSpan ReportedAt { get; set; } = TimeSpan.MinValue;

        public Outcome? Advice { get; set; }

        public TimeSpan AdvisedAt { get; set; } = TimeSpan.MinValue;

        public TimeSpan AskedAt { get; set; } = TimeSpan.MinValue;

        public bool LeftQueue { get; set; }

        public TimeSpan ChangedAt { get; private set; }

        public void Decide(bool emptyQueueCounts, TimeSpan now)
        {
            var outcome = OutcomeMerge.OutcomeOf(Seen?.Outcome, Advice, AdvisedAt >= ReportedAt, Report?.Kind, LeftQueue && emptyQueueCounts);
            if (outcome == Message.Outcome && Message.NewLetter == Seen?.Letter && ReferenceEquals(Report, _decided))
                return;
            _decided = Report;
            if (outcome != Message.Outcome)
                ChangedAt = now;
            Message = Message with { Outcome = outcome, NewLetter = Seen?.Letter, Reported = OutcomeMerge.Details(Report, outcome) };
        }
    }
}
