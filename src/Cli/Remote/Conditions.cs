using System.Globalization;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.Cli.Remote;

/// <summary>The conditions of a filter, as the API takes them.</summary>
internal static class Conditions
{
    /// <summary>The conditions as <c>--where</c> has them.</summary>
    public static IReadOnlyList<string> Of(DeadLetterFilter filter)
    {
        var conditions = Named(filter).Select(condition => $"{condition.Name}={condition.Value}").ToList();
        if (filter.Text is { } text)
            conditions.Add($"text={text}");
        if (filter.Ids is { } ids)
            conditions.Add($"id={string.Join(',', ids)}");
        return conditions;
    }

    /// <summary>The conditions as parameters of an address; without those that may be personal data.</summary>
    public static string Parameters(DeadLetterFilter filter) => string.Concat(Named(filter).Select(condition => $"&{condition.Name}={Uri.EscapeDataString(condition.Value)}"));

    /// <summary>The conditions as a search of the board.</summary>
    /// <exception cref="WrongUsageException">A condition has no counterpart there.</exception>
    public static string Query(DeadLetterFilter filter, string? source = null, string? queue = null)
    {
        if (filter.Ids is { Count: > 1 })
            throw new WrongUsageException("list with several ids can't be combined with --server: name one");
        return (CatalogueQuery.All with
        {
            Source = source,
            Queue = queue is null ? null : CatalogueQuery.CompleteQueue(queue),
            Exception = filter.Exception,
            Type = filter.MessageType,
            Cause = filter.Cause,
            Since = filter.Since,
            Until = filter.Until,
            Text = filter.Text,
            Id = filter.Ids?.FirstOrDefault(),
        }).ToString();
    }

    /// <summary>Refuses an id that must not be part of an address, because servers and proxies log addresses.</summary>
    /// <exception cref="WrongUsageException">It may be personal data.</exception>
    public static void CheckId(string id)
    {
        if (Masking.Value(id) != id)
            throw new WrongUsageException("With --server, this id can't be sent: it may be personal data, and addresses are logged. Use the dead letter's id, which “list” shows");
    }

    private static IEnumerable<(string Name, string Value)> Named(DeadLetterFilter filter)
    {
        if (filter.Exception is { } exception)
            yield return ("exception", exception);
        if (filter.MessageType is { } type)
            yield return ("type", type);
        if (filter.Cause is { } cause)
            yield return ("cause", cause);
        if (filter.Since is { } since)
            yield return ("since", since.ToString("O", CultureInfo.InvariantCulture));
        if (filter.Until is { } until)
            yield return ("until", until.ToString("O", CultureInfo.InvariantCulture));
    }
}
