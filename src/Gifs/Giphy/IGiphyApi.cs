using System.Text.Json.Serialization;
using Refit;

namespace WorkinIt.Gifs.Giphy;

/// <summary>What we use of Giphy's API. Source: developers.giphy.com/docs/api/endpoint (Translate).</summary>
internal interface IGiphyApi
{
    /// <summary>Turns a phrase into one GIF.</summary>
    /// <param name="apiKey">The key.</param>
    /// <param name="phrase">50 characters at most.</param>
    /// <param name="rating">The strictest rating that may come.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    [Get("/v1/gifs/translate")]
    Task<ApiResponse<GiphyTranslation>> TranslateAsync(
        [AliasAs("api_key")] string apiKey, [AliasAs("s")] string phrase, [AliasAs("rating")] string rating, CancellationToken cancellationToken);
}

/// <summary>The answer. <see cref="Data"/> is an empty array instead of an object where Giphy found nothing, hence the raw element.</summary>
internal sealed record GiphyTranslation(
    [property: JsonPropertyName("data")] System.Text.Json.JsonElement Data,
    [property: JsonPropertyName("meta")] GiphyMeta? Meta);

/// <summary>An answer that Giphy's edge made up, without asking its search, has status 200 and an empty response id.</summary>
internal sealed record GiphyMeta([property: JsonPropertyName("response_id")] string? ResponseId);
