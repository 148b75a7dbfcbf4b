using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace WorkinIt.Gifs;

/// <summary>The built-in collection. Chooses a GIF by the words of the thought; the same thought always gets the same GIF.</summary>
public sealed class BuiltInGifs : IGifFinder
{
    private readonly CollectionGif[] _gifs;
    private readonly FrozenDictionary<string, int> _gifByWord;

    /// <summary>Reads the collection from the assembly's resources.</summary>
    public BuiltInGifs()
    {
        var entries = JsonSerializer.Deserialize<Entry[]>(Resource("collection.json"), JsonSerializerOptions.Web)!;
        _gifs = [.. entries.Select(entry => new CollectionGif(entry.Name, entry.Alt, Resource(entry.File)))];
        _gifByWord = entries
            .SelectMany((entry, index) => entry.Words.Select(word => KeyValuePair.Create(word, index)))
            .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>All GIFs, in the order of <c>collection.json</c>.</summary>
    public IReadOnlyList<CollectionGif> All => _gifs;

    /// <summary>Returns the GIF that most words of the thought match. If no word matches, a hash of the thought selects one.</summary>
    /// <param name="thought">Any text.</param>
    public CollectionGif Choose(string thought)
    {
        var votes = new int[_gifs.Length];
        var last = new int[_gifs.Length];
        var place = 0;
        foreach (var word in Words(thought))
        {
            place++;
            if (!_gifByWord.TryGetValue(word, out var index))
                continue;
            votes[index]++;
            last[index] = place;
        }
        // A tie goes to the one named last: "I love my cat", "happy birthday".
        var best = Enumerable.Range(0, _gifs.Length).MaxBy(index => (votes[index], last[index]));
        return _gifs[votes[best] > 0 ? best : StableNumber(thought) % _gifs.Length];
    }

    /// <inheritdoc/>
    public Task<Gif> FindAsync(string thought, CancellationToken cancellationToken) => Task.FromResult<Gif>(Choose(thought));

    private static IEnumerable<string> Words(string thought)
    {
        var start = -1;
        for (var i = 0; i <= thought.Length; i++)
        {
            var inWord = i < thought.Length && (char.IsLetterOrDigit(thought[i]) || thought[i] is '\'' or '’');
            if (inWord && start < 0)
                start = i;
            else if (!inWord && start >= 0)
            {
                yield return thought[start..i];
                start = -1;
            }
        }
    }

    // Not string.GetHashCode: it differs between processes, and two consumers must choose the same GIF.
    private static int StableNumber(string thought) =>
        BitConverter.ToUInt16(SHA256.HashData(Encoding.UTF8.GetBytes(thought)));

    private static byte[] Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not in the assembly: run dev/make-gifs and build again");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    private sealed record Entry(string Name, string File, string Alt, string[] Words);
}
