using System.Collections;
using System.Globalization;

namespace WorkinIt.DeadLetters.Catalogue;

/// <summary>The sources of an application: the default one first, then the others in the order of their registration.</summary>
internal sealed class DeadLetterSources : IReadOnlyList<DeadLetterSource>, IDisposable
{
    private const int LongestName = 64;

    private readonly List<DeadLetterSource> _sources;

    /// <summary>Creates a client for each source.</summary>
    /// <param name="first">The broker of the default source.</param>
    /// <param name="firstName">The name of the default source; null: that of its virtual host.</param>
    /// <param name="more">The other sources.</param>
    /// <param name="connect">Creates a client.</param>
    /// <exception cref="InvalidOperationException">Two sources have the same name, or are the same virtual host.</exception>
    public DeadLetterSources(DeadLetterOptions first, string? firstName, IEnumerable<(string Name, DeadLetterOptions Options)> more, Func<DeadLetterOptions, DeadLetterClient> connect)
    {
        List<(string Name, DeadLetterOptions Options)> all = [(firstName ?? first.VirtualHost, first), .. more];
        Check(all);
        _sources = [.. all.Select((source, index) =>
        {
            var options = all.Count == 1 ? source.Options : source.Options with { Source = source.Name };
            return new DeadLetterSource(source.Name, options, connect(options), IsDefault: index == 0, IsOnly: all.Count == 1);
        })];
    }

    public int Count => _sources.Count;

    /// <summary>The source of <c>AddDeadLetters</c>.</summary>
    public DeadLetterSource Default => _sources[0];

    public DeadLetterSource this[int index] => _sources[index];

    /// <summary>Checks the name of a source: it is a part of addresses.</summary>
    /// <exception cref="FormatException">The name is not allowed. The message says which names are.</exception>
    public static void CheckName(string name)
    {
        if (name.Length is 0 or > LongestName || !char.IsAsciiLetterOrDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            throw new FormatException(string.Create(
                CultureInfo.InvariantCulture, $"“{name}” can't be the name of a source. Use up to {LongestName} letters, digits, hyphens, underscores and dots; the first must be a letter or a digit"));
        }
    }

    /// <summary>The source with a name; null if this application has none, so that it can't act there.</summary>
    public DeadLetterSource? Find(string name) => _sources.Find(source => source.Name == name);

    public IEnumerator<DeadLetterSource> GetEnumerator() => _sources.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        foreach (var source in _sources)
            source.Client.Dispose();
    }

    // A second feed of the same virtual host would wait for the lock of the first one for ever, and each letter would be on the board twice.
    private static void Check(List<(string Name, DeadLetterOptions Options)> all)
    {
        if (all.GroupBy(source => source.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(same => same.Count() > 1) is { } name)
        {
            throw new InvalidOperationException(
                $"Two sources of dead letters have the name “{name.Key}”. Give each a name of its own; the name of the first one is that of its virtual host, or {nameof(CatalogueOptions)}.{nameof(CatalogueOptions.Source)}");
        }
        if (all.GroupBy(source => PlaceOf(source.Options)).FirstOrDefault(same => same.Count() > 1) is { } place)
            throw new InvalidOperationException($"The sources of dead letters {string.Join(" and ", place.Select(source => $"“{source.Name}”"))} are the same virtual host, {place.Key}. Remove one of them");
    }

    private static string PlaceOf(DeadLetterOptions options) =>
        $"{options.VirtualHost} of {string.Join(", ", options.Endpoints.Select(node => string.Create(CultureInfo.InvariantCulture, $"{node.HostName.ToLowerInvariant()}:{node.Port}")).Order(StringComparer.Ordinal))}";
}
