using Polly;
using Polly.CircuitBreaker;

namespace WorkinIt.Consumers.Mail;

/// <summary>
/// Circuit breaker for the mail server. While the server is down, one message now and then tests it; all others fail at once instead of each
/// waiting for a timeout.
/// </summary>
/// <param name="Pipeline">Runs each request to the server, which throws <see cref="ServerFailedException"/> when the server fails.</param>
/// <param name="State">The circuit breaker's state.</param>
internal sealed partial record SmtpBreaker(ResiliencePipeline Pipeline, CircuitBreakerStateProvider State)
{
    /// <summary>Whether the circuit is open or half-open (a single request tests the server).</summary>
    public bool IsOpen => State.CircuitState != CircuitState.Closed;

    /// <summary>Creates the circuit breaker for one server.</summary>
    public static SmtpBreaker Create(SmtpOptions options, TimeProvider time, ILogger log)
    {
        var state = new CircuitBreakerStateProvider();
        var pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                StateProvider = state,
                ShouldHandle = new PredicateBuilder().Handle<ServerFailedException>(),
                FailureRatio = 0.5,
                MinimumThroughput = 8,
                SamplingDuration = TimeSpan.FromSeconds(30),
                BreakDurationGenerator = static arguments => ValueTask.FromResult(TimeSpan.FromSeconds(Math.Min(Math.Pow(2, arguments.FailureCount > 8 ? 3 : 1), 10))),
                OnOpened = arguments =>
                {
                    if (arguments.Outcome.Exception is ServerFailedException { Outcome.Message: var reason })
                        LogAway(log, options.Host, options.Port, reason);
                    return default;
                },
                OnClosed = _ =>
                {
                    LogBack(log, options.Host, options.Port);
                    return default;
                },
            })
            .Build();
        return new SmtpBreaker(pipeline, state);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The mail server {Host}:{Port} keeps failing: messages are delayed, and one mail now and then tests the server ({Reason})")]
    private static partial void LogAway(ILogger log, string? host, int port, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The mail server {Host}:{Port} accepts mail again")]
    private static partial void LogBack(ILogger log, string? host, int port);
}

/// <summary>The server failed, not this mail. The circuit breaker counts only this exception.</summary>
internal sealed class ServerFailedException(Exception outcome) : Exception(outcome.Message, outcome)
{
    public Exception Outcome { get; } = outcome;
}
