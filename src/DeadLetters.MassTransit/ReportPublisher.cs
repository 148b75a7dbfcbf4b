using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using MassTransit;
using MassTransit.Logging;
using MassTransit.RabbitMqTransport;
using MassTransit.Transports;

namespace WorkinIt.DeadLetters.Reports;

/// <summary>
/// Publishes the reports of a bus in the background, in their order, so that no message waits for its report. If the broker is away for long, reports
/// are lost; then the console does not know the outcome.
/// </summary>
internal sealed class ReportPublisher : IReportQueue
{
    private const int Capacity = 10_000;
    private const int Batch = 50;
    private const int Tries = 5;

    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _idle = TimeSpan.FromMinutes(1);
    private static readonly ConditionalWeakTable<RabbitMqHostSettings, ReportPublisher> _publishers = [];

    private readonly Channel<Item> _items = Channel.CreateBounded<Item>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly ReportChannel _channel;
    private readonly ILogContext _log;
    private int _isRunning;
    private int _isFull;

    private ReportPublisher(RabbitMqHostSettings host, ILogContext log) => (_channel, _log) = (new ReportChannel(host, log), log);

    /// <summary>The publisher for the broker that a message came from; null if that is not RabbitMQ.</summary>
    /// <param name="message">The message.</param>
    public static ReportPublisher? For(ReceiveContext message) =>
        message.TryGetPayload<ConnectionContext>(out var connection) && connection.TryGetPayload<RabbitMqHostSettings>(out var host)
        && message.TryGetPayload<ReceiveEndpointContext>(out var endpoint)
            ? _publishers.GetValue(host, host => new ReportPublisher(host, endpoint.LogContext.CreateLogContext("WorkinIt.DeadLetters.ReplayReports")))
            : null;

    public void Add(ReplayReport report)
    {
        if (_items.Writer.TryWrite(new Item(report, null)))
            StartIfIdle();
        else if (Interlocked.Exchange(ref _isFull, 1) == 0)
            _log.Warning?.Log("More than {Capacity} reports of replayed messages wait for RabbitMQ: further ones are lost, and the dead-letter console does not know those outcomes", Capacity);
    }

    public async Task FlushAsync(TimeSpan atMost)
    {
        var flushed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_items.Writer.TryWrite(new Item(null, flushed)))
            return;
        StartIfIdle();
        await flushed.Task.WaitAsync(atMost).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void StartIfIdle()
    {
        if (Interlocked.Exchange(ref _isRunning, 1) != 0)
            return;
        using (ExecutionContext.SuppressFlow()) // the reports are not part of the message's trace
            _ = Task.Run(RunAsync);
    }

    private async Task RunAsync()
    {
        do
        {
            while (await HasItemsAsync())
                await PublishAsync(Take());
            await _channel.CloseAsync();
            Volatile.Write(ref _isRunning, 0);
        }
        while (_items.Reader.TryPeek(out _) && Interlocked.Exchange(ref _isRunning, 1) == 0);
    }

    private async Task<bool> HasItemsAsync()
    {
        using var idle = new CancellationTokenSource(_idle);
        try
        {
            return await _items.Reader.WaitToReadAsync(idle.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private List<Item> Take()
    {
        var items = new List<Item>(Batch);
        while (items.Count < Batch && _items.Reader.TryRead(out var item))
            items.Add(item);
        Interlocked.Exchange(ref _isFull, 0);
        return items;
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever happens to a report, the next ones are published")]
    private async Task PublishAsync(List<Item> items)
    {
        var reports = items.Select(item => item.Report).OfType<ReplayReport>().ToList();
        for (var tries = 1; reports.Count > 0; tries++)
        {
            try
            {
                await _channel.PublishAsync(reports);
            }
            catch (Exception e)
            {
                await _channel.CloseAsync();
                if (tries == Tries)
                {
                    _log.Warning?.Log("{Count} reports of replayed messages are lost, and the dead-letter console does not know those outcomes: {Reason}", reports.Count, e.Message);
                    break;
                }
                await Task.Delay(_pause);
            }
        }
        if (items.Exists(item => item.Flushed is not null))
            await _channel.CloseAsync(); // the bus stops
        foreach (var item in items)
            item.Flushed?.TrySetResult();
    }

    private readonly record struct Item(ReplayReport? Report, TaskCompletionSource? Flushed);
}
