using System.Globalization;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>Prints each run and, in the long form, writes the table in docs/reliability.md, one section for each broker version.</summary>
public sealed class ReliabilityTable : IDisposable
{
    private const string Heading = "| fault | accepted | mailed once | mailed twice | held | dead-lettered | lost | seconds |\n|---|---|---|---|---|---|---|---|\n";

    private readonly List<string> _rows = [];
    private string? _broker;

    internal async Task AddAsync(string fault, Tally tally, TimeSpan took, TestBroker broker)
    {
        TestContext.Current.SendDiagnosticMessage("{0}: {1}", fault, tally);
        TestContext.Current.TestOutputHelper?.WriteLine($"{fault}: {tally}");
        await Console.Out.WriteLineAsync($"  {fault}: {tally}");
        _broker ??= await broker.VersionAsync();
        _rows.Add(string.Create(CultureInfo.InvariantCulture,
            $"| {fault} | {tally.Accepted} | {tally.MailedOnce} | {tally.MailedTwice} | {tally.Held} | {tally.DeadLettered} | {tally.Lost} | {took.TotalSeconds:0} |"));
    }

    public void Dispose()
    {
        if (!Scale.IsLong || _broker is null)
            return;
        var file = Path.Combine(Repository.Root, "docs", "reliability.md");
        var (begin, end) = ($"<!-- RabbitMQ {_broker} -->\n", $"<!-- end of RabbitMQ {_broker} -->\n");
        var text = File.ReadAllText(file);
        var from = text.IndexOf(begin, StringComparison.Ordinal);
        var to = from < 0 ? -1 : text.IndexOf(end, from, StringComparison.Ordinal) + end.Length;

        // A run of some of the tests leaves the rows of the others as they are.
        var rows = from < 0 ? [] : text[from..to].Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToList();
        foreach (var row in _rows)
        {
            var same = rows.FindIndex(old => Fault(old) == Fault(row));
            if (same < 0)
                rows.Add(row);
            else
                rows[same] = row;
        }
        var section = $"{begin}### On RabbitMQ {_broker}\n\nMeasured on {DateTime.UtcNow:yyyy-MM-dd}, {Environment.ProcessorCount} cores for everything together.\n\n{Heading}{string.Join('\n', rows)}\n{end}";
        File.WriteAllText(file, from < 0 ? text.TrimEnd('\n') + "\n\n" + section : text[..from] + section + text[to..]);
    }

    private static string Fault(string row) => row.Split('|')[1].Trim();
}
