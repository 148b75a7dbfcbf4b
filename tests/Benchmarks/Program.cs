using System.Diagnostics;
using System.Globalization;
using WorkinIt.Benchmarks;
using WorkinIt.Benchmarks.Beside;
using WorkinIt.Dev.Benchmarks;

// The benchmarks whose figures are in docs/performance.md, in the order of its table.
(string Name, Func<Task<int>> Run)[] benchmarks =
[
    ("accept", Accept.RunAsync),
    ("relay", Relay.RunAsync),
    ("consume", Consume.RunAsync),
    ("reports", () => Reports.RunAsync(Reports.Measured)),
    ("mail", Mails.RunAsync),
    ("large-mail", Mails.RunLargeAsync),
    ("processes", Processes.RunAsync),
    ("replay", () => Replay.RunAsync(10_000, "classic")),
    ("start", Start.RunAsync),
    ("memory", Memory.RunAsync),
];
(string Name, Func<Task<int>> Run)[] longBenchmarks =
[
    ("backlog", Backlog.RunAsync),
    ("rows", Rows.RunAsync),
    ("board", () => BoardPages.RunAsync(BoardPages.Measured)),
];

return args switch
{
    [] => await AllAsync(benchmarks),
    ["--long"] => await AllAsync(longBenchmarks),
    ["host", var kind] => await ConsumersHost.RunAsync(kind),
    ["answer"] => await AnswerAndMail.RunAsync(),
    ["replay", "classic" or "quorum"] => await Replay.RunAsync(100_000, args[1]),
    ["replay", "classic" or "quorum", var count] when int.TryParse(count, out var number) && number > 0 => await Replay.RunAsync(number, args[1]),
    ["reports", var count] when int.TryParse(count, out var number) && number > 0 => await Reports.RunAsync(number),
    ["board", var count] when int.TryParse(count, out var number) && number > 0 => await BoardPages.RunAsync(number),
    ["feed"] => await FeedCost.RunAsync(2_000),
    ["feed", var count] when int.TryParse(count, out var number) && number > 0 => await FeedCost.RunAsync(number),
    ["consume", var address] => await FeedCost.ConsumeAsync(new Uri(address)),
    ["beside", var rounds, .. var rows] when int.TryParse(rounds, out var number) && number > 0 => await BesideRun.RunAsync(number, BesideRow.Choose(rows)),
    ["pages"] => await OpenPages.RunAsync(1000),
    ["pages", var count] when int.TryParse(count, out var number) && number > 0 => await OpenPages.RunAsync(number),
    [var name] when benchmarks.Concat(longBenchmarks).FirstOrDefault(benchmark => benchmark.Name == name) is { Run: { } run } => await run(),
    _ => Usage(),
};

static async Task<int> AllAsync((string Name, Func<Task<int>> Run)[] benchmarks)
{
    var clock = Stopwatch.StartNew();
    for (var number = 0; number < benchmarks.Length; number++)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"── {benchmarks[number].Name} ({number + 1} of {benchmarks.Length}, after {clock.Elapsed.TotalMinutes:0.0} min)"));
        if (await benchmarks[number].Run() is not 0 and var code)
            return code;
    }
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Total time: {clock.Elapsed.TotalMinutes:0.0} min. The figures are in docs/performance.md."));
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("Unknown benchmark. Run ./bench --help for a list.");
    return 2;
}
