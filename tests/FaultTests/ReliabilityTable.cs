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
        var section = $"{begin}### On RabbitMQ {_broker}\n\nMeasured on {DateTime.UtcNow:yyyy-MM-dd}, {Environment.ProcessorCount} cores for everything together.\n\n{Heading}{string.Join('\n', _rows)}\n{end}";
        var text = File.ReadAllText(file);
        var from = text.IndexOf(begin, StringComparison.Ordinal);
        File.WriteAllText(file, from < 0
            ? text.TrimEnd('\n') + "\n\n" + section
            : text[..from] + section + text[(text.IndexOf(end, StringComparison.Ordinal) + end.Length)..]);
    }
}
