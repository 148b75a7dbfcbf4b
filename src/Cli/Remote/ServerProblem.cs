using System.Net;
using System.Text.Json;

namespace WorkinIt.Cli.Remote;

/// <summary>Why a server did not do what was asked for, and what to do about it.</summary>
internal static class ServerProblem
{
    private const int LongestText = 2000;
    private const string ProblemType = "application/problem+json";
    private static readonly TimeSpan _longestRead = TimeSpan.FromSeconds(30); // of a problem's text

    /// <summary>The problem of an answer that is not a success.</summary>
    public static async Task<ServerException> OfAsync(ServerAddress address, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if ((int)response.StatusCode is >= 300 and < 400)
        {
            return new ServerException(
                $"{address.Api} answers with a redirect{(response.Headers.Location is { } location ? $" to {Host(address, location)}" : "")}. The token was not sent there. Use the address of the pages themselves: --server https://host/path", ExitCode.WrongUsage);
        }
        if (response.Content.Headers.ContentType?.MediaType != ProblemType)
            return NotTheApi(address, response);
        var (title, detail, advice, field) = await ReadAsync(response, cancellationToken);
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized => new ServerException($"{detail} Set {ServerOptions.TokenSetting} to a token that an operator makes at {address.Tokens}", ExitCode.WrongUsage),
            HttpStatusCode.Conflict when field == "confirm" => new ServerException($"{title}: {detail} A program does not read it. A person can: “workinit dead-letters list” or “show”", ExitCode.Incomplete, field),
            HttpStatusCode.Forbidden => new ServerException($"{title}: {detail} {advice ?? $"Use a token with more rights: {address.Tokens}"}", ExitCode.Incomplete),
            HttpStatusCode.BadRequest => new ServerException($"{title}: {detail}{After(advice)}", ExitCode.WrongUsage, field),
            HttpStatusCode.NotFound when title == "Queue not found" => new ServerException($"{detail}{After(advice)}", ExitCode.WrongUsage, field),
            HttpStatusCode.NotFound => new ServerException($"{title}: {detail}{After(advice)}", ExitCode.Incomplete, field) { IsNotFound = true },
            HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable =>
                new ServerException($"{title}: {detail}{After(advice)}{(response.Headers.RetryAfter?.Delta is { } wait ? $" Try again after {Math.Ceiling(wait.TotalSeconds)} s" : "")}", ExitCode.Unreachable) { IsOfTheBroker = response.StatusCode == HttpStatusCode.ServiceUnavailable },
            _ => new ServerException($"{title}: {detail}{After(advice)}", ExitCode.Incomplete, field),
        };
    }

    /// <summary>The problem of an answer that the API does not give.</summary>
    public static ServerException NotTheApi(ServerAddress address, HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        return status >= 500
            ? new ServerException($"{address.Api} answers with status {status}: the server, or a proxy before it, does not work now. Try again later", ExitCode.Unreachable)
            : new ServerException(
                $"{address.Api} is not the API of dead-letter pages: it answers with status {status}{(response.Content.Headers.ContentType?.MediaType is { } type ? $" and {type}" : "")}. "
                + "Use the address of the pages, such as --server https://shop.example.com/dead-letters; the server may also be older than the API", ExitCode.WrongUsage);
    }

    /// <summary>Whether a connection was lost after it had come about, so that the server may have got the request.</summary>
    public static bool IsLost(HttpRequestException e) => e.HttpRequestError == HttpRequestError.ResponseEnded || (e is { HttpRequestError: HttpRequestError.Unknown, InnerException: IOException });

    /// <summary>The problem of a connection that did not come about, or broke off.</summary>
    public static ServerException Unreachable(ServerAddress address, HttpRequestException e)
    {
        var why = e.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => "its name can't be resolved",
            HttpRequestError.SecureConnectionError => $"no secure connection: {(e.InnerException?.InnerException ?? e.InnerException ?? e).Message.TrimEnd('.')}",
            HttpRequestError.ConnectionError => (e.InnerException ?? e).Message.TrimEnd('.'),
            _ when IsLost(e) => "the connection was lost before the answer",
            var other => $"{other}",
        };
        return new ServerException($"{address.Pages} is unreachable: {why}. Check --server, and that the server runs", ExitCode.Unreachable)
        {
            MayHaveActed = e.HttpRequestError is not (HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ConnectionError),
        };
    }

    private static async Task<(string Title, string Detail, string? Advice, string? Field)> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(_longestRead);
        try
        {
            using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(patience.Token));
            return (Text(json, "title") ?? "Problem", Sentence(Text(json, "detail") ?? ""), Text(json, "advice"), Text(json, "field"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or IOException or HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return ($"Status {(int)response.StatusCode}", "", null, null);
        }
    }

    private static string? Text(JsonDocument json, string name) =>
        json.RootElement.TryGetProperty(name, out var value) && value.GetString() is { Length: > 0 } text ? text.Length > LongestText ? text[..LongestText] : text : null;

    private static string Sentence(string text) => text.Length == 0 || text[^1] is '.' or '!' or '?' ? text : text + ".";

    private static string After(string? advice) => advice is null ? "" : $" {advice}";

    // Without path and query, which may contain secrets of a sign-in.
    private static string Host(ServerAddress address, Uri location) => new Uri(address.Api, location).GetLeftPart(UriPartial.Authority);
}
