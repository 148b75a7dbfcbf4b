using MassTransit;
using WorkinIt.Contracts;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// Publishes the outcome of a submission. It is settled by then, so no failure here may dead-letter the message. If the broker is frozen,
/// blocked by an alarm or restarting, this waits, and the message is acknowledged only after the event is published. If the broker takes the
/// message back meanwhile, it is delivered again, and the ledger has the outcome of the mail.
/// </summary>
internal sealed partial class OutcomePublisher(IHostApplicationLifetime lifetime, TimeProvider time, ILogger<OutcomePublisher> log)
{
    private static readonly TimeSpan _confirmedWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);

    // A publish that was given up may still happen once the broker continues, so each further try may publish the event once more.
    private static readonly TimeSpan _longestPause = TimeSpan.FromMinutes(1);

    /// <summary>Publishes the event, and retries until that succeeds.</summary>
    /// <param name="context">The message that the event is about.</param>
    /// <param name="outcome">The event.</param>
    /// <exception cref="OperationCanceledException">The broker has taken the message back, or the process stops. This is not a fault.</exception>
    public async Task PublishAsync(ConsumeContext<SendGifEmail> context, object outcome)
    {
        for (var pause = _firstPause; !await TryPublishAsync(context, outcome); pause = pause * 2 < _longestPause ? pause * 2 : _longestPause)
        {
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
            await Task.Delay(pause, time, ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // MassTransit does not treat a cancellation of the message's own token as a fault; StopFilter handles a stop.
            context.CancellationToken.ThrowIfCancellationRequested();
            lifetime.ApplicationStopping.ThrowIfCancellationRequested();
        }
    }

    private async Task<bool> TryPublishAsync(ConsumeContext<SendGifEmail> context, object outcome)
    {
        using var deadline = new CancellationTokenSource(_confirmedWithin, time);
        try
        {
            // With a frozen broker, a publish may wait for a lock in the client that ignores the token, so WaitAsync gives up the wait instead.
            await PublishOnceAsync(context, outcome, deadline.Token).WaitAsync(deadline.Token);
            return true;
        }
        catch (Exception e) when (e is not OutOfMemoryException) // any other exception: otherwise a mail that was sent would get a dead letter
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Event} of {SubmissionId} could not be published ({Reason}); retrying. The mail is not sent again. Check the broker: is it up, and does it block publishers (rabbitmq-diagnostics alarms)?")]
    private static partial void LogNotTold(ILogger log, Guid submissionId, string @event, string reason);
}
