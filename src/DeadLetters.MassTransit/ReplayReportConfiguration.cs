using MassTransit.Configuration;
using WorkinIt.DeadLetters.Reports;

namespace MassTransit;

/// <summary>Reports to the dead-letter console the outcome of replayed messages.</summary>
public static class ReplayReportConfiguration
{
    /// <summary>
    /// Reports each replayed message that a receive endpoint of this bus takes, and its outcome. The order of calls does not matter. Messages that
    /// were not replayed are not reported.
    /// </summary>
    /// <param name="bus">The bus.</param>
    public static void UseReplayReports(this IBusFactoryConfigurator bus)
    {
        ArgumentNullException.ThrowIfNull(bus);
        bus.ConnectReceiveObserver(new ReplayReports(ReportPublisher.For));
    }

    /// <summary>Reports each replayed message that this receive endpoint takes, and its outcome. Messages that were not replayed are not reported.</summary>
    /// <param name="endpoint">The receive endpoint.</param>
    /// <exception cref="ConfigurationException">The endpoint is not one of MassTransit's own: use the method of the bus.</exception>
    public static void UseReplayReports(this IReceiveEndpointConfigurator endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        if (endpoint is not IReceiveEndpointConfiguration configuration)
            throw new ConfigurationException("Replay reports can't be added to this receive endpoint: call UseReplayReports on the bus instead");
        configuration.ReceiveObservers.Connect(new ReplayReports(ReportPublisher.For));
    }

    /// <summary>
    /// Reports that a replayed message waits for a later try, for an application that delays messages with its own queues. Call it after the copy was
    /// sent. MassTransit's redelivery is reported without it. Nothing happens if the message was not replayed.
    /// </summary>
    /// <param name="context">The message.</param>
    /// <param name="until">When the message comes back.</param>
    public static void ReportReplayDelayed(this ConsumeContext context, DateTimeOffset until)
    {
        ArgumentNullException.ThrowIfNull(context);
        ReplayedDelivery.Of(context.ReceiveContext)?.Delayed(until);
    }

    /// <summary>
    /// Records for the reports that a replayed message was moved to another queue, for an application that moves messages with its own means, headers
    /// included. Its outcome is then reported by the consumer of that queue. MassTransit's Forward is recognized without it.
    /// </summary>
    /// <param name="context">The message.</param>
    public static void ReportReplayMoved(this ConsumeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        ReplayedDelivery.Of(context.ReceiveContext)?.Moved();
    }
}
