namespace WorkinIt.DeadLetters;

/// <summary>
/// The causes that are not new to a replay. A failure is also known if a known dead letter has the same exception type and text, and one of the two stack
/// traces is the other with frames left out: .NET inlines a small method after some thousand calls, and its frame is missing from then on.
/// </summary>
/// <param name="ids">The ids of causes.</param>
internal sealed class KnownCauses(IEnumerable<string> ids)
{
    private const int MostTraces = 200; // of 2,048 characters at most

    private readonly HashSet<string> _ids = [.. ids];
    private readonly HashSet<(string? ExceptionType, string Text, string Trace)> _traces = [];
    private readonly HashSet<SeenFailure> _matched = new(ReferenceEqualityComparer.Instance);

    /// <summary>Adds causes.</summary>
    public void Know(IEnumerable<string> ids) => _ids.UnionWith(ids);

    /// <summary>Adds the cause of a dead letter.</summary>
    /// <param name="cause">The cause.</param>
    /// <param name="trace">The stack trace; null if there is none.</param>
    public void Know(Cause cause, string? trace)
    {
        _ids.Add(cause.Id);
        See(cause, trace);
    }

    /// <summary>Notes the stack trace of a dead letter, if its cause is known.</summary>
    /// <param name="cause">The cause.</param>
    /// <param name="trace">The stack trace; null if there is none.</param>
    public void See(Cause cause, string? trace)
    {
        if (trace is not null && _traces.Count < MostTraces && _ids.Contains(cause.Id))
            _traces.Add((cause.ExceptionType, cause.Text, trace));
    }

    /// <summary>Whether the cause of a failure is known.</summary>
    public bool Contains(SeenFailure failure)
    {
        if (_ids.Contains(failure.Cause.Id) || _matched.Contains(failure))
            return true;
        if (failure.StackTrace is not { } trace || !_traces.Any(known => known.ExceptionType == failure.Cause.ExceptionType && known.Text == failure.Cause.Text && StackFrames.AreOneWithFramesLeftOut(known.Trace, trace)))
            return false;
        return _matched.Add(failure);
    }
}
