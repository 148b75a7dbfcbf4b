using System.Globalization;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli;

/// <summary>Shows the progress of an operation on standard error: a bar on a terminal, otherwise a line every few seconds.</summary>
internal static class Progress
{
    private static readonly TimeSpan _lineEvery = TimeSpan.FromSeconds(5);

    public static async Task<T> ShowAsync<T>(CommandContext context, string verb, Func<IProgress<OperationProgress>, Task<T>> operation)
    {
        if (!CommandHost.Current.IsInteractive)
            return await operation(new Lines(verb));
        return await context.Err.Progress().AutoClear(true).HideCompleted(false)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async context => await operation(new Bar(context.AddTask(verb), verb)));
    }

    private static string Text(string verb, OperationProgress now) => now.Waiting
        ? string.Create(CultureInfo.InvariantCulture, $"Waiting for outcomes: {now.Known:N0} of {now.Done:N0} known{Outcomes(now)}")
        : now.Paused is { } pause ? $"Paused: {pause.Text}"
        : now.Blocked is { } blocked ? string.Create(CultureInfo.InvariantCulture, $"RabbitMQ accepts no messages: {blocked}. {now.Done:N0} moved; waiting until the alarm ends")
        : string.Create(CultureInfo.InvariantCulture, $"{verb}: {now.Examined:N0} of {now.Total:N0} examined{Moved(verb, now)}{Outcomes(now)}");

    private static string Moved(string verb, OperationProgress now) => verb switch
    {
        "Checking" or "Exporting" or "Reading" or "Copying" => "", // these move nothing
        "Importing" => string.Create(CultureInfo.InvariantCulture, $", {now.Done:N0} imported, {now.Refused:N0} not imported"),
        _ => string.Create(CultureInfo.InvariantCulture, $", {now.Done:N0} moved, {now.Refused:N0} not moved{(now.Settling ? $"; waiting for the outcomes of step {now.Step}" : "")}"),
    };

    private static string Outcomes(OperationProgress now) => now.Outcomes.ToString() is { Length: > 0 } outcomes ? $" ({outcomes})" : "";

    private sealed class Bar(ProgressTask task, string verb) : IProgress<OperationProgress>
    {
        public void Report(OperationProgress value)
        {
            task.MaxValue = Math.Max(1, value.Waiting ? value.Done : value.Total);
            task.Value = value.Waiting ? value.Known : value.Examined;
            task.Description = Terminal.Cell(Text(verb, value));
        }
    }

    private sealed class Lines(string verb) : IProgress<OperationProgress>
    {
        private DateTimeOffset _next = DateTimeOffset.UtcNow + _lineEvery;
        private string? _blocked;

        public void Report(OperationProgress value)
        {
            if (DateTimeOffset.UtcNow < _next && value.Blocked == _blocked)
                return;
            _blocked = value.Blocked;
            _next = DateTimeOffset.UtcNow + _lineEvery;
            CommandHost.Current.Error.WriteLine(Terminal.Clean(Text(verb, value)));
        }
    }
}
