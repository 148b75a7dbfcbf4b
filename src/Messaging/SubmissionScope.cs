using System.Diagnostics;
using MassTransit;
using Microsoft.Extensions.Logging;

namespace WorkinIt.Messaging;

/// <summary>
/// Adds the submission's id to all log lines and spans about it, including those of MassTransit, so that one search finds all of them.
/// </summary>
public static class SubmissionScope
{
    private const string LogProperty = "SubmissionId";
    private const string SpanAttribute = "workinit.submission.id";

    /// <summary>Begins a scope in which all log lines carry the id. The current span gets it, too.</summary>
    /// <param name="log">Any logger: the scope applies to all of them.</param>
    /// <param name="submissionId">The submission.</param>
    public static IDisposable? BeginSubmissionScope(this ILogger log, Guid submissionId)
    {
        Tag(Activity.Current, submissionId);
        return log.BeginScope(new[] { KeyValuePair.Create<string, object>(LogProperty, submissionId) });
    }

    /// <summary>Sets the id on a span.</summary>
    /// <param name="activity">The span; null if there is no listener.</param>
    /// <param name="submissionId">The submission.</param>
    public static void Tag(Activity? activity, Guid submissionId) => activity?.SetTag(SpanAttribute, submissionId.ToString());

    /// <summary>
    /// Opens the scope for each message of an endpoint that receives commands, whose message id is the submission's id. The scope includes the move
    /// to a dead-letter queue.
    /// </summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="log">Any logger.</param>
    public static void UseSubmissionScope(this IReceiveEndpointConfigurator endpoint, ILogger log) =>
        endpoint.ConfigureReceive(receive => receive.UseFilter(new CommandFilter(log)));

    private sealed class CommandFilter(ILogger log) : IFilter<ReceiveContext>
    {
        public async Task Send(ReceiveContext context, IPipe<ReceiveContext> next)
        {
            using var scope = context.GetMessageId() is { } id ? log.BeginSubmissionScope(id) : null;
            await next.Send(context);
        }

        public void Probe(ProbeContext context) => context.CreateFilterScope("submissionScope");
    }
}
