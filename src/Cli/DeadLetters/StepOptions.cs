using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>The options of a command that replays in steps.</summary>
internal sealed class StepOptions
{
    private const int MostShown = 7;

    public StepOptions() => PauseAt.Validators.Add(result =>
    {
        if (result.Tokens is [{ Value: var said }] && double.TryParse(said, NumberStyles.Float, CultureInfo.InvariantCulture, out var percent) && percent is <= 0 or > 100)
            result.AddError("--pause-at must be a percentage, more than 0 and at most 100");
    });

    public Option<bool> AllAtOnce { get; } = new("--all-at-once") { Description = "Move all messages without steps and pauses" };

    public Option<string> StepWait { get; } = new("--step-wait")
    {
        Description = "How long a step may go without news before the next one begins",
        DefaultValueFactory = _ => "1m",
        HelpName = "TIME",
    };

    public Option<double> PauseAt { get; } = new("--pause-at")
    {
        Description = "Pause if this percentage of a step fails again (at least 3 messages, or all)",
        DefaultValueFactory = _ => 20,
        HelpName = "PERCENT",
    };

    public Option<OrderField?> InOrderBy { get; } = new("--in-order-by")
    {
        Description = "Move the next message of a key only after the one before was handled: message.PROPERTY, a property of the envelope such as correlationId, or header:NAME",
        HelpName = "FIELD",
        CustomParser = result =>
        {
            try
            {
                return OrderField.Parse(result.Tokens[0].Value);
            }
            catch (FormatException e)
            {
                result.AddError($"--in-order-by: {e.Message}");
                return null;
            }
        },
    };

    /// <summary>Adds the options to a request.</summary>
    public ReplayRequest AddTo(ReplayRequest request, ParseResult parsed) => request with
    {
        AllAtOnce = parsed.GetValue(AllAtOnce),
        StepWait = ReplayCommand.Time(parsed.GetValue(StepWait)!),
        FailureLimit = parsed.GetValue(PauseAt) / 100,
        InOrderBy = parsed.GetValue(InOrderBy) is not null && request.Wait == TimeSpan.Zero ? throw new WrongUsageException("--in-order-by and --wait 0 can't be combined: the order is kept by waiting for outcomes") : parsed.GetValue(InOrderBy),
    };

    /// <summary>Refuses options that a server does not take from its clients.</summary>
    /// <param name="context">The command.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="others">More such options.</param>
    /// <exception cref="WrongUsageException">One of them is on the command line, and a server too.</exception>
    public void CheckServer(CommandContext context, ParseResult parsed, params IEnumerable<Option> others)
    {
        if (context.IsRemote && others.Concat([StepWait, PauseAt]).FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
            throw new WrongUsageException($"{given.Name} and --server can't be combined: the server decides how long it waits, and when it pauses");
    }

    /// <summary>Writes how many messages each step of a dry run would move.</summary>
    public static void WritePlan(IAnsiConsole console, OperationResult plan)
    {
        if (plan.Steps.Count > 1)
            console.WriteLine($"  in {plan.Steps.Count} steps: {string.Join(", ", plan.Steps.Take(MostShown).Select(ListCommand.Number))}{(plan.Steps.Count > MostShown ? ", …" : "")}; it pauses if many fail again (--all-at-once: no steps)");
    }
}
