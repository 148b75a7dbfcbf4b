using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace WorkinIt.DeadLetters.Dashboard.Queues;

/// <summary>
/// Reads and writes a filter in forms and addresses. The search text may be a person's name, so it is encrypted in addresses. The encrypted
/// text expires after one day.
/// </summary>
internal static class FilterForm
{
    /// <summary>The name of the encrypted part in addresses and forms.</summary>
    public const string Words = "words";

    private const string Purpose = "WorkinIt.DeadLetters.Dashboard: words that are looked for";
    private static readonly TimeSpan _life = TimeSpan.FromDays(1);

    /// <summary>Reads a filter from the query, or from the posted form.</summary>
    /// <exception cref="FormatException">A value can't be read.</exception>
    public static DeadLetterFilter Read(PageContext page) => new()
    {
        Exception = page.Value("exception"),
        MessageType = page.Value("type"),
        Cause = page.Value("cause"),
        Ids = Ids(page.Value("id")),
        Since = Time("Since", page.Value("since")),
        Until = Time("Until", page.Value("until")),
        Text = page.Value("text") ?? Decrypt(page),
    };

    /// <summary>The query string that <see cref="Read"/> reads.</summary>
    public static string Query(PageContext page, DeadLetterFilter filter, params IEnumerable<(string, string?)> more) => Links.Query([.. Parts(page, filter), .. more]);

    /// <summary>The hidden fields that <see cref="Read"/> reads.</summary>
    public static IEnumerable<(string Name, string? Value)> Parts(PageContext page, DeadLetterFilter filter) =>
    [
        ("exception", filter.Exception),
        ("type", filter.MessageType),
        ("cause", filter.Cause),
        ("id", filter.Ids is { Count: > 0 } ids ? string.Join(',', ids) : null),
        ("since", Written(filter.Since)),
        ("until", Written(filter.Until)),
        (Words, Encrypt(page, filter.Text)),
    ];

    /// <summary>A time in UTC, in the format of a form's input.</summary>
    public static string? Written(DateTimeOffset? time) => time?.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);

    private static IReadOnlySet<string>? Ids(string? ids) =>
        ids?.Split([',', ' '], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } some ? DeadLetterFilter.ById(some).Ids : null;

    private static DateTimeOffset? Time(string label, string? value) =>
        value is null ? null
        : DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
        : throw new FormatException($"{label}: “{value}” is not a time. Use the format 2026-01-31T03:00, in UTC.");

    /// <summary>Encrypts text that must not be readable in an address; null stays null.</summary>
    public static string? Encrypt(PageContext page, string? text) => text is null ? null : Protector(page).Protect(text, _life);

    /// <summary>The text in the address or form that <see cref="Encrypt"/> wrote; null if there is none.</summary>
    /// <exception cref="FormatException">It has expired.</exception>
    public static string? Decrypt(PageContext page)
    {
        if (page.Value(Words) is not { } words)
            return null;
        try
        {
            return Protector(page).Unprotect(words);
        }
        catch (CryptographicException)
        {
            throw new FormatException("The search text in this link has expired. Search again.");
        }
    }

    private static ITimeLimitedDataProtector Protector(PageContext page) =>
        page.Service<IDataProtectionProvider>().CreateProtector(Purpose).ToTimeLimitedDataProtector();
}
