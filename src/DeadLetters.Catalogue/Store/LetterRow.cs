using System.Security.Cryptography;
using System.Text;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>What letters of one group have in common. Letters of one group are one row on the board's way to a cause.</summary>
internal sealed record LetterGroup(string Cause, string? Exception, string? Types, string? Consumer, string? Version)
{
    /// <summary>Identifies the group in its queue: the values may be long, so that a database could not index them.</summary>
    public string Digest(long queue) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\u0001', queue, Cause, Exception, Types, Consumer, Version))).AsSpan(0, 16));
}

/// <summary>The complete contents of a letter, not compressed.</summary>
/// <param name="Head">Its properties and headers, one line of JSON as in an export file.</param>
/// <param name="Body">Its body.</param>
internal sealed record WholeLetter(byte[] Head, byte[] Body);

/// <summary>A letter as it is written to the database. Computed before the transaction, because that takes longer than the write.</summary>
internal sealed record LetterRow
{
    public const int LongestReason = 4096;
    private const int LongestName = 512;
    private const int MostTypes = 5;

    public required LetterId Id { get; init; }

    public required string Queue { get; init; }

    public required LetterGroup Group { get; init; }

    public required Cause Cause { get; init; }

    public required string? MessageId { get; init; }

    public required string Reason { get; init; }

    public required string? Host { get; init; }

    /// <summary>When it failed, in Unix milliseconds; null if it does not say.</summary>
    public required long? At { get; init; }

    public required long Size { get; init; }

    public required int Replays { get; init; }

    /// <summary>The last replay's id, with the message's number in it; null if it was not replayed.</summary>
    public required string? ReplayId { get; init; }

    /// <summary>Whether no consumer handled its type.</summary>
    public required bool IsSkipped { get; init; }

    public required bool Redelivered { get; init; }

    /// <summary>Whether its queue is missing.</summary>
    public required bool IsKept { get; init; }

    /// <summary>Its compressed contents; null if they are not kept.</summary>
    public required byte[]? Contents { get; init; }

    /// <summary>Its complete contents, if <see cref="Contents"/> has none: until it was seen in its queue. Null for a letter that was read from there.</summary>
    public required WholeLetter? Whole { get; init; }

    /// <param name="added">The letter.</param>
    /// <param name="isCopy">Whether it is a copy from the feed; otherwise it was read from its queue.</param>
    /// <param name="options">The settings.</param>
    public static LetterRow Of(NewLetter added, bool isCopy, CatalogueOptions options)
    {
        var letter = added.Letter;
        var cause = letter.Cause;
        var contents = options.Bodies && letter.Body.Length <= options.LargestBody ? LetterContents.Write(letter) : null;
        var types = string.Join('\n', letter.MessageTypes.Take(MostTypes));
        return new LetterRow
        {
            Id = LetterId.Of(letter),
            Queue = letter.Queue,
            Cause = cause,
            Group = new LetterGroup(cause.Id, Name(cause.ExceptionType), Name(types.Length == 0 ? null : types), Name(letter.Consumer), Name(letter.Header("MT-Host-AssemblyVersion"))),
            MessageId = Name(letter.MessageId),
            Reason = PlainTexts.Storable(letter.Reason, LongestReason),
            Host = Name(letter.Host),
            At = letter.FailedAt?.ToUnixTimeMilliseconds(),
            Size = letter.Body.Length,
            Replays = letter.LastReplay?.Count ?? 0,
            ReplayId = letter.LastReplay?.Id,
            IsSkipped = letter.Kind == DeadLetterKind.Skipped || letter.Queue.EndsWith("_skipped", StringComparison.Ordinal),
            Redelivered = added.Redelivered,
            IsKept = added.IsKept,
            Contents = contents,
            Whole = isCopy && contents is null ? LetterContents.WriteWhole(letter) : null,
        };
    }

    public static string? Name(string? text) => text is null ? null : PlainTexts.Storable(text, LongestName);
}
