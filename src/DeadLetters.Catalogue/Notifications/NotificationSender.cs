using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Triage;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>Sends the notifications that wait, to each receiver one after another. A slow receiver delays no other.</summary>
internal sealed partial class NotificationSender(
    OpenCatalogue catalogue, NotificationOptions options, DeliveryQueue queue, WebhookClient client, MailClient mail, ILogger<NotificationSender> log) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _wake = new(0, 1);
    private bool _isFailing;

    /// <summary>Sends without waiting for the next check: a notification was written.</summary>
    public void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It wakes already.
        }
    }

    /// <summary>Sends what is due. A request that has begun ends also when the host stops: otherwise the next host would repeat it.</summary>
    public Task SendAsync(CancellationToken cancellationToken) => Task.WhenAll(options.Receivers.Select(receiver => SendAsync(receiver, cancellationToken)));

    /// <inheritdoc/>
    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await catalogue.OpenedAsync(stoppingToken);
        while (options.Receivers.Count > 0 && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                await SendAsync(stoppingToken);
                _isFailing = false;
                await _wake.WaitAsync(_interval, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // whatever fails, the notifications are in the database and the next check may succeed
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (!_isFailing) // once for each outage
                    LogFailed(e);
                _isFailing = true;
                await Task.Delay(_interval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task SendAsync(NotificationReceiver receiver, CancellationToken cancellationToken)
    {
        while (await queue.TakeAsync(receiver.Key, cancellationToken) is { } delivery)
        {
            var notification = delivery.Content with { Link = Link(delivery.Content) };
            var answer = await (receiver.Format == NotificationFormat.Mail ? mail.SendAsync(receiver, notification) : client.PostAsync(receiver, notification));
            if (answer.Error is null)
            {
                await queue.SentAsync(receiver.Key, delivery);
                continue;
            }
            if (delivery.Failures == 0)
                LogFailedReceiver(receiver.Name, answer.Error);
            if (await queue.FailedAsync(receiver.Key, delivery, answer.Error, answer.RetryAfter))
                LogGivenUp(receiver.Name, delivery.Content.Id, answer.Error);
            return;
        }
    }

    private string? Link(Notification notification) => options.PublicUrl is not { } url ? null
        : url.AbsoluteUri.TrimEnd('/') + (notification.Cause is { } cause ? $"/causes/{cause.Id}" : "");

    [LoggerMessage(Level = LogLevel.Error, Message = "Notifications can't be sent: the database of the catalogue fails")]
    private partial void LogFailed(Exception e);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The receiver of notifications {Receiver} failed: {Error}. It is tried again with growing pauses")]
    private partial void LogFailedReceiver(string receiver, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "The receiver of notifications {Receiver} did not accept notification {Id} within 24 hours, so it was given up: {Error}")]
    private partial void LogGivenUp(string receiver, string id, string error);
}
