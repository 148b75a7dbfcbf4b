using System.Collections.Concurrent;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Receives the reports about this client's operations, from before an operation's first message is moved until nobody asks any more. It never fails an
/// operation: without the rights, the operation says so. A lost connection is opened again; reports from that time may be missing, and
/// <see cref="ReplayReports.IsComplete"/> says so.
/// </summary>
/// <param name="options">The broker.</param>
internal sealed class ReportInbox(DeadLetterOptions options) : IDisposable
{
    private const int MostTexts = 1000;
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, ReplayReports> _joined = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _texts = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly SemaphoreSlim _catchingUp = new(1, 1);
    private bool _isDisposed;
    private ReportLink? _link;

    /// <summary>Starts to receive the reports about an operation. When this returns, none is missed.</summary>
    /// <param name="operation">The operation's id.</param>
    /// <param name="issued">How many replay ids the operation has given out.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public async Task<ReplayReports> JoinAsync(string operation, Func<long> issued, CancellationToken cancellationToken)
    {
        var reports = new ReplayReports(operation, issued, LeaveAsync) { CatchUp = CatchUpAsync };
        await _turn.WaitAsync(cancellationToken);
        try
        {
            _joined[operation] = reports;
            if (_link is { IsOpen: true } link)
                await link.BindAsync(operation, cancellationToken);
            else
                await OpenAsync(cancellationToken);
        }
        catch (DeadLetterException e)
        {
            reports.Problem = ReportExchange.ProblemOf(e, options.Username);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException)
        {
            reports.Problem = $"What the application reports can’t be received: {e.Message}";
        }
        finally
        {
            _turn.Release();
        }
        return reports;
    }

    // Whether all reports that have arrived so far were read. If some were dropped, all operations say so.
    private async Task<bool> CatchUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _catchingUp.WaitAsync(cancellationToken);
            try
            {
                if (_link is not { IsOpen: true } link)
                    return false;
                var (areRead, areDropped) = await link.CatchUpAsync(cancellationToken);
                if (areDropped)
                    InterruptAll();
                return areRead;
            }
            finally
            {
                _catchingUp.Release();
            }
        }
        catch (Exception e) when (e is DeadLetterException or RabbitMQClientException or IOException or TimeoutException or OperationCanceledException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Ends without waiting for the broker.</summary>
    public void Dispose()
    {
        if (_isDisposed) // a client may be registered as a service twice
            return;
        _isDisposed = true;
        _ending.Cancel();
        _joined.Clear();
        if (_link is { } link)
            _ = link.CloseAsync();
        _ending.Dispose();
        _turn.Dispose();
        _catchingUp.Dispose();
    }

    private async Task LeaveAsync(ReplayReports reports)
    {
        if (!_joined.TryRemove(new(reports.Operation, reports)))
            return;
        await _turn.WaitAsync();
        try
        {
            if (_link is not { } link)
                return;
            if (_joined.IsEmpty)
            {
                _link = null;
                await link.CloseAsync();
            }
            else if (link.IsOpen)
            {
                await link.UnbindAsync(reports.Operation);
            }
        }
        catch (Exception e) when (e is DeadLetterException or RabbitMQClientException or IOException or TimeoutException)
        {
            // The queue ends with its connection, and a report about an operation that has left is dropped.
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task OpenAsync(CancellationToken cancellationToken) =>
        _link = await ReportLink.OpenAsync(options, _joined.Keys, Receive, Lost, cancellationToken);

    private void Receive(ReplayReport report)
    {
        if (ReportReader.TryParseId(report.ReplayId, out var operation, out _) && _joined.TryGetValue(operation, out var reports))
            reports.See(Compact(report));
    }

    // The same few names occur in all reports.
    private ReplayReport Compact(ReplayReport report) => report with
    {
        Queue = Shared(report.Queue)!,
        Consumer = Shared(report.Consumer),
        Host = Shared(report.Host),
        Application = Shared(report.Application),
        Version = Shared(report.Version),
        ExceptionType = Shared(report.ExceptionType),
    };

    private string? Shared(string? text) => text is null || _texts.Count >= MostTexts ? text : _texts.GetOrAdd(text, text);

    private void Lost(ReportLink link)
    {
        InterruptAll();
        _ = ReopenAsync(link);
    }

    private void InterruptAll()
    {
        foreach (var reports in _joined.Values)
            reports.Interrupt();
    }

    private async Task ReopenAsync(ReportLink lost)
    {
        try
        {
            while (!_joined.IsEmpty)
            {
                await Task.Delay(_pause, _ending.Token);
                await _turn.WaitAsync(_ending.Token);
                try
                {
                    if (_link == lost && !_joined.IsEmpty)
                        await OpenAsync(_ending.Token);
                    return;
                }
                catch (Exception e) when (e is DeadLetterException or RabbitMQClientException or IOException or TimeoutException)
                {
                    // The broker is still away.
                }
                finally
                {
                    _turn.Release();
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The client was disposed.
        }
    }
}
