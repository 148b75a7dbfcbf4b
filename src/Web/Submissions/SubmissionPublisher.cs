using System.Diagnostics;
using MassTransit;
using Microsoft.Extensions.Options;
using WorkinIt.Contracts;

namespace WorkinIt.Web.Submissions;

/// <summary>Publishes one submission, confirmed, or gives up at its deadline, whatever the bus waits for.</summary>
internal sealed class SubmissionPublisher(IBus bus, PublishConnection connection, IOptions<SubmissionOptions> options)
{
    /// <summary>Returns when the broker has confirmed it.</summary>
    /// <param name="command">What to publish.</param>
    /// <param name="stopping">Ends the wait.</param>
    /// <exception cref="TimeoutException">No confirm came in time. The message may arrive all the same, when the broker is back.</exception>
    public async Task PublishAsync(SendGifEmail command, CancellationToken stopping)
    {
        var (link, began) = (connection.Current, Stopwatch.GetTimestamp());
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        deadline.CancelAfter(options.Value.PublishTimeout);
        var publish = bus.Publish(command, publish =>
        {
            publish.MessageId = command.SubmissionId;
            publish.Mandatory = true; // a message that no queue takes comes back instead of vanishing
        }, deadline.Token);
        try
        {
            // Not the token alone: where the broker was frozen, a publish can wait inside of the client for what no token reaches.
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

    // Nobody waits for it any more, so nobody else would look at its failure.
    private static void Forget(Task publish) =>
        _ = publish.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
}
