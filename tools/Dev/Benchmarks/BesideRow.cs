namespace WorkinIt.Dev.Benchmarks;

/// <summary>A row of <c>./bench --beside</c>: figures that are measured together.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="About">What it measures.</param>
/// <param name="Preparation">About how long the preparation takes, for both builds together.</param>
/// <param name="Round">About how long a round takes, for both builds together.</param>
/// <param name="Figures">Its figures, in the order in which they are measured.</param>
internal sealed record BesideRow(string Name, string About, TimeSpan Preparation, TimeSpan Round, IReadOnlyList<BesideFigure> Figures)
{
    /// <summary>All rows, in the order in which they are measured.</summary>
    public static IReadOnlyList<BesideRow> All { get; } =
    [
        new("start", "from the start of Consumers to the first mail, and from the start of Web to the form", TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(8),
        [
            new("start of Consumers → first mail", "ms", AtMost(0.75)),
            new("CPU time of Consumers until then", "ms"),
            new("start of Web → the form", "ms", AtMost(0.75)),
            new("CPU time of Web until then", "ms"),
        ]),
        new("command", "workinit dead-letters --help, and list of an empty queue", TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(6),
        [
            new("workinit dead-letters --help", "ms", new Target(TargetOf.Value, IsAtMost: true, 200)),
            new("its CPU time", "ms"),
            new("workinit dead-letters list, empty queue", "ms", new Target(TargetOf.Value, IsAtMost: true, 200)),
            new("its CPU time, with list", "ms"),
        ]),
        new("accept", "POST accepted with 32 connections, Consumers stopped", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(12),
        [
            new("POST accepted, 32 connections", "/s", new Target(TargetOf.Ratio, IsAtMost: false, 2)),
            new("CPU time of Web and broker for one POST", "ms"),
        ]),
        new("mail", "from the queue to the mail server, ledger on", TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(22),
        [
            new("queue → mail with a built-in GIF, ledger on", "/s", new Target(TargetOf.Ratio, IsAtMost: false, 1.6)),
            new("CPU time of Consumers and broker for one mail", "ms", AtMost(0.65)),
        ]),
        new("cold", "the first 15 s of Web and Consumers under load, compared with the same minute warm", TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(80),
        [
            new("POST accepted in the first 15 s / warm", "", new Target(TargetOf.Value, IsAtMost: false, 0.8)),
            new("POST accepted in the first 15 s, Consumers running", "/s"),
            new("p99 of the POST when warm, Consumers running", "ms", AtMost(0.4)),
        ]),
        new("memory", "each service's own memory at rest after 20 mails, and its peak in 10 s under load", TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(55),
        [
            new("own memory of Web at rest", "MiB", AtMost(0.7)),
            new("own memory of Consumers at rest", "MiB", AtMost(0.7)),
            new("own memory of Web under load, peak", "MiB", AtMost(0.7)),
            new("own memory of Consumers under load, peak", "MiB", AtMost(0.7)),
        ]),
    ];

    /// <summary>The lines of the help text that describe the rows.</summary>
    public static string Help { get; } = string.Join('\n', All.Select(row => $"  {row.Name,-10} {row.About}"));

    /// <summary>Returns the rows with these names, in the order in which they are measured; all without names.</summary>
    /// <param name="names">Names of rows.</param>
    public static IReadOnlyList<BesideRow> Choose(IReadOnlyCollection<string> names) => [.. All.Where(row => names.Count == 0 || names.Contains(row.Name))];

    private static Target AtMost(double ratio) => new(TargetOf.Ratio, IsAtMost: true, ratio);
}

/// <summary>A figure of a row.</summary>
/// <param name="What">What it is, as in the table.</param>
/// <param name="Unit">Its unit; empty for a ratio.</param>
/// <param name="Target">What it should reach; null if it only explains another figure.</param>
internal sealed record BesideFigure(string What, string Unit, Target? Target = null);
