using System.Globalization;
using MassTransit;
using WorkinIt.Contracts;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>Finds the GIF, sends the mail, says so; or says that its recipient does not want it.</summary>
internal sealed class SendGifEmailConsumer(GifEmailDelivery delivery, IHostApplicationLifetime lifetime) : IConsumer<SendGifEmail>
{
    private static readonly TimeSpan _eventDeadline = TimeSpan.FromSeconds(10);

    public async Task Consume(ConsumeContext<SendGifEmail> context)
    {
        var outcome = await delivery.DeliverAsync(context.Message, SendAgain(context), lifetime.ApplicationStopping);
        using var deadline = new CancellationTokenSource(_eventDeadline);
        try
        {
            await context.Publish(outcome, outcome.GetType(), deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            // Tried again like any other failure of the broker; the ledger knows whether the mail is out.
            throw new TimeoutException($"The broker did not confirm {outcome.GetType().Name} within {_eventDeadline.TotalSeconds:0} s");
        }
    }

    private static string? SendAgain(ConsumeContext context) =>
        context.ReceiveContext.TransportHeaders.TryGetHeader(ReplayHeaders.SendAgain, out _)
        && context.ReceiveContext.TransportHeaders.TryGetHeader(ReplayHeaders.Id, out var replay)
            ? Convert.ToString(replay, CultureInfo.InvariantCulture)
            : null;
}
