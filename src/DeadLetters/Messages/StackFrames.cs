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
    private const int Longest = 2000; // MassTransit cuts a trace at 2,048 characters

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
            if (!IsOfLibrary(frame.Groups["method"].Value))
                return Place(frame);
        }
        return null;
    }

    /// <summary>
    /// Whether one trace is the other with frames left out. The frames that both have must agree in their methods and lines. The first own frame that is left must have
    /// a line: without one, it may also have thrown at another place.
    /// </summary>
    /// <param name="one">A stack trace; its end may be cut.</param>
    /// <param name="other">Another stack trace.</param>
    public static bool AreOneWithFramesLeftOut(string one, string other)
    {
        var (frames, others) = (Of(one), Of(other));
        return frames.Count > 0 && others.Count > 0 && ((HasLine(other) && Has(frames, others, IsCut(one))) || (HasLine(one) && Has(others, frames, IsCut(other))));
    }

    // Also a trace without any own frame: its place in a library is no place that the application throws at.
    private static bool HasLine(string stack) =>
        Frames().Matches(stack).FirstOrDefault(frame => !IsOfLibrary(frame.Groups["method"].Value)) is not { } own || own.Groups["line"].Success;

    // Whether all frames of the shorter trace are in the longer one, in their order. If the end of the longer one is cut, only as far as it goes.
    private static bool Has(List<string> longer, List<string> shorter, bool isCut)
    {
        var found = 0;
        var isLast = false;
        foreach (var frame in longer)
        {
            isLast = found < shorter.Count && frame == shorter[found];
            if (isLast)
                found++;
        }
        return found == shorter.Count || (isCut && isLast);
    }

    // The last frame of a trace that is cut may be cut itself.
    private static List<string> Of(string stack)
    {
        List<string> frames = [.. Frames().Matches(stack).Select(Place)];
        if (IsCut(stack) && frames.Count > 0)
            frames.RemoveAt(frames.Count - 1);
        return frames;
    }

    private static bool IsCut(string stack) => stack.Length >= Longest;

    private static string Place(Match frame) =>
        frame.Groups["line"] is { Success: true } line ? $"{frame.Groups["method"].Value}, line {line.Value}" : frame.Groups["method"].Value;

    /// <summary>What one line is.</summary>
    public static FrameKind KindOf(string line) =>
        Frames().Match(line) is not { Success: true } frame ? FrameKind.None
        : IsOfLibrary(frame.Groups["method"].Value) ? FrameKind.Library
        : FrameKind.Own;

    private static bool IsOfLibrary(string method) => _others.Any(other => method.StartsWith(other, StringComparison.Ordinal));

    [GeneratedRegex(@"^\s+at (?<method>[^\s(]+)\(.*?(?:\) in .*?:line (?<line>\d+))?\s*$", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex Frames();
}
