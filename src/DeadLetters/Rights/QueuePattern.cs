using System.Text;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Names of an application's queues, as an operator writes them: <c>*</c> is a placeholder for any text without a colon. MassTransit's exchanges of
/// message types have a colon in their names, so a pattern for queues does not give the right to publish to them.
/// </summary>
internal static class QueuePattern
{
    /// <summary>All queues of a virtual host, except those with a colon in their names.</summary>
    public const string All = "*";

    private const string Any = "[^:]*";
    private const string NotReserved = @"(?!amq\.)"; // the broker's own exchanges, such as amq.topic

    /// <summary>The regular expression of patterns, without anchors.</summary>
    /// <param name="patterns">The patterns; at least one.</param>
    public static string ToRegex(IReadOnlyList<string> patterns) =>
        patterns is [var only] ? ToRegex(only) : $"({string.Join('|', patterns.Select(ToRegex))})";

    /// <summary>The regular expression of exactly this name.</summary>
    /// <param name="name">The name.</param>
    public static string Literal(string name)
    {
        var literal = new StringBuilder();
        foreach (var character in name)
        {
            if (character is '\\' or '.' or '^' or '$' or '|' or '?' or '*' or '+' or '(' or ')' or '[' or ']' or '{' or '}')
                literal.Append('\\');
            literal.Append(character);
        }
        return literal.ToString();
    }

    /// <summary>Whether a regular expression matches a complete name, as RabbitMQ compares it.</summary>
    /// <param name="regex">A regular expression without anchors that <see cref="ToRegex(IReadOnlyList{string})"/> or <see cref="Literal"/> wrote.</param>
    /// <param name="name">The name.</param>
    public static bool Matches(string regex, string name) => Regex.IsMatch(name, $"^({regex})$", RegexOptions.CultureInvariant);

    private static string ToRegex(string pattern) =>
        (pattern.StartsWith('*') ? NotReserved : "") + string.Join(Any, pattern.Split('*').Select(Literal));
}
