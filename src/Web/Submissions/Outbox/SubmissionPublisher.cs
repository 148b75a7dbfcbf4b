using System.Diagnostics;
using MassTransit;
using Microsoft.Extensions.Options;
using WorkinIt.Contracts;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// Publishes a submission and waits for the broker's confirm. Gives up after <c>Submissions__PublishTimeout</c>, even if the bus still waits.
/// </summary>
internal sealed class SubmissionPublisher(IBus bus, PublishConnection connection, IOptions<SubmissionOptions> options)
{
    /// <summary>Publishes a submission. The task completes when the broker has confirmed it.</summary>
    /// <param name="command">The message to publish.</param>
    /// <param name="stopping">Cancels the wait.</param>
    /// <exception cref="TimeoutException">No confirm arrived in time. The message may still arrive when the broker is back.</exception>
    public async Task PublishAsync(SendGifEmail command, CancellationToken stopping)
    {
        var (link, began) = (connection.Current, Stopwatch.GetTimestamp());
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        deadline.CancelAfter(options.Value.PublishTimeout);
        var publish = bus.Publish(command, publish =>
        {
            publish.MessageId = command.SubmissionId;
            publish.Mandatory = true; // the broker returns a message that reaches no queue instead of dropping it
        }, deadline.Token);
        try
        {
            // The token alone is not enough: if the broker freezes, a publish can wait inside the client where the token has no effect.
            await publish.WaitAsync(deadline.Token);
            link?.Confirmed();
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !stopping.IsCancellationRequested)
        {
            Forget(publish);
            connection.GiveUp(link, began);
            throw new TimeoutException("The broker did not confirm in time");
        }
    }

    // No caller awaits this task any more, so its exception must be observed here.
    private static void Forget(Task publish) =>
        _ = publish.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
}
