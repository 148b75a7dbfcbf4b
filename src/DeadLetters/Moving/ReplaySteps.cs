namespace WorkinIt.DeadLetters;

/// <summary>
/// The steps of a replay: how many messages each one moves. They grow by 4 or 5, so that a cause that is not fixed spoils few messages, and a good
/// replay of 100,000 waits fewer than 30 times.
/// </summary>
internal sealed class ReplaySteps
{
    /// <summary>So few messages are moved at once: steps would save none.</summary>
    public const int AtOnce = 5;

    /// <summary>No step is larger.</summary>
    public const long Largest = 5000;

    private static readonly long[] _sizes = [1, 5, 20, 100, 400, 2000];

    /// <summary>The number of the current step, from 1.</summary>
    public int Number { get; private set; } = 1;

    /// <summary>How many messages the current step moves at most.</summary>
    public long Size => SizeOf(Number);

    /// <summary>Begins the next step.</summary>
    public void Next() => Number++;

    /// <summary>Begins again with the smallest step: what was changed during a pause is tried with one message.</summary>
    public void Restart() => Number = 1;

    /// <summary>The sizes of all steps of a replay.</summary>
    /// <param name="messages">How many messages it moves.</param>
    /// <param name="atOnce">Whether it has no steps.</param>
    /// <param name="hasCanary">Whether a canary is moved first.</param>
    public static IReadOnlyList<long> Of(long messages, bool atOnce, bool hasCanary = false)
    {
        if (messages <= 0)
            return [];
        if (messages == 1 || (!hasCanary && (atOnce || messages <= AtOnce)))
            return [messages];
        if (atOnce)
            return [1, messages - 1];
        var steps = new List<long>();
        for (var left = messages; left > 0; left -= steps[^1])
            steps.Add(Math.Min(left, SizeOf(steps.Count + 1)));
        return steps;
    }

    /// <summary>Whether a replay has steps.</summary>
    /// <param name="request">The replay.</param>
    /// <param name="ready">How many messages are in the queue.</param>
    public static bool Has(ReplayRequest request, long ready) =>
        !request.AllAtOnce && request.Wait > TimeSpan.Zero && Math.Min(ready, request.Expected ?? request.Filter.Ids?.Count ?? long.MaxValue) > AtOnce;

    private static long SizeOf(int number) => number <= _sizes.Length ? _sizes[number - 1] : Largest;
}
