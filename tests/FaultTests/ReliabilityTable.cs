using System.Globalization;
using WorkinIt.Dev;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>Prints each run and, in the long form, writes the table in docs/reliability.md, one section for each broker version.</summary>
public sealed class ReliabilityTable : IDisposable
{
    private readonly Dictionary<bool, List<string>> _rows = new() { [false] = [], [true] = [] };
    private string? _broker;

    /// <param name="fault">What broke.</param>
    /// <param name="tally">The counts.</param>
    /// <param name="took">Duration of the run.</param>
    /// <param name="broker">The broker it ran on.</param>
    /// <param name="silences">The longest gap between two acceptances and between two mails, for the cluster's table; null for a single broker.</param>
    internal async Task AddAsync(string fault, Tally tally, TimeSpan took, TestBroker broker, (TimeSpan Accepted, TimeSpan Mailed)? silences = null)
    {
        var silent = silences is var (accepted, mailed) ? string.Create(CultureInfo.InvariantCulture, $"{accepted.TotalSeconds:0.0} | {mailed.TotalSeconds:0.0} | ") : "";
        TestContext.Current.SendDiagnosticMessage("{0}: {1}", fault, tally);
        TestContext.Current.TestOutputHelper?.WriteLine($"{fault}: {tally}");
        await Console.Out.WriteLineAsync($"  {fault}: {tally}{(silences is { } s ? string.Create(CultureInfo.InvariantCulture, $"; longest gap between acceptances {s.Accepted.TotalSeconds:0.0} s, between mails {s.Mailed.TotalSeconds:0.0} s") : "")}");
        _broker ??= await broker.VersionAsync();
        _rows[silences is not null].Add(string.Create(CultureInfo.InvariantCulture,
            $"| {fault} | {tally.Accepted} | {tally.MailedOnce} | {tally.MailedTwice} | {tally.Held} | {tally.DeadLettered} | {tally.Lost} | {silent}{took.TotalSeconds:0} |"));
    }

    public void Dispose()
    {
        if (!Scale.IsLong || _broker is null)
            return;
        Write($"RabbitMQ {_broker}", "seconds", _rows[false]);
        Write($"a cluster of three, RabbitMQ {_broker}", "longest gap between acceptances, s | longest gap between mails, s | seconds", _rows[true]);
    }

    private static void Write(string on, string lastColumns, List<string> newRows)
    {
        if (newRows.Count == 0)
            return;
        var file = Path.Combine(Repository.Root, "docs", "reliability.md");
        var (begin, end) = ($"<!-- {on} -->\n", $"<!-- end of {on} -->\n");
        var text = File.ReadAllText(file);
        var from = text.IndexOf(begin, StringComparison.Ordinal);
        var to = from < 0 ? -1 : text.IndexOf(end, from, StringComparison.Ordinal) + end.Length;

        // A partial run keeps the rows of the other tests.
        var rows = from < 0 ? [] : text[from..to].Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToList();
        foreach (var row in newRows)
        {
            var same = rows.FindIndex(old => Fault(old) == Fault(row));
            if (same < 0)
                rows.Add(row);
            else
                rows[same] = row;
        }
        var columns = $"| fault | accepted | mailed once | mailed twice | held | dead-lettered | lost | {lastColumns} |";
        var heading = $"{columns}\n{string.Concat(columns.Where(character => character == '|').Skip(1).Select(_ => "|---"))}|\n";
        var section = $"{begin}### On {on}\n\nMeasured on {DateTime.UtcNow:yyyy-MM-dd}, {Environment.ProcessorCount} cores shared by all processes.\n\n{heading}{string.Join('\n', rows)}\n{end}";
        File.WriteAllText(file, from < 0 ? text.TrimEnd('\n') + "\n\n" + section : text[..from] + section + text[to..]);
    }

    private static string Fault(string row) => row.Split('|')[1].Trim();
}
