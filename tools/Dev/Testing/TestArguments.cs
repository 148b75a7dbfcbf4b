using System.Text.RegularExpressions;

namespace WorkinIt.Dev.Testing;

/// <summary>The arguments of ./test.</summary>
/// <param name="Parts">The requested parts; empty for all except scan, compose, cluster and upgrade.</param>
/// <param name="RabbitMq">The RabbitMQ version of a container; null uses the system's package.</param>
/// <param name="Again">Whether to skip the tests that don't depend on the RabbitMQ version.</param>
/// <param name="Long">Whether to include the tests that take minutes each.</param>
internal sealed partial record TestArguments(IReadOnlyList<string> Parts, string? RabbitMq, bool Again, bool Long)
{
    private static readonly string[] _known = ["unit", "broker", "faults", "browser", "docs", "style", "scan", "compose", "cluster", "upgrade"];

    /// <summary>The image of a broker in a container, or null.</summary>
    public string? Image => RabbitMq is null ? null : $"rabbitmq:{RabbitMq}-management";

    /// <summary>Parses the arguments.</summary>
    /// <returns>The arguments, or null if they are wrong.</returns>
    public static TestArguments? Parse(IReadOnlyList<string> arguments)
    {
        var (parts, rabbitMq, again, isLong) = (new List<string>(), (string?)null, false, false);
        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--rabbitmq" when i + 1 < arguments.Count && Version().IsMatch(arguments[i + 1]):
                    rabbitMq = arguments[++i];
                    break;
                case "--again":
                    again = true;
                    break;
                case "--long":
                    isLong = true;
                    break;
                case var part when _known.Contains(part):
                    parts.Add(part);
                    break;
                default:
                    return null;
            }
        }
        var isRight = (rabbitMq is null || parts is ["broker"] or ["faults"] or ["browser"])
            && (!again || parts is ["broker"] or ["browser"])
            && (parts.Count <= 1 || !parts.Any(part => part is "compose" or "cluster" or "upgrade"));
        return isRight ? new TestArguments(parts, rabbitMq, again, isLong) : null;
    }

    /// <summary>Returns whether one of these parts was requested.</summary>
    public bool Asks(params IEnumerable<string> parts) => parts.Any(Parts.Contains);

    [GeneratedRegex("^[0-9][0-9.]*$")]
    private static partial Regex Version();
}
