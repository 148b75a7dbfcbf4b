using System.ComponentModel.DataAnnotations;

namespace WorkinIt.Gifs.Giphy;

/// <summary>The section <c>Giphy</c>.</summary>
public sealed class GiphyOptions : IValidatableObject
{
    /// <summary><c>Giphy__ApiKey</c>: a key from developers.giphy.com. Without a key, the built-in collection is used.</summary>
    public string? ApiKey { get; set; }

    /// <summary><c>Giphy__BaseUrl</c>: the http or https URL of Giphy's API.</summary>
    [Required(ErrorMessage = "Giphy__BaseUrl is empty: unset it to use Giphy's own URL")]
    public Uri BaseUrl { get; set; } = new("https://api.giphy.com");

    /// <summary><c>Giphy__Timeout</c>: the timeout for all tries of one search together. A search that takes longer is tried again later.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:00:30", ErrorMessage = "Giphy__Timeout must be from 00:00:01 to 00:00:30")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(8);

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!BaseUrl.IsAbsoluteUri || (BaseUrl.Scheme != Uri.UriSchemeHttps && BaseUrl.Scheme != Uri.UriSchemeHttp))
            yield return new ValidationResult("Giphy__BaseUrl must be an http or https URL, such as https://api.giphy.com");
    }
}
