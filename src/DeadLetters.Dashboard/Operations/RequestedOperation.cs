using System.Globalization;
using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>The operations that the pages can start.</summary>
internal enum Verb
{
    Replay,
    Discard,
    Restore,
}

/// <summary>What a user requested. The dry run and the run share it.</summary>
/// <param name="Verb">What to do.</param>
/// <param name="Source">Where the queue is.</param>
/// <param name="Queue">The queue.</param>
/// <param name="Filter">Which of its messages.</param>
internal sealed record RequestedOperation(Verb Verb, DeadLetterSource Source, string Queue, DeadLetterFilter Filter)
{
    public double? Pace { get; init; }

    public bool Canary { get; init; }

    /// <summary>Whether the messages are moved without steps.</summary>
    public bool AllAtOnce { get; init; }

    /// <summary>The field with the key of the order; null: no order.</summary>
    public OrderField? InOrderBy { get; init; }

    /// <summary>The ids of the causes that the dry run found; null: unknown.</summary>
    public IReadOnlyCollection<string>? Causes { get; init; }

    /// <summary>How many messages the dry run found.</summary>
    public long? Expected { get; init; }

    public bool SendAgain { get; init; }

    public bool WasSent { get; init; }

    /// <summary>The target queue; null: the queue that each message failed in.</summary>
    public string? To { get; init; }

    public bool WithoutResponse { get; init; }

    /// <summary>Whether messages are moved that lose a part; see <see cref="ReplayRequest.AcceptLoss"/>.</summary>
    public bool AcceptLoss { get; init; }

    /// <summary>The edit; null if this is not an edit. Personal data.</summary>
    public Edit? Edit { get; init; }

    /// <summary>The patch; null if this is not a repair. May contain personal data.</summary>
    public MessagePatch? Patch { get; init; }

    /// <summary>Whether this contains what its user wrote, so that only that user may run it.</summary>
    public bool IsPersonal => Edit is not null || Patch is not null;

    public string Word => Patch is not null ? "repair and replay" : Edit is not null ? "edit and replay" : Verb.ToString().ToLowerInvariant();

    /// <summary>The selection as text that every viewer may see.</summary>
    public string Which => Filter.IsEmpty ? "all" : Masking.Filter(Filter.ToString());

    public ReplayRequest AsReplay(string by, TimeSpan outcomeWait) => new()
    {
        Queue = Queue,
        Filter = Filter,
        By = by,
        Pace = Pace,
        Canary = Canary,
        AllAtOnce = AllAtOnce,
        InOrderBy = InOrderBy,
        Causes = Causes,
        SendAgain = SendAgain,
        To = To,
        WithoutResponse = WithoutResponse,
        AcceptLoss = AcceptLoss,
        Edited = Edit?.Edited,
        Patch = Patch,
        Wait = outcomeWait,
        Expected = Expected,
    };

    public DiscardRequest AsDiscard(string by) => new() { Queue = Queue, Filter = Filter, By = by, WasSent = WasSent, AcceptLoss = AcceptLoss, Expected = Expected };

    /// <summary>A copy with the options of a form; the other values stay unchanged.</summary>
    /// <exception cref="FormatException">The pace is not a number, or is out of range; or the field of the order is none.</exception>
    public RequestedOperation With(PageContext page) => this with
    {
        Pace = PaceIn(page),
        Canary = page.IsTicked("canary"),
        AllAtOnce = page.IsTicked("atonce"),
        InOrderBy = page.Value("order") is { } field ? OrderIn(field) : null,
        SendAgain = page.IsTicked("again"),
        To = page.Value("to"),
        WithoutResponse = page.IsTicked("noresponse"),
        AcceptLoss = page.IsTicked("loss"),
        WasSent = page.IsTicked("sent"),
    };

    private static OrderField OrderIn(string field)
    {
        try
        {
            return OrderField.Parse(field);
        }
        catch (FormatException e)
        {
            throw new FormatException($"In order by: {e.Message}.", e);
        }
    }

    /// <summary>The pace in a form, in messages per second; null if it is empty.</summary>
    /// <exception cref="FormatException">It is not a number, or is out of range.</exception>
    public static double? PaceIn(PageContext page) => page.Value("pace") is not { } pace ? null
        : double.TryParse(pace, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var perSecond) && perSecond is >= ReplayRequest.LeastPace and <= 100_000 ? perSecond
        : throw new FormatException($"Pace: “{pace}” is not a valid number of messages per second. Enter a number such as 10 or 0.5 (at least 0.0034, one in 5 minutes), or leave it empty.");
}

/// <summary>An edit of one message.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="Original">The message before it.</param>
/// <param name="Edited">The message after it.</param>
internal sealed record Edit(string Id, string Original, string Edited);
