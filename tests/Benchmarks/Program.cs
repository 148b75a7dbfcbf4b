using System.Diagnostics;
using System.Globalization;
using WorkinIt.Benchmarks;

// Those whose figures stand in docs/performance.md, in the order of its table.
(string Name, Func<Task<int>> Run)[] benchmarks =
[
    ("accept", Accept.RunAsync),
    ("relay", Relay.RunAsync),
    ("consume", Consume.RunAsync),
    ("mail", Mails.RunAsync),
    ("large-mail", Mails.RunLargeAsync),
    ("processes", Processes.RunAsync),
    ("replay", () => Replay.RunAsync(10_000, "classic")),
    ("start", Start.RunAsync),
    ("memory", Memory.RunAsync),
];
(string Name, Func<Task<int>> Run)[] longOnes =
[
    ("backlog", Backlog.RunAsync),
    ("rows", Rows.RunAsync),
];

return args switch
{
    [] => await AllAsync(benchmarks),
    ["--long"] => await AllAsync(longOnes),
    ["host", var kind] => await ConsumersHost.RunAsync(kind),
    ["answer"] => await AnswerAndMail.RunAsync(),
    ["replay", "classic" or "quorum"] => await Replay.RunAsync(100_000, args[1]),
    ["replay", "classic" or "quorum", var count] when int.TryParse(count, out var number) && number > 0 => await Replay.RunAsync(number, args[1]),
    ["pages"] => await OpenPages.RunAsync(1000),
    ["pages", var count] when int.TryParse(count, out var number) && number > 0 => await OpenPages.RunAsync(number),
    [var name] when benchmarks.Concat(longOnes).FirstOrDefault(benchmark => benchmark.Name == name) is { Run: { } run } => await run(),
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
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"All of it took {clock.Elapsed.TotalMinutes:0.0} min; docs/performance.md has the figures."));
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("There is no such benchmark. ./bench --help names them.");
    return 2;
}
