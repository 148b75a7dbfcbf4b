using System.Globalization;
using System.Text;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue;

/// <summary>Reads a <see cref="CatalogueQuery"/> from one line of text, and writes it.</summary>
internal static class QueryParser
{
    private const string Conditions = "source, queue, type, exception, consumer, cause, version, id, header, since, until, age or state";

    private static readonly (string Suffix, TimeSpan Unit)[] _units =
    [
        ("w", TimeSpan.FromDays(7)), ("d", TimeSpan.FromDays(1)), ("h", TimeSpan.FromHours(1)), ("m", TimeSpan.FromMinutes(1)), ("s", TimeSpan.FromSeconds(1)), ("ms", TimeSpan.FromMilliseconds(1)),
    ];

    /// <exception cref="FormatException">A name or a value is invalid; the message says which, and what is valid.</exception>
    public static CatalogueQuery Parse(string text)
    {
        var (query, words, named) = (CatalogueQuery.All, new List<string>(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var (name, value, isQuoted) in Words(text))
        {
            if (name is null)
            {
                words.Add(value);
                continue;
            }
            if (value.Length == 0)
                throw new FormatException($"“{name}:” has no value: write it as in {name}:{Example(name)}, without a space");
            var once = name == "age" ? name + value[0] : name;
            if (!named.Add(once))
                throw new FormatException($"{name} is given twice, and all conditions must hold: give it once");
            query = With(query, name, value, isQuoted);
        }
        return words.Count == 0 ? query : query with { Text = string.Join(' ', words) };
    }

    public static string Write(CatalogueQuery query)
    {
        var text = new StringBuilder();
        Add("source", query.Source);
        if (query.Queue is { Length: > 2 } queue && CatalogueQuery.IsComplete(queue))
            Add("queue", queue[1..^1], always: true);
        else
            Add("queue", query.Queue);
        Add("type", query.Type);
        Add("exception", query.Exception);
        Add("consumer", query.Consumer);
        Add("cause", query.Cause);
        Add("version", query.Version);
        Add("id", query.Id);
        Add("header", query.Header is { } header ? $"{header.Name}={header.Value}" : null);
        Add("since", query.Since?.ToString("O", CultureInfo.InvariantCulture));
        Add("until", query.Until?.ToString("O", CultureInfo.InvariantCulture));
        Add("age", query.Younger is { } younger ? "<" + Duration(younger) : null);
        Add("age", query.Older is { } older ? ">" + Duration(older) : null);
        if (query.State != LetterState.There)
            Add("state", query.State?.ToString().ToLowerInvariant() ?? "any");
        Add(null, query.Text);
        return text.ToString();

        void Add(string? name, string? value, bool always = false)
        {
            if (value is null)
                return;
            text.Append(text.Length > 0 ? " " : "").Append(name).Append(name is null ? "" : ":");
            if (always || value.Length == 0 || value.Any(c => char.IsWhiteSpace(c) || c is '"' or '\\') || (name is null && value.Contains(':', StringComparison.Ordinal)))
                text.Append('"').Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
            else
                text.Append(value);
        }
    }

    private static CatalogueQuery With(CatalogueQuery query, string name, string value, bool isQuoted) => name switch
    {
        "source" => query with { Source = value },
        "queue" => query with { Queue = isQuoted ? CatalogueQuery.CompleteQueue(value) : value },
        "type" => query with { Type = value },
        "exception" => query with { Exception = value },
        "consumer" => query with { Consumer = value },
        "cause" => query with { Cause = value },
        "version" => query with { Version = value },
        "id" => query with { Id = value },
        "header" => query with { Header = value.Split('=', 2) is [{ Length: > 0 } header, var its] ? (header, its) : throw new FormatException($"“header:{value}” has no value: write it as in header:{Example(name)}") },
        "since" => query with { Since = Time(name, value) },
        "until" => query with { Until = Time(name, value) },
        "age" when value[0] == '<' => query with { Younger = Duration(name, value) },
        "age" when value[0] == '>' => query with { Older = Duration(name, value) },
        "age" => throw new FormatException($"“age:{value}” is not an age: write age:<1h for younger than one hour, or age:>1d for older than one day"),
        "state" when value.Equals("any", StringComparison.OrdinalIgnoreCase) => query with { State = null },
        "state" => query with
        {
            State = !char.IsAsciiDigit(value[0]) && Enum.TryParse<LetterState>(value, ignoreCase: true, out var state) && Enum.IsDefined(state)
                ? state
                : throw new FormatException($"“state:{value}” is not a state. Use there, replayed, discarded, restored, gone, kept, unseen or any"),
        },
        _ => throw new FormatException($"Unknown condition “{name}”. Use {Conditions}; or put the words in quotation marks to search for them"),
    };

    private static string Example(string name) => name switch
    {
        "header" => "Tenant=blue",
        "since" or "until" => "2026-01-31T03:00Z",
        "age" => "<1h",
        "state" => "replayed",
        _ => "VALUE",
    };

    private static DateTimeOffset Time(string name, string value) =>
        DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new FormatException($"“{name}:{value}” is not a time: write it as in {name}:{Example(name)}");

    private static TimeSpan Duration(string name, string value)
    {
        foreach (var (suffix, unit) in _units)
        {
            if (value.EndsWith(suffix, StringComparison.Ordinal) && long.TryParse(value.AsSpan(1, value.Length - 1 - suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                && count > 0 && count <= TimeSpan.FromDays(36500) / unit)
                return count * unit;
        }
        throw new FormatException($"“{name}:{value}” is not a duration: write a number with s, m, h, d or w, as in {name}:{value[0]}90m");
    }

    private static string Duration(TimeSpan duration)
    {
        var (suffix, unit) = _units.First(it => duration.Ticks % it.Unit.Ticks == 0 || it.Suffix == "ms");
        return string.Create(CultureInfo.InvariantCulture, $"{duration.Ticks / unit.Ticks}{suffix}");
    }

    // A name has small letters only, so that “System.TimeoutException: …” is text.
    private static IEnumerable<(string? Name, string Value, bool IsQuoted)> Words(string text)
    {
        for (var i = 0; i < text.Length;)
        {
            if (char.IsWhiteSpace(text[i]))
            {
                i++;
                continue;
            }
            var end = i;
            while (end < text.Length && text[end] is >= 'a' and <= 'z')
                end++;
            var name = end > i && end < text.Length && text[end] == ':' ? text[i..end] : null;
            i = name is null ? i : end + 1;
            if (i < text.Length && text[i] == '"')
                yield return (name, Quoted(text, ref i), true);
            else
            {
                var start = i;
                while (i < text.Length && !char.IsWhiteSpace(text[i]))
                    i++;
                yield return (name, text[start..i], false);
            }
        }
    }

    private static string Quoted(string text, ref int i)
    {
        var value = new StringBuilder();
        for (i++; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                i++;
                return value.ToString();
            }
            if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] is '"' or '\\')
                i++;
            value.Append(text[i]);
        }
        throw new FormatException("A quotation mark is missing at the end: write as in \"connection refused\"");
    }
}
