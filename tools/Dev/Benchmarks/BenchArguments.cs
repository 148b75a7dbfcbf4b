using System.Globalization;
using System.Text.RegularExpressions;

namespace WorkinIt.Dev.Benchmarks;

/// <summary>The arguments of ./bench.</summary>
/// <param name="Benchmarks">The arguments that the benchmarks themselves check; empty with <paramref name="Beside"/>.</param>
/// <param name="RabbitMq">The RabbitMQ version of a container; null uses the system's package.</param>
/// <param name="Beside">The revision to compare with; null if none.</param>
/// <param name="Rows">The rows to compare.</param>
/// <param name="Rounds">How often each of them is measured.</param>
internal sealed partial record BenchArguments(IReadOnlyList<string> Benchmarks, string? RabbitMq, string? Beside, IReadOnlyList<BesideRow> Rows, int Rounds)
{
    /// <summary>How often each row is measured without --rounds.</summary>
    public const int DefaultRounds = 5;

    private const int MostRounds = 99;

    /// <summary>The image of a broker in a container, or null.</summary>
    public string? Image => RabbitMq is null ? null : $"rabbitmq:{RabbitMq}-management";

    /// <summary>Parses the arguments.</summary>
    /// <exception cref="ToolException">They are wrong: what, and what to type instead.</exception>
    public static BenchArguments Parse(IReadOnlyList<string> arguments)
    {
        var (others, rabbitMq, beside, rounds) = (new List<string>(), (string?)null, (string?)null, (int?)null);
        for (var i = 0; i < arguments.Count; i++)
        {
            var value = i + 1 < arguments.Count ? arguments[i + 1] : "";
            switch (arguments[i])
            {
                case "--rabbitmq":
                    rabbitMq = Version().IsMatch(value) ? value : throw Wrong("--rabbitmq needs a version, such as --rabbitmq 4.3.");
                    i++;
                    break;
                case "--beside":
                    beside = value is { Length: > 0 } and not ['-', ..] ? value : throw Wrong("--beside needs a revision, such as --beside main.");
                    i++;
                    break;
                case "--rounds":
                    rounds = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= MostRounds
                        ? number : throw Wrong($"--rounds needs a number from 1 to {MostRounds}.");
                    i++;
                    break;
                default:
                    others.Add(arguments[i]);
                    break;
            }
        }
        if (beside is null)
            return rounds is null ? new BenchArguments(others, rabbitMq, null, [], 0) : throw Wrong("--rounds is an option of --beside REV.");
        var unknown = others.FirstOrDefault(name => BesideRow.All.All(row => row.Name != name));
        return unknown is null
            ? new BenchArguments([], rabbitMq, beside, BesideRow.Choose(others), rounds ?? DefaultRounds)
            : throw Wrong($"--beside has no row \"{unknown}\". Rows: {string.Join(", ", BesideRow.All.Select(row => row.Name))}.");
    }

    private static ToolException Wrong(string message) => new($"{message}\nSee: ./bench --help", 2);

    [GeneratedRegex("^[0-9][0-9.]*$")]
    private static partial Regex Version();
}
