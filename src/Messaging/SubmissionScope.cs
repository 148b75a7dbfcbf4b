using System.Diagnostics;
using MassTransit;
using Microsoft.Extensions.Logging;

namespace WorkinIt.Messaging;

/// <summary>
/// What is logged and traced about a submission bears its id, also what MassTransit writes about it: one search finds all of it.
/// </summary>
public static class SubmissionScope
{
    private const string LogProperty = "SubmissionId";
    private const string SpanAttribute = "workinit.submission.id";

    /// <summary>From here to its end all lines bear the id; so does the span that is current now.</summary>
    /// <param name="log">Any logger: a scope holds for all of them.</param>
    /// <param name="submissionId">The submission.</param>
    public static IDisposable? BeginSubmissionScope(this ILogger log, Guid submissionId)
    {
        Tag(Activity.Current, submissionId);
        return log.BeginScope(new[] { KeyValuePair.Create<string, object>(LogProperty, submissionId) });
    }

    /// <summary>Puts the id on a span.</summary>
    /// <param name="activity">The span; null where nobody listens.</param>
    /// <param name="submissionId">The submission.</param>
    public static void Tag(Activity? activity, Guid submissionId) => activity?.SetTag(SpanAttribute, submissionId.ToString());

    /// <summary>For an endpoint that takes commands, whose message id is the submission's. Around all else, the move to the dead letters included.</summary>
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
