using System.Globalization;
using MassTransit;
using WorkinIt.Contracts;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>Finds the GIF, sends the mail and publishes the outcome. If the recipient has unsubscribed, publishes that instead.</summary>
internal sealed class SendGifEmailConsumer(GifEmailDelivery delivery, OutcomeEvent outcomes, IHostApplicationLifetime lifetime) : IConsumer<SendGifEmail>
{
    public async Task Consume(ConsumeContext<SendGifEmail> context)
    {
        var outcome = await delivery.DeliverAsync(context.Message, SendAgain(context), lifetime.ApplicationStopping);
        await outcomes.PublishAsync(context, outcome);
    }

    private static string? SendAgain(ConsumeContext context) =>
        context.ReceiveContext.TransportHeaders.TryGetHeader(ReplayHeaders.SendAgain, out _)
        && context.ReceiveContext.TransportHeaders.TryGetHeader(ReplayHeaders.Id, out var replay)
            ? Convert.ToString(replay, CultureInfo.InvariantCulture)
            : null;
}
