using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue.Notifications;

namespace WorkinIt.DeadLetters.Dashboard.Causes;

/// <summary>The receivers of notifications and their state.</summary>
internal static class NotificationPage
{
    public static Task<IResult> ShowAsync(PageContext page)
    {
        var states = page.Service<DeliveryQueue>().States();
        var receivers = page.Service<NotificationOptions>().Receivers.Select(receiver => (receiver, states.GetValueOrDefault(receiver.Key))).ToList();
        return Task.FromResult(page.Page<Receivers, ReceiversModel>("Notifications", new ReceiversModel(receivers)));
    }

    public static async Task<IResult> TestAsync(PageContext page)
    {
        if (page.Service<NotificationOptions>().Receivers.FirstOrDefault(receiver => receiver.Key == page.Value("receiver")) is not { } asked)
            return page.Problem(StatusCodes.Status404NotFound, "Receiver not found", "This process has no such receiver in its settings. They may have changed.", "Reload the page of notifications.");
        if (!await page.Service<NotificationStore>().TestAsync(asked, page.Aborted))
            return page.Problem(StatusCodes.Status409Conflict, "Not started yet", "Notifications start when the catalogue has read all queues.", "Try again in a minute.");
        page.Service<NotificationSender>().Wake();
        return PageContext.SeeOther(page.Links.Notifications);
    }
}

/// <param name="List">The receivers in the settings of this process; the state is null until a receiver has started.</param>
internal sealed record ReceiversModel(IReadOnlyList<(NotificationReceiver Receiver, ReceiverState? State)> List);
