using System.Text.Json;
using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>The request of a dry run in a form that another instance can read.</summary>
internal sealed record StoredRequest
{
    public required Verb Verb { get; init; }

    public required string Queue { get; init; }

    /// <summary>The name of the queue's source; null if an older version wrote this, which had one.</summary>
    public string? Source { get; init; }

    public string? Exception { get; init; }

    public string? Text { get; init; }

    public string? MessageType { get; init; }

    public string? Cause { get; init; }

    public DateTimeOffset? Since { get; init; }

    public DateTimeOffset? Until { get; init; }

    public IReadOnlyList<string>? Ids { get; init; }

    public long? Expected { get; init; }

    public double? Pace { get; init; }

    public bool Canary { get; init; }

    public bool AllAtOnce { get; init; }

    public string? InOrderBy { get; init; }

    public bool SendAgain { get; init; }

    public bool WasSent { get; init; }

    public string? To { get; init; }

    public bool WithoutResponse { get; init; }

    public bool AcceptLoss { get; init; }

    /// <summary>Writes a request; null for an edit or a repair, which belong to one user.</summary>
    public static string? Write(RequestedOperation requested) => requested.Edit is not null || requested.Patch is not null || requested.Filter.Condition is not null ? null : JsonSerializer.Serialize(new StoredRequest
    {
        Verb = requested.Verb,
        Queue = requested.Queue,
        Source = requested.Source.Name,
        Exception = requested.Filter.Exception,
        Text = requested.Filter.Text,
        MessageType = requested.Filter.MessageType,
        Cause = requested.Filter.Cause,
        Since = requested.Filter.Since,
        Until = requested.Filter.Until,
        Ids = requested.Filter.Ids is { } ids ? [.. ids] : null,
        Expected = requested.Expected,
        Pace = requested.Pace,
        Canary = requested.Canary,
        AllAtOnce = requested.AllAtOnce,
        InOrderBy = requested.InOrderBy?.ToString(),
        SendAgain = requested.SendAgain,
        WasSent = requested.WasSent,
        To = requested.To,
        WithoutResponse = requested.WithoutResponse,
        AcceptLoss = requested.AcceptLoss,
    });

    /// <summary>Reads what <see cref="Write"/> wrote. A form of the pages replaces the options (pace, canary, …).</summary>
    /// <param name="json">The request.</param>
    /// <param name="sources">The sources of this application.</param>
    /// <exception cref="DeadLetterException">This application does not have the source.</exception>
    public static RequestedOperation Read(string json, DeadLetterSources sources)
    {
        var stored = JsonSerializer.Deserialize<StoredRequest>(json)!;
        var filter = new DeadLetterFilter
        {
            Exception = stored.Exception,
            Text = stored.Text,
            MessageType = stored.MessageType,
            Cause = stored.Cause,
            Since = stored.Since,
            Until = stored.Until,
            Ids = stored.Ids is { } ids ? DeadLetterFilter.ById(ids).Ids : null,
        };
        var source = stored.Source is { } name ? sources.Find(name) ?? throw new DeadLetterException(DeadLetterProblem.Refused, $"This application is not connected to {name}") : sources.Default;
        return new RequestedOperation(stored.Verb, source, stored.Queue, filter)
        {
            Expected = stored.Expected,
            Pace = stored.Pace,
            Canary = stored.Canary,
            AllAtOnce = stored.AllAtOnce,
            InOrderBy = stored.InOrderBy is { } field ? OrderField.Parse(field) : null,
            SendAgain = stored.SendAgain,
            WasSent = stored.WasSent,
            To = stored.To,
            WithoutResponse = stored.WithoutResponse,
            AcceptLoss = stored.AcceptLoss,
        };
    }
}
