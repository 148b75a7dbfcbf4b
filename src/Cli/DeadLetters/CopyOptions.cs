using System.CommandLine;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters replay --where id=… --copy --to sandbox-orders --to-vhost sandbox</c></summary>
internal sealed class CopyOptions
{
    private readonly Option<bool> _copy = new("--copy") { Description = "Publish copies to the queue of --to, and leave the dead letters where they are" };
    private readonly Option<string?> _virtualHost = new("--to-vhost") { Description = "With --copy: the virtual host of that queue (default: the same one)", HelpName = "VHOST" };
    private readonly Option<string?> _broker = new("--to-broker") { Description = "With --copy: the broker of that queue, by the name of its setting ConnectionStrings__NAME (default: the same one)", HelpName = "NAME" };

    private CopyOptions()
    {
    }

    /// <summary>Adds the options to the command.</summary>
    public static CopyOptions AddTo(Command command)
    {
        var options = new CopyOptions();
        command.Add(options._copy);
        command.Add(options._virtualHost);
        command.Add(options._broker);
        return options;
    }

    /// <summary>The copy that the command line asks for; null if it asks for a replay.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="replay">Its selection.</param>
    /// <param name="others">The options that a copy has no use for.</param>
    /// <exception cref="WrongUsageException">Options do not fit together, or the setting is missing.</exception>
    public CopyRequest? Request(ParseResult parsed, ReplayRequest replay, params IEnumerable<Option> others)
    {
        if (!parsed.GetValue(_copy))
        {
            return parsed.GetValue(_virtualHost) is null && parsed.GetValue(_broker) is null ? null
                : throw new WrongUsageException("--to-vhost and --to-broker need --copy: a replay stays in its virtual host");
        }
        if (others.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } other)
            throw new WrongUsageException($"{other.Name} and --copy can't be combined: the outcomes of copies are not followed");
        return new CopyRequest
        {
            Queue = replay.Queue,
            Filter = replay.Filter,
            By = replay.By,
            To = replay.To ?? throw new WrongUsageException("--copy needs the queue for the copies: --to QUEUE"),
            VirtualHost = parsed.GetValue(_virtualHost),
            Broker = parsed.GetValue(_broker) is { } name ? Read(name) : null,
            WithoutResponse = replay.WithoutResponse,
        };
    }

    /// <summary>Makes a dry run, asks for confirmation, and copies.</summary>
    public static async Task<int> RunAsync(CommandContext context, CopyRequest request, bool dryRun, bool yes, CancellationToken cancellationToken)
    {
        await context.ConfirmAccessAsync(request.Queue, yes, cancellationToken);
        var where = $"{request.To}{(request.VirtualHost is { } virtualHost ? $" in virtual host {virtualHost}" : "")}{(request.Broker is { } broker ? $" on {string.Join(", ", broker.Endpoints.Select(node => node.HostName))}" : "")}";
        if (dryRun || !yes)
        {
            var plan = await Progress.ShowAsync(context, "Checking", progress => context.Broker.PlanCopyAsync(request, progress, cancellationToken));
            if (dryRun && context.Json)
                CommandContext.WriteJson(new { dryRun = true, plan.Queue, request.To, request.VirtualHost, plan.Selected, wouldBeCopied = plan.Done, plan.Refused, copies = plan.Replayed.Select(JsonOf) });
            else if (plan.Held == 0)
                throw new NothingThereException($"{plan.Queue} is empty");
            else
                WritePlan(dryRun ? context.Out : context.Err, plan, where);
            if (dryRun || plan.Done == 0)
                return plan.Held == 0 || (plan.Refused.Count == 0 && plan.Selected > 0) ? ExitCode.Done : ExitCode.Incomplete;
            if (!context.Confirm($"A copy is a message like any other: a consumer of {request.To} does its work, such as a mail or a payment. Copy {ListCommand.Number(plan.Done)} to {where}?", yes))
                return ExitCode.Incomplete;
            request = request with { Expected = plan.Selected };
        }
        var result = await Progress.ShowAsync(context, "Copying", progress => context.Broker.CopyAsync(request, progress, cancellationToken));
        if (context.Json)
            CommandContext.WriteJson(new { result.Id, result.Queue, request.To, request.VirtualHost, result.Selected, copied = result.Done, result.Refused, result.Stopped, result.Doubts, result.Missing, copies = result.Replayed.Select(JsonOf) });
        else if (result.Held == 0)
            throw new NothingThereException($"{result.Queue} is empty");
        else
            WriteResult(context.Out, result, where);
        return result.Held == 0 || result is { IsComplete: true, Selected: > 0 } ? ExitCode.Done : ExitCode.Incomplete;
    }

    private static object JsonOf(Replayed copy) => new
    {
        copy.Id,
        MessageId = copy.MessageId is { } messageId ? Masking.Named("messageId", messageId) : null,
        copy.ReplayId,
        warning = copy.Verdict.Text,
    };

    private static void WritePlan(IAnsiConsole console, OperationResult plan, string where)
    {
        console.WriteLine(Terminal.Clean($"{ListCommand.Number(plan.Selected)} in {plan.Queue}: {ListCommand.Number(plan.Done)} would be copied to {where}, {ListCommand.Number(plan.Refused.Count)} refused. They stay in {plan.Queue}."));
        ReplayText.WriteReasons(console, plan, "refused");
    }

    private static void WriteResult(IAnsiConsole console, OperationResult result, string where)
    {
        console.WriteLine(Terminal.Clean($"Copy {result.Id}: {ListCommand.Number(result.Done)} of {ListCommand.Number(result.Selected)} copied from {result.Queue} to {where}. The dead letters stay in {result.Queue}."));
        ReplayText.WriteReasons(console, result, "not copied");
        if (result.Stopped is { } stopped)
            console.WriteLine(Terminal.Clean(stopped));
        if (result.Missing > 0)
            console.WriteLine(DiscardCommand.MissingText(result));
        if (result.Selected == 0)
            console.WriteLine("No messages match.");
    }

    // The password is in the environment, not in the arguments: every user of the machine can read a process's command line.
    private static DeadLetterOptions Read(string name)
    {
        var setting = $"ConnectionStrings__{name}";
        var connection = CommandContext.Setting(setting) ?? throw new WrongUsageException($"{setting} is not set: set it to amqp://user:password@host:5672/vhost in the environment");
        try
        {
            return DeadLetterOptions.Parse(connection, new Uri("http://localhost")); // a copy does not use its management API
        }
        catch (FormatException e)
        {
            throw new WrongUsageException($"{setting}: {e.Message}");
        }
    }
}
