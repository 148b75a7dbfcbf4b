using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>What a broker answered to a page that asks all of them.</summary>
/// <typeparam name="T">The answer.</typeparam>
/// <param name="Source">The source.</param>
/// <param name="Answer">The answer; null if there is none.</param>
/// <param name="Problem">Why there is no answer.</param>
internal sealed record SourceAnswer<T>(DeadLetterSource Source, T? Answer, string? Problem);

/// <summary>Asks all brokers at once, so that one that is away delays no page and hides no other one.</summary>
internal static class SourceAnswers
{
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(5); // of several; a single one is waited for

    /// <summary>Asks the source of the page's address, or all.</summary>
    /// <exception cref="DeadLetterException">There is one source, and it does not answer.</exception>
    public static async Task<IReadOnlyList<SourceAnswer<T>>> AskAsync<T>(PageContext page, Func<DeadLetterSource, Task<T>> ask)
        where T : class
    {
        if (page.IsOfSource || page.Sources.Count == 1)
            return [new SourceAnswer<T>(page.Here, await ask(page.Here), null)];
        return await Task.WhenAll(page.Sources.Select(source => TryAsync(page, source, ask)));
    }

    private static async Task<SourceAnswer<T>> TryAsync<T>(PageContext page, DeadLetterSource source, Func<DeadLetterSource, Task<T>> ask)
        where T : class
    {
        try
        {
            return new SourceAnswer<T>(source, await ask(source).WaitAsync(_longestWait, page.Time, page.Aborted), null);
        }
        catch (DeadLetterException e)
        {
            return new SourceAnswer<T>(source, null, e.Message);
        }
        catch (TimeoutException)
        {
            return new SourceAnswer<T>(source, null, $"the broker did not answer within {_longestWait.TotalSeconds} s");
        }
    }
}
