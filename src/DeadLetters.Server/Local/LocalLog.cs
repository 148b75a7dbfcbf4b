using Microsoft.Extensions.Logging;

namespace WorkinIt.DeadLetters.Server.Local;

/// <summary>The log of <see cref="LocalServer"/>: warnings and errors of the dead-letter libraries, one line each. ASP.NET Core's own errors have no place here, except a page that failed.</summary>
/// <param name="write">Writes a line.</param>
internal sealed class LocalLog(Action<string> write) : ILoggerProvider
{
    private const string FailedPage = "Microsoft.AspNetCore.Diagnostics.ExceptionHandlerMiddleware";

    public ILogger CreateLogger(string categoryName) => new Logger(write, categoryName);

    public void Dispose()
    {
        // Nothing is open.
    }

    private sealed class Logger(Action<string> write, string category) : ILogger
    {
        private readonly LogLevel _least = category.StartsWith("WorkinIt.", StringComparison.Ordinal) ? LogLevel.Warning : category == FailedPage ? LogLevel.Error : LogLevel.None;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= _least && _least != LogLevel.None && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            var message = formatter(state, exception);
            // The message of an unexpected exception may hold what a message holds. The other ones are ours.
            write(exception is null ? message : category == FailedPage ? $"A page failed: {exception.GetType().Name}{At(exception)}" : $"{message.TrimEnd('.')}: {exception.Message.ReplaceLineEndings(" ")}");
        }

        private static string At(Exception exception) => exception.TargetSite is { DeclaringType: { } type } method ? $" in {type.Name}.{method.Name}" : "";
    }
}
