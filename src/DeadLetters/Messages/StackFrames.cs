using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>What a line of a stack trace is.</summary>
internal enum FrameKind
{
    /// <summary>No frame.</summary>
    None,

    /// <summary>A frame of the application's own code.</summary>
    Own,

    /// <summary>A frame of a library that many applications use.</summary>
    Library,
}

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
            if (!IsOfLibrary(method))
                return frame.Groups["line"] is { Success: true } line ? $"{method}, line {line.Value}" : method;
        }
        return null;
    }

    /// <summary>What one line is.</summary>
    public static FrameKind KindOf(string line) =>
        Frames().Match(line) is not { Success: true } frame ? FrameKind.None
        : IsOfLibrary(frame.Groups["method"].Value) ? FrameKind.Library
        : FrameKind.Own;

    private static bool IsOfLibrary(string method) => _others.Any(other => method.StartsWith(other, StringComparison.Ordinal));

    [GeneratedRegex(@"^\s+at (?<method>[^\s(]+)\(.*?(?:\) in .*?:line (?<line>\d+))?\s*$", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex Frames();
}
