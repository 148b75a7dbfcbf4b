using MassTransit;
using WorkinIt.Contracts;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// Publishes what became of a submission. The mail is out by then, so nothing that happens here may make a dead letter of the message: a
/// broker that is frozen, blocked by an alarm or restarting is waited for, and the message is acknowledged only after the event. Should the
/// message be lost to this process meanwhile, it comes back, and the ledger answers for the mail.
/// </summary>
internal sealed partial class OutcomeEvent(IHostApplicationLifetime lifetime, TimeProvider time, ILogger<OutcomeEvent> log)
{
    private static readonly TimeSpan _confirmedWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);

    // What was given up may be published all the same once the broker goes on: each further try may be one more of the same event.
    private static readonly TimeSpan _longestPause = TimeSpan.FromMinutes(1);

    /// <summary>Publishes it, however long that takes.</summary>
    /// <param name="context">The message that it is about.</param>
    /// <param name="outcome">The event.</param>
    /// <exception cref="OperationCanceledException">The message is not this process's any more, or the process stops: no fault.</exception>
    public async Task PublishAsync(ConsumeContext<SendGifEmail> context, object outcome)
    {
        for (var pause = _firstPause; !await TryPublishAsync(context, outcome); pause = pause * 2 < _longestPause ? pause * 2 : _longestPause)
        {
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
            await Task.Delay(pause, time, ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // Of the message's own token MassTransit knows that a cancellation is no fault; of a stop StopFilter does.
            context.CancellationToken.ThrowIfCancellationRequested();
            lifetime.ApplicationStopping.ThrowIfCancellationRequested();
        }
    }

    private async Task<bool> TryPublishAsync(ConsumeContext<SendGifEmail> context, object outcome)
    {
        using var deadline = new CancellationTokenSource(_confirmedWithin, time);
        try
        {
            // A publish may wait for a lock of the client's that a frozen broker keeps: no token reaches it there, so the wait is given up instead.
            await PublishOnceAsync(context, outcome, deadline.Token).WaitAsync(deadline.Token);
            return true;
        }
        catch (Exception e) when (e is not OutOfMemoryException) // whatever else it is: the alternative is a dead letter of a mail that was sent
        {
            LogNotTold(log, context.Message.SubmissionId, outcome.GetType().Name, e.GetType().Name);
            return false;
        }
    }

    private static Task PublishOnceAsync(ConsumeContext context, object outcome, CancellationToken cancellationToken) => outcome switch
    {
        GifEmailSent sent => context.PublishUntrackedAsync(sent, cancellationToken),
        GifEmailBlocked blocked => context.PublishUntrackedAsync(blocked, cancellationToken),
        _ => context.Publish(outcome, outcome.GetType(), cancellationToken),
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Event} of {SubmissionId} could not be published ({Reason}); trying on. The mail is not sent again. Check the broker: is it up, and does it block publishers (rabbitmq-diagnostics alarms)?")]
    private static partial void LogNotTold(ILogger log, Guid submissionId, string @event, string reason);
}
