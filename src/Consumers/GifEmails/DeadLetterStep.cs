using System.Diagnostics.Metrics;
using MassTransit;
using MassTransit.Middleware;
using WorkinIt.Contracts;
using WorkinIt.Messaging;
using WorkinIt.ServiceDefaults;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// What happens to a message whose consumer failed, or that is unreadable: its fault is published, MassTransit moves it to the dead-letter queue,
/// and it is counted.
/// </summary>
internal sealed class DeadLetterStep : IFilter<ExceptionReceiveContext>
{
    private readonly Counter<long> _deadLettered = Telemetry.Meter.CreateCounter<long>(
        "workinit.gif_email.dead_lettered", "{message}", "Messages that became dead letters, without the held ones");

    private readonly FaultFilter<SendGifEmail> _fault;
    private long _held;

    // An observable counter is reported as 0 from the start. A counter that first appears with its first message shows no increase to an alert.
    public DeadLetterStep(FaultFilter<SendGifEmail> fault)
    {
        _fault = fault;
        Telemetry.Meter.CreateObservableCounter(
            "workinit.gif_email.held", () => Volatile.Read(ref _held), "{message}", "Messages that became dead letters because they may have been sent");
    }

    /// <summary>Adds the step to an endpoint.</summary>
    /// <param name="endpoint">The endpoint.</param>
    public void Use(IReceiveEndpointConfigurator endpoint)
    {
        endpoint.UseFilter(_fault);
        endpoint.ConfigureError(error =>
        {
            error.UseFilter(_fault);
            error.UseFilter(new ErrorTransportFilter());
            error.UseFilter(this);
        });
    }

    public Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
    {
        if (context.Exception is DeliveryHeldException)
            Interlocked.Increment(ref _held);
        else
            _deadLettered.Add(1, new KeyValuePair<string, object?>("error.type", context.Exception.GetType().Name));
        return next.Send(context);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("deadLetterStep");
}
