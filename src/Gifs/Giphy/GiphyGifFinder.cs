using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;
using Refit;

namespace WorkinIt.Gifs.Giphy;

/// <summary>Searches Giphy. If Giphy finds nothing, chooses from the built-in collection, so that the mail is sent anyway.</summary>
internal sealed class GiphyGifFinder(IGiphyApi giphy, IOptions<GiphyOptions> options, BuiltInGifs builtIn, GiphyCircuit circuit, TimeProvider time) : IGifFinder
{
    private const int LongestPhrase = 50;
    private const int LongestLink = 2048; // the size of the column in the ledger and the store

    public async Task<Gif> FindAsync(string thought, CancellationToken cancellationToken)
    {
        ApiResponse<GiphyTranslation> response;
        try
        {
            response = await giphy.TranslateAsync(options.Value.ApiKey!, Phrase(thought), "pg", cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutRejectedException or BrokenCircuitException or TaskCanceledException
            && !cancellationToken.IsCancellationRequested)
        {
            throw Unreachable(e);
        }

        using (response)
        {
            if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
                throw new GiphyKeyRefusedException((int)response.StatusCode.Value);
            if (!response.IsSuccessStatusCode)
                throw response.StatusCode is null
                    ? Unreachable(response.Error?.InnerException)
                    : new GifUnavailableException($"Giphy answered {(int)response.StatusCode}", RetryAfter(response) ?? Pause());
            if (response.Content is not { } translation || string.IsNullOrEmpty(translation.Meta?.ResponseId))
                throw new GifUnavailableException("Giphy answered 200 without a search result (response_id is empty, or the body can't be read)");
            try
            {
                return Read(translation.Data) ?? builtIn.Choose(thought) as Gif;
            }
            catch (InvalidOperationException) // half a surrogate pair as a JSON escape, in a value or a property name
            {
                throw new GifUnavailableException("Giphy answered 200 with text that is not valid Unicode");
            }
        }
    }

    private GifUnavailableException Unreachable(Exception? cause) => cause is BrokenCircuitException { RetryAfter: var pause }
        ? new GifUnavailableException("Giphy has failed too often just now, so it was not asked", pause, notAsked: true)
        // Without the cause's message, which may contain the request's URL, and with it the thought.
        : new GifUnavailableException($"Giphy is unreachable or too slow ({cause?.GetType().Name ?? "no answer"})", Pause());

    // After a failed probe, the circuit is open again. The pause prevents a retry in place, which would not reach Giphy and would hide that this try did.
    private TimeSpan? Pause() => circuit.IsOpen ? GiphyCircuit.Break : null;

    /// <summary>The first 50 characters, cut between words if there is a space in the second half.</summary>
    internal static string Phrase(string thought)
    {
        var line = string.Join(' ', thought.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        if (line.Length <= LongestPhrase)
            return line;
        var end = 0;
        var elements = StringInfo.GetTextElementEnumerator(line);
        while (elements.MoveNext() && elements.ElementIndex + elements.GetTextElement().Length <= LongestPhrase)
            end = elements.ElementIndex + elements.GetTextElement().Length;
        var gap = line.LastIndexOf(' ', end);
        return gap > LongestPhrase / 2 ? line[..gap] : line[..(end > 0 ? end : LongestPhrase)];
    }

    private static GiphyGif? Read(JsonElement data)
    {
        if (data.ValueKind != JsonValueKind.Object)
            return null;
        foreach (var rendition in (string[])["downsized", "fixed_height", "original"])
        {
            if (data.TryGetProperty("images", out var images) && images.ValueKind == JsonValueKind.Object
                && images.TryGetProperty(rendition, out var image) && image.ValueKind == JsonValueKind.Object
                && image.TryGetProperty("url", out var url) && url.ValueKind == JsonValueKind.String
                && Uri.TryCreate(url.GetString(), UriKind.Absolute, out var link) && link.Scheme == Uri.UriSchemeHttps
                && link.AbsoluteUri.Length <= LongestLink)
                return new GiphyGif(link, Text(data, "alt_text") ?? Text(data, "title") ?? "A GIF from Giphy");
        }
        throw new GifUnavailableException("Giphy answered 200 without the https URL of a GIF");
    }

    private static string? Text(JsonElement data, string property) =>
        data.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(value.GetString())
            ? value.GetString()!.Trim()
            : null;

    private TimeSpan? RetryAfter(ApiResponse<GiphyTranslation> response) =>
        response.Headers?.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - time.GetUtcNow(),
            _ => null,
        };
}
