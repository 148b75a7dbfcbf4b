using Polly;
using Polly.CircuitBreaker;

namespace WorkinIt.Consumers.Mail;

/// <summary>
/// Circuit breaker for the mail server. While the server is down, one message now and then tests it; all others fail at once instead of each
/// waiting for a timeout.
/// </summary>
/// <param name="Pipeline">Counts the requests to the server; a <see cref="ServerFailedException"/> is a failure.</param>
/// <param name="State">The circuit breaker's state.</param>
internal sealed partial record SmtpBreaker(ResiliencePipeline Pipeline, CircuitBreakerStateProvider State)
{
    /// <summary>Whether the circuit is open or half-open (a single request tests the server).</summary>
    public bool IsOpen => State.CircuitState != CircuitState.Closed;

    /// <summary>Begins a request to the server.</summary>
    /// <returns>The request's turn. End it with its result.</returns>
    /// <exception cref="BrokenCircuitException">The circuit is open: the server is not asked.</exception>
    public async Task<Turn> EnterAsync()
    {
        var turn = new Turn(this);
        await turn.EnterAsync();
        return turn;
    }

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
        SmtpTelemetry.Watch(state);
        return new SmtpBreaker(pipeline, state);
    }

    /// <summary>One request. Polly runs a request as a callback; this keeps the callback open from the connection to the server's reply.</summary>
    internal sealed class Turn(SmtpBreaker breaker)
    {
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Task _run = Task.CompletedTask;

        public SmtpBreaker Breaker => breaker;

        public async Task EnterAsync()
        {
            _run = breaker.Pipeline.ExecuteAsync(
                static (turn, _) =>
                {
                    turn._entered.SetResult();
                    return new ValueTask(turn._ended.Task);
                },
                this, CancellationToken.None).AsTask();
            if (!_entered.Task.IsCompleted && await Task.WhenAny(_entered.Task, _run) == _run)
                await _run;
        }

        /// <summary>Ends the request. Only the first call counts.</summary>
        /// <param name="failure">How the server failed; null if it did not.</param>
        public async Task EndAsync(ServerFailedException? failure = null)
        {
            if (failure is null)
                _ended.TrySetResult();
            else
                _ended.TrySetException(failure);
            await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the circuit breaker has counted the result then
        }
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
