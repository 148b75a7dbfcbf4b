using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>Reads the frames of a stack trace in the format of .NET.</summary>
internal static partial class StackFrames
{
    // Libraries that many applications call: the place where they throw says little about the cause.
    private static readonly string[] _others =
    [
        "System.", "Microsoft.", "MassTransit.", "Internal.", "Interop.", "Windows.", "RabbitMQ.", "Npgsql.", "Dapper.", "MySql.", "MySqlConnector.", "Oracle.", "MongoDB.", "StackExchange.",
        "Confluent.", "Amazon.", "Azure.", "Google.", "Grpc.", "Polly.", "Refit.", "Newtonsoft.", "MailKit.", "MimeKit.", "FluentValidation.", "AutoMapper.", "MediatR.", "Autofac.",
        "Castle.", "Serilog.", "NLog.", "OpenTelemetry.", "NHibernate.", "Marten.", "RestSharp.", "Flurl.", "Elastic.", "Nest.", "Quartz.", "Hangfire.", "Automatonymous.", "GreenPipes.", "SQLitePCL.",
    ];

    /// <summary>The first frame of the application's own code, with its line if known; null if there is none.</summary>
    public static string? FirstOwn(string stack)
    {
        foreach (Match frame in Frames().Matches(stack))
        {
            var method = frame.Groups["method"].Value;
            if (!_others.Any(other => method.StartsWith(other, StringComparison.Ordinal)))
                return frame.Groups["line"] is { Success: true } line ? $"{method}, line {line.Value}" : method;
        }
        return null;
    }

    [GeneratedRegex(@"^\s+at (?<method>[^\s(]+)\(.*?(?:\) in .*?:line (?<line>\d+))?\s*$", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex Frames();
}
