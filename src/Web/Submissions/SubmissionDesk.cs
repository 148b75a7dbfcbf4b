using MassTransit;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Contracts;

namespace WorkinIt.Web.Submissions;

/// <summary>Takes submissions in. "Accepted" is said once the broker has confirmed that the message stands in a queue.</summary>
internal sealed partial class SubmissionDesk(IBus bus, TimeProvider time, ILogger<SubmissionDesk> log)
{
    // Without one, a publish waits for hours while the broker is away.
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(4);

    /// <returns>The submission's id, or null when the broker can't take it now.</returns>
    public async Task<Guid?> AcceptAsync(NewSubmission submission, CancellationToken cancellationToken)
    {
        var id = Guid.CreateVersion7(time.GetUtcNow());
        var command = new SendGifEmail(id, submission.Email, submission.Thought, time.GetUtcNow());
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_deadline);
        try
        {
            await bus.Publish(command, publish =>
            {
                publish.MessageId = id;
                publish.Mandatory = true; // a message that no queue takes comes back instead of vanishing
            }, deadline.Token);
            LogAccepted(log, id);
            return id;
        }
        catch (Exception e) when (e is MassTransitException or RabbitMQClientException or IOException or TimeoutException or OperationCanceledException
            && !cancellationToken.IsCancellationRequested)
        {
            LogNotAccepted(log, id, e.GetType().Name);
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Accepted {SubmissionId}")]
    private static partial void LogAccepted(ILogger log, Guid submissionId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The broker did not take {SubmissionId} ({Reason}): check RabbitMQ, and that the topology was deployed")]
    private static partial void LogNotAccepted(ILogger log, Guid submissionId, string reason);
}
