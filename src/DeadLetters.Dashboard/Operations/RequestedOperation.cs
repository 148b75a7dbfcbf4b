using System.Globalization;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>The verbs that a page acts by.</summary>
internal enum Verb
{
    Replay,
    Discard,
    Restore,
}

/// <summary>What a person wants done, as the dry run and the run share it.</summary>
internal sealed record RequestedOperation(Verb Verb, string Queue, DeadLetterFilter Filter)
{
    /// <summary>How long a run watches for outcomes after its last message.</summary>
    public static readonly TimeSpan Wait = TimeSpan.FromMinutes(1);

    public double? Pace { get; init; }

    public bool Canary { get; init; }

    /// <summary>How many the dry run has found.</summary>
    public long? Expected { get; init; }

    public bool SendAgain { get; init; }

    public bool WasSent { get; init; }

    /// <summary>Another queue than the one that each message failed in.</summary>
    public string? To { get; init; }

    public bool WithoutResponse { get; init; }

    /// <summary>Of an edit. Personal data.</summary>
    public Edit? Edit { get; init; }

    public string Word => Edit is not null ? "edit and replay" : Verb.ToString().ToLowerInvariant();

    /// <summary>Which ones, in words that may be shown to anybody who looks.</summary>
    public string Which => Filter.IsEmpty ? "all" : Masking.Filter(Filter.ToString());

    public ReplayRequest AsReplay(string by) => new()
    {
        Queue = Queue,
        Filter = Filter,
        By = by,
        Pace = Pace,
        Canary = Canary,
        SendAgain = SendAgain,
        To = To,
        WithoutResponse = WithoutResponse,
        Edited = Edit?.Edited,
        Wait = Wait,
        Expected = Expected,
    };

    /// <summary>The options of a form; the others stay as they are.</summary>
    /// <exception cref="FormatException">The pace is none, or too slow.</exception>
    public RequestedOperation With(PageContext page) => this with
    {
        Pace = page.Value("pace") is not { } pace ? null
            : double.TryParse(pace, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var perSecond) && perSecond is >= ReplayRequest.LeastPace and <= 100_000 ? perSecond
            : throw new FormatException($"Pace: “{pace}” is no number of messages a second. Write it as 10 or 0.5 (0.0034, one in 5 minutes, is the least), or leave it empty."),
        Canary = page.IsTicked("canary"),
        SendAgain = page.IsTicked("again"),
        To = page.Value("to"),
        WithoutResponse = page.IsTicked("noresponse"),
        WasSent = page.IsTicked("sent"),
    };
}

/// <summary>An edit of one message.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="Original">The message before it.</param>
/// <param name="Edited">The message after it.</param>
internal sealed record Edit(string Id, string Original, string Edited);
