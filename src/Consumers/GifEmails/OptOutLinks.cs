using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using WorkinIt.Deliveries;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>Builds the unsubscribe link in each mail ("Unsubscribe"). Web serves its page.</summary>
internal sealed class OptOutLinks(OptOutTokens tokens, IOptions<OptOutLinkOptions> options)
{
    private readonly string _page = options.Value.Url!.TrimEnd('/') + "/never-again/";

    /// <param name="address">The recipient's address.</param>
    public string For(string address) => _page + tokens.For(address);
}

/// <summary>The settings of section <c>OptOut</c> for the links in mails.</summary>
internal sealed class OptOutLinkOptions : IValidatableObject
{
    /// <summary>The public URL of Web, as recipients reach it.</summary>
    public string? Url { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrWhiteSpace(Url))
            yield return new ValidationResult("OptOut__Url is not set: the public URL of Web, for example https://gifs.example.com");
        else if (!Uri.TryCreate(Url, UriKind.Absolute, out var url) || url.UserInfo.Length > 0 || url.Query.Length > 0 || url.Fragment.Length > 0
            || !(url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))) // mail programs post to https only
            yield return new ValidationResult("OptOut__Url must be a URL such as https://gifs.example.com; http is allowed on this machine only");
    }
}
