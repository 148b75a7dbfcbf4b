using System.Text.Json.Serialization;
using Refit;

namespace WorkinIt.Gifs.Giphy;

/// <summary>The part of Giphy's API that we use. Source: developers.giphy.com/docs/api/endpoint (Translate).</summary>
internal interface IGiphyApi
{
    /// <summary>Turns a phrase into one GIF.</summary>
    /// <param name="apiKey">The key.</param>
    /// <param name="phrase">At most 50 characters.</param>
    /// <param name="rating">The highest content rating that a result may have.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    [Get("/v1/gifs/translate")]
    Task<ApiResponse<GiphyTranslation>> TranslateAsync(
        [AliasAs("api_key")] string apiKey, [AliasAs("s")] string phrase, [AliasAs("rating")] string rating, CancellationToken cancellationToken);
}

/// <summary>The response. <see cref="Data"/> is a raw element because it is an empty array instead of an object if Giphy found nothing.</summary>
internal sealed record GiphyTranslation(
    [property: JsonPropertyName("data")] System.Text.Json.JsonElement Data,
    [property: JsonPropertyName("meta")] GiphyMeta? Meta);

/// <summary>Metadata. If Giphy's edge responds without searching, the status is 200 and the response id is empty.</summary>
internal sealed record GiphyMeta([property: JsonPropertyName("response_id")] string? ResponseId);
