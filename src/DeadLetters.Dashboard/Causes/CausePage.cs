using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Notifications;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Catalogue.Triage;

namespace WorkinIt.DeadLetters.Dashboard.Causes;

/// <summary>One cause: what it is, where its letters are, and what operators noted about it. Reads the catalogue only.</summary>
internal static class CausePage
{
    private const int NewestLetters = 10;
    private const int NewestChanges = 50;

    public static async Task<IResult> ShowAsync(PageContext page)
    {
        return await ModelAsync(page, page.Route("cause")) is { } model ? page.Page<CauseDetails, CauseModel>(model.Title, model) : NotFound(page, page.Route("cause"));
    }

    /// <summary>The cause; null if the catalogue does not know it.</summary>
    public static async Task<CauseModel?> ModelAsync(PageContext page, string id)
    {
        var cause = await FindAsync(page, id);
        var triage = (await page.Service<TriageStore>().GetAsync([id], page.Aborted))[id];
        var newest = await (await page.Service<OpenCatalogue>().ReaderAsync(page.Aborted)).LettersAsync(CatalogueQuery.All with { Cause = id, State = null }, 0, NewestLetters, page.Aborted);
        if (cause is null && triage.Track is null && newest.Letters.Count == 0)
            return null;
        return new CauseModel(id, cause, triage, CauseMarks.Of(triage, cause, page.Time.GetUtcNow()), newest)
        {
            History = await page.Service<TriageStore>().HistoryAsync(id, NewestChanges, page.Aborted),
            Notifications = page.Service<DeliveryQueue>().History(id, NewestChanges),
            Receivers = page.Service<NotificationOptions>().Receivers.ToDictionary(receiver => receiver.Key, receiver => receiver.Name, StringComparer.Ordinal),
        };
    }

    public static IResult NotFound(PageContext page, string id) => page.Problem(
        StatusCodes.Status404NotFound, "Cause not found", $"The catalogue has no cause {id}.", "Its letters may have left their queues long ago. See the list of queues.");

    /// <summary>Changes the triage of a cause, as the form says.</summary>
    public static async Task<IResult> ChangeAsync(PageContext page)
    {
        var id = page.Route("cause");
        var store = page.Service<TriageStore>();
        var known = (await store.GetAsync([id], page.Aborted))[id];
        var change = Read(page, known);
        var cause = await FindAsync(page, id);
        if (cause is null && known.Track is null)
            return NotFound(page, id);
        var (source, queue) = cause?.Queues is [var fullest, ..] ? (fullest.Source, fullest.Queue) : (null, "");
        await store.SetAsync(id, change, page.By, queue, page.Aborted, page.Sources.Count > 1 ? source : null);
        return PageContext.SeeOther(page.Links.Cause(id));
    }

    private static async Task<BoardCause?> FindAsync(PageContext page, string id) =>
        (await (await page.Service<OpenCatalogue>().ReaderAsync(page.Aborted)).BoardAsync(CatalogueQuery.All with { Cause = id }, page.Aborted)).Causes.FirstOrDefault(cause => cause.Cause.Id == id);

    // The form has all three fields of a note. A program may set one: the others stay.
    private static TriageChange Read(PageContext page, CauseTriage known) => page.Value("change") switch
    {
        "acknowledge" => new TriageChange.Acknowledge(),
        "unacknowledge" => new TriageChange.Unacknowledge(),
        "mute-1h" => new TriageChange.MuteUntil(page.Time.GetUtcNow().AddHours(1)),
        "mute-8h" => new TriageChange.MuteUntil(page.Time.GetUtcNow().AddHours(8)),
        "mute-version" => TriageInput.MuteUntilVersion(page.Value("version")),
        "unmute" => new TriageChange.Unmute(),
        "note" => TriageInput.Describe(Field(page, "owner", known.Owner), Field(page, "note", known.Note), Field(page, "link", known.Link)),
        _ => throw new FormatException("Change: this form was not sent from the page of a cause."),
    };

    private static string? Field(PageContext page, string name, string known) => page.Form.ContainsKey(name) ? page.Value(name) : known;
}

/// <param name="Id">The cause's id.</param>
/// <param name="Cause">Its letters; null if none are there.</param>
/// <param name="Triage">What is noted about it.</param>
/// <param name="Marks">Its marks.</param>
/// <param name="Newest">Its newest letters, wherever they are.</param>
internal sealed record CauseModel(string Id, BoardCause? Cause, CauseTriage Triage, CauseMarks Marks, LetterPage Newest)
{
    public required IReadOnlyList<TriageEntry> History { get; init; }

    public required IReadOnlyList<NotificationEntry> Notifications { get; init; }

    /// <summary>The names of the receivers by their keys.</summary>
    public required IReadOnlyDictionary<string, string> Receivers { get; init; }

    public string? ExceptionType => Cause?.Cause.ExceptionType ?? (Newest.Letters is [var newest, ..] ? newest.ExceptionType : null);

    public string Title => ExceptionType is { } type ? type[(type.LastIndexOf('.') + 1)..] : $"Cause {Id}";

    /// <summary>The texts of the newest letters, masked; each once.</summary>
    public IEnumerable<string> Texts => Newest.Letters.Select(letter => Masking.Text(letter.Reason)).Distinct(StringComparer.Ordinal).Where(text => text != Cause?.Cause.Text);

    /// <summary>The form of the buttons for a queue.</summary>
    public static DeadLetterQueue QueueOf(QueueCount count) => new(count.Queue, count.Count, "", count.Queue.EndsWith("_discarded", StringComparison.Ordinal), null);
}
