using System.Diagnostics.CodeAnalysis;
using MassTransit;
using MassTransit.Courier.Contracts;
using MassTransit.Transports;

namespace WorkinIt.DeadLetters.Reports;

/// <summary>
/// Follows each delivery of a replayed message: taken when it arrives, its outcome after MassTransit has acknowledged it. An observer of MassTransit
/// must not throw, because that would return the message to its queue.
/// </summary>
/// <param name="reportsOf">Where the reports about a message go; null for nowhere.</param>
internal sealed class ReplayReports(Func<ReceiveContext, IReportQueue?> reportsOf) : IReceiveObserver
{
    public Task PreReceive(ReceiveContext context)
    {
        if (Stamp.IsOn(context))
            Try(context, Begin);
        return Task.CompletedTask;
    }

    // After the ack. If the process ends before it, the message is delivered again, and its outcome is reported then.
    public Task PostReceive(ReceiveContext context)
    {
        if (Stamp.IsOn(context))
            Try(context, End);
        return Task.CompletedTask;
    }

    public Task PostConsume<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType)
        where T : class
    {
        if (Mine(context.ReceiveContext) is { } delivery)
            delivery.Consumed(consumerType, typeof(T) == typeof(RoutingSlip));
        return Task.CompletedTask;
    }

    // Whether the failure is final shows later, when the message is moved.
    public Task ConsumeFault<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception)
        where T : class => Task.CompletedTask;

    public Task ReceiveFault(ReceiveContext context, Exception exception) => Task.CompletedTask;

    private ReplayedDelivery? Mine(ReceiveContext context) => ReplayedDelivery.Of(context) is { } delivery && delivery.Owner == this ? delivery : null;

    private void Begin(ReceiveContext context)
    {
        var reports = reportsOf(context);
        if (Stamp.IdOf(context) is not { } id || Endpoint.Of(context, reports) is not { } endpoint)
            return;
        var delivery = context.GetOrAddPayload(() => new ReplayedDelivery(this, context, id, endpoint, reports));
        if (delivery.Owner != this)
            return; // UseReplayReports was called twice
        if (context.TryGetPayload<IErrorTransport>(out var errors))
            context.AddOrUpdatePayload<IErrorTransport>(() => new ReportedErrors(errors, delivery), known => new ReportedErrors(known, delivery));
        if (context.TryGetPayload<IDeadLetterTransport>(out var skips))
            context.AddOrUpdatePayload<IDeadLetterTransport>(() => new ReportedSkips(skips, delivery), known => new ReportedSkips(known, delivery));
        delivery.Taken();
    }

    private void End(ReceiveContext context) => Mine(context)?.End();

    [SuppressMessage("Design", "CA1031", Justification = "A report never fails the message")]
    private static void Try(ReceiveContext context, Action<ReceiveContext> step)
    {
        try
        {
            step(context);
        }
        catch (Exception e)
        {
            LogContext.Warning?.Log(e, "A replayed message is not reported: {InputAddress}", context.InputAddress);
        }
    }
}
