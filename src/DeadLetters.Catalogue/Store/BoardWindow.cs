namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>The time that a histogram shows, and its steps. Unix milliseconds.</summary>
/// <param name="From">The beginning: a multiple of the step.</param>
/// <param name="Step">The width of a step.</param>
/// <param name="Count">The number of steps; the last one contains the present.</param>
internal readonly record struct BoardWindow(long From, long Step, int Count)
{
    private const int Most = 400; // steps, whatever span a caller asks for

    public static BoardWindow Of(TimeSpan span, DateTimeOffset now)
    {
        var step = span <= TimeSpan.FromHours(1) ? TimeSpan.FromMinutes(1) : span <= TimeSpan.FromDays(1) ? TimeSpan.FromMinutes(15) : TimeSpan.FromHours(2);
        var width = (long)step.TotalMilliseconds;
        var count = (int)Math.Clamp(Math.Ceiling(span / step), 1, Most);
        return new BoardWindow(((now.ToUnixTimeMilliseconds() / width) - count + 1) * width, width, count);
    }
}
