using Polly;
using Polly.CircuitBreaker;

namespace WorkinIt.Consumers.Mail;

/// <summary>A server that is down is asked by one message now and then; all others learn it at once instead of waiting for a timeout each.</summary>
/// <param name="Pipeline">What asks the server goes through it, and throws <see cref="ServerFailedException"/> where that fails.</param>
/// <param name="State">Its own account.</param>
internal sealed partial record SmtpBreaker(ResiliencePipeline Pipeline, CircuitBreakerStateProvider State)
{
    /// <summary>Whether the way is closed, or open to one only.</summary>
    public bool IsOpen => State.CircuitState != CircuitState.Closed;

    /// <summary>For one server.</summary>
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "The mail server {Host}:{Port} fails again and again: what waits is delayed, and one mail now and then asks it ({Reason})")]
    private static partial void LogAway(ILogger log, string? host, int port, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The mail server {Host}:{Port} takes mails again")]
    private static partial void LogBack(ILogger log, string? host, int port);
}

/// <summary>Not this mail's trouble but the server's: what the circuit breaker counts.</summary>
internal sealed class ServerFailedException(Exception outcome) : Exception(outcome.Message, outcome)
{
    public Exception Outcome { get; } = outcome;
}
