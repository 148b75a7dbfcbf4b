using System.CommandLine;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Doctor;

/// <summary><c>workinit doctor</c> · <c>workinit doctor --queue orders --json</c></summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var queue = new Option<string?>("--queue", "-q") { Description = "Only what concerns this queue and its dead-letter queues", HelpName = "QUEUE" };
        var command = new Command("doctor", """
            Checks the virtual host for settings that lose messages, stop consumers or spoil a replay. Each finding has its remedy, and the versions of
            RabbitMQ on which the behavior was seen. Reads the management API only: it changes nothing, and touches no queue.

            Settings: as of "workinit dead-letters". Exit codes: 0 no finding; 1 findings; 2 wrong usage, or no such queue; 3 broker unreachable.

            Examples:
              workinit doctor
              workinit doctor --queue orders --json
            """)
        { queue, common.Json };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var diagnosis = await context.Broker.DiagnoseAsync(parsed.GetValue(queue), cancellationToken);
            if (context.Json)
                CommandContext.WriteJson(new { context.Options.VirtualHost, diagnosis.Broker, diagnosis.Findings, diagnosis.Unchecked });
            else
                Write(context.Options.VirtualHost, diagnosis);
            return diagnosis.Findings.Count == 0 ? ExitCode.Done : ExitCode.Incomplete;
        }));
        return command;
    }

    private static void Write(string virtualHost, Diagnosis diagnosis)
    {
        if (diagnosis.Findings.Count == 0)
            CommandContext.Print($"Nothing found in {virtualHost} (RabbitMQ {diagnosis.Broker}).");
        foreach (var group in diagnosis.Findings.GroupBy(finding => (finding.Severity, finding.Rule, finding.Why, finding.Remedy, finding.Seen)))
        {
            foreach (var finding in group)
                CommandContext.Print($"{Word(finding.Severity)}: {finding.What}.");
            CommandContext.Print($"  {group.Key.Why}.");
            CommandContext.Print($"  Remedy: {group.Key.Remedy}.");
            CommandContext.Print($"  Rule {group.Key.Rule}; seen on RabbitMQ {group.Key.Seen}.");
            CommandContext.Print("");
        }
        foreach (var one in diagnosis.Unchecked)
            CommandContext.Print($"Not checked: {one.Rule}. {one.Why}.");
    }

    private static string Word(FindingSeverity severity) => severity switch
    {
        FindingSeverity.Loss => "Loss",
        FindingSeverity.Warning => "Warning",
        _ => "Advice",
    };
}
