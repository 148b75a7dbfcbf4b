using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.Cli;

/// <summary>
/// Shows an operation of this command on the pages, from which users can cancel it. A database that fails changes nothing about the operation itself.
/// Without a catalogue, nothing is shown there.
/// </summary>
internal static class SharedOperations
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    /// <summary>Runs an operation, with its progress on standard error and on the pages.</summary>
    /// <typeparam name="T">The result.</typeparam>
    /// <param name="context">The command.</param>
    /// <param name="title">What it does, without personal data.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="verb">What the progress on standard error calls it.</param>
    /// <param name="run">The operation.</param>
    /// <param name="describe">Returns the result in one line.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static Task<T> RunAsync<T>(
        CommandContext context, string title, string queue, string verb, Func<IProgress<OperationProgress>, CancellationToken, Task<T>> run, Func<T, string> describe, CancellationToken cancellationToken) =>
        RunAsync(context, title, queue, (share, token) => Progress.ShowAsync(context, verb, progress => run(share(progress), token)), describe, cancellationToken);

    /// <summary>Runs an operation that displays its progress itself.</summary>
    /// <typeparam name="T">The result.</typeparam>
    /// <param name="context">The command.</param>
    /// <param name="title">What it does, without personal data.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="run">The operation. It reports its progress to what the given function makes of its display.</param>
    /// <param name="describe">Returns the result in one line.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    [SuppressMessage("Reliability", "CA2025", Justification = "The reporting task is awaited before the sources are disposed")]
    public static async Task<T> RunAsync<T>(
        CommandContext context, string title, string queue, Func<Func<IProgress<OperationProgress>, IProgress<OperationProgress>>, CancellationToken, Task<T>> run, Func<T, string> describe,
        CancellationToken cancellationToken)
    {
        if (await BeginAsync(context, title, queue) is not { } shared)
            return await run(progress => progress, cancellationToken);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var ended = new CancellationTokenSource();
        var reporting = shared.ReportAsync(cancel, ended.Token);
        string? problem = "It failed";
        try
        {
            var result = await run(shared.With, cancel.Token);
            (shared.Result, problem) = (describe(result), null);
            return result;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            problem = "It was cancelled. Messages that were not moved are where they were";
            throw new DeadLetterException(DeadLetterProblem.Refused, "Cancelled on a page: nothing was changed");
        }
        catch (Exception e)
        {
            problem = e is DeadLetterException ? e.Message : e is OperationCanceledException ? "It was cancelled. Messages that were not moved are where they were" : $"It failed ({e.GetType().Name})";
            throw;
        }
        finally
        {
            await ended.CancelAsync();
            await reporting;
            await shared.EndAsync(problem);
        }
    }

    /// <summary>The result of a move in one line.</summary>
    public static string Summary(OperationResult result) =>
        string.Create(CultureInfo.InvariantCulture, $"{result.Done:N0} of {result.Selected:N0} moved{(result.Stopped is { } stopped ? $". {stopped}" : "")}");

    private static async Task<Shared?> BeginAsync(CommandContext context, string title, string queue)
    {
        var id = System.Security.Cryptography.RandomNumberGenerator.GetHexString(32, lowercase: true);
        var operation = new SharedOperation { Id = id, Queue = queue, Title = title, By = context.By, IsDryRun = false, StartedAt = DateTimeOffset.UtcNow };
        try
        {
            if (await context.Audit.OperationsAsync() is not { } log)
                return null;
            await log.BeginAsync(operation, request: null, CancellationToken.None);
            return new Shared(log, id);
        }
        catch (Exception e) when (IsOfTheDatabase(e))
        {
            await Terminal.ErrorAsync($"The pages can't show this operation: {e.Message}");
            return null;
        }
    }

    private static bool IsOfTheDatabase(Exception e) => e is DbException or CatalogueUnavailableException;

    private sealed class Shared(OperationLog log, string id) : IProgress<OperationProgress>
    {
        private volatile OperationProgress _now = new(0, 0, 0, 0, 0, false);
        private IProgress<OperationProgress>? _shown;

        public string? Result { get; set; }

        public Shared With(IProgress<OperationProgress> shown)
        {
            _shown = shown;
            return this;
        }

        public void Report(OperationProgress value)
        {
            _now = value;
            _shown?.Report(value);
        }

        /// <summary>Reports the progress until the operation has ended, and cancels it if a user of a page wants that.</summary>
        public async Task ReportAsync(CancellationTokenSource cancel, CancellationToken ended)
        {
            while (true)
            {
                await Task.Delay(_interval, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (ended.IsCancellationRequested)
                    return;
                try
                {
                    if (await log.ReportAsync(id, _now, CancellationToken.None) && !cancel.IsCancellationRequested)
                    {
                        await Terminal.ErrorAsync("Cancelled on a page.");
                        await cancel.CancelAsync();
                    }
                }
                catch (DbException)
                {
                    // The pages show it again when the database is back. The audit log has its end in any case.
                }
            }
        }

        public async Task EndAsync(string? problem)
        {
            try
            {
                await log.EndAsync(id, _now, Result, problem, CancellationToken.None);
            }
            catch (DbException e)
            {
                await Terminal.ErrorAsync($"The pages can't show the end of this operation: {e.Message}. It is in the audit log.");
            }
        }
    }
}
