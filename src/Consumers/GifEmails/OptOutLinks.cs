using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using WorkinIt.Deliveries;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>The link in each mail by which its recipient says "never mail me again". Web has the page.</summary>
internal sealed class OptOutLinks(OptOutTokens tokens, IOptions<OptOutLinkOptions> options)
{
    private readonly string _page = options.Value.Url!.TrimEnd('/') + "/never-again/";

    /// <param name="address">The recipient's.</param>
    public string For(string address) => _page + tokens.For(address);
}

/// <summary>The section <c>OptOut</c>, as far as the links in mails are concerned.</summary>
internal sealed class OptOutLinkOptions : IValidatableObject
{
    /// <summary>Web's address as the recipients of mails reach it.</summary>
    public string? Url { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrWhiteSpace(Url))
            yield return new ValidationResult("OptOut__Url is not set: Web's address as the recipients of mails reach it, as in https://gifs.example.com");
        else if (!Uri.TryCreate(Url, UriKind.Absolute, out var url) || url.UserInfo.Length > 0 || url.Query.Length > 0 || url.Fragment.Length > 0
            || !(url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))) // mail programs post to https only
            yield return new ValidationResult("OptOut__Url must be an address as in https://gifs.example.com; http on this machine only");
    }
}
