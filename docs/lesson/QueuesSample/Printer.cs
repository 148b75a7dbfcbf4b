namespace QueuesSample;

/// <summary>What takes its time.</summary>
internal interface IPrinter
{
    /// <summary>Prints a line.</summary>
    /// <param name="line">The line.</param>
    Task PrintAsync(string line);
}

internal sealed class ConsolePrinter : IPrinter
{
    private static readonly TimeSpan _work = TimeSpan.FromSeconds(1);

    public async Task PrintAsync(string line)
    {
        await Task.Delay(_work);
        await Console.Out.WriteLineAsync(line);
    }
}
