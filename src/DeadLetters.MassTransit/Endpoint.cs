using System.Runtime.CompilerServices;
using MassTransit;
using MassTransit.Transports;

namespace WorkinIt.DeadLetters.Reports;

/// <summary>A receive endpoint that has taken a replayed message. Until its first one, nothing watches what the endpoint sends.</summary>
internal sealed class Endpoint : IReceiveEndpointObserver
{
    private static readonly TimeSpan _flush = TimeSpan.FromSeconds(2);
    private static readonly ConditionalWeakTable<ReceiveEndpointContext, Endpoint> _known = [];

    private volatile IReportQueue? _reports;

    private Endpoint(ReceiveEndpointContext endpoint)
    {
        Queue = Uri.UnescapeDataString(endpoint.InputAddress.Segments[^1]);
        Consumer = ConsumerProbe.OnlyConsumerOf(endpoint.ReceivePipe);
        var carrier = new StampCarrier();
        endpoint.ConnectSendObserver(carrier);
        endpoint.ConnectPublishObserver(carrier);
        endpoint.ConnectReceiveEndpointObserver(this);
    }

    /// <summary>The name of its queue.</summary>
    public string Queue { get; }

    /// <summary>The type of its consumer, saga or activity; null if it has several.</summary>
    public string? Consumer { get; }

    /// <summary>The endpoint that has taken a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="reports">Where its reports go.</param>
    public static Endpoint? Of(ReceiveContext message, IReportQueue? reports)
    {
        if (!message.TryGetPayload<ReceiveEndpointContext>(out var context))
            return null;
        if (!_known.TryGetValue(context, out var endpoint))
        {
            lock (_known) // GetValue could create two, and both would watch
                endpoint = _known.GetValue(context, static context => new Endpoint(context));
        }
        endpoint._reports = reports;
        return endpoint;
    }

    public Task Ready(ReceiveEndpointReady ready) => Task.CompletedTask;

    public Task Stopping(ReceiveEndpointStopping stopping) => Task.CompletedTask;

    public Task Faulted(ReceiveEndpointFaulted faulted) => Task.CompletedTask;

    /// <summary>All messages in flight are finished: publishes their reports before the process may end.</summary>
    /// <param name="completed">The endpoint.</param>
    public Task Completed(ReceiveEndpointCompleted completed) => _reports?.FlushAsync(_flush) ?? Task.CompletedTask;
}
