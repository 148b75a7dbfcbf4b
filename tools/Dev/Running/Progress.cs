using System.Diagnostics;

namespace WorkinIt.Dev.Running;

/// <summary>Work that takes place side by side, with a line for each part that takes long.</summary>
internal static class Progress
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(20);

    /// <summary>Waits for work, and prints every 20 s that it goes on.</summary>
    /// <param name="what">What it does, such as "starting the broker".</param>
    /// <param name="work">The work.</param>
    public static async Task ShowAsync(string what, Task work)
    {
        var clock = Stopwatch.StartNew();
        while (await Task.WhenAny(work, Task.Delay(_pause)) != work)
            Output.Say($"… still {what}, {clock.Elapsed.TotalSeconds:0} s");
        await work;
    }

    /// <summary>Runs parts side by side. The first failure cancels the others; it is thrown when all of them have ended.</summary>
    public static async Task TogetherAsync(CancellationToken cancellation, params IEnumerable<Func<CancellationToken, Task>> parts)
    {
        using var failure = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Exception? first = null;
        await Task.WhenAll(parts.Select(GuardAsync));
        if (first is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);

        async Task GuardAsync(Func<CancellationToken, Task> part)
        {
            try
            {
                await part(failure.Token);
            }
#pragma warning disable CA1031 // rethrown above, whatever it is
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (Interlocked.CompareExchange(ref first, e, null) is null)
                    await failure.CancelAsync();
            }
        }
    }
}
