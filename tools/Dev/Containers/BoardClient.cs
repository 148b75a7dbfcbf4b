using System.Net;
using System.Text.RegularExpressions;

namespace WorkinIt.Dev.Containers;

/// <summary>A user of the dead-letter pages: keeps cookies, and the token of the last form.</summary>
internal sealed partial class BoardClient(string address) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero })
    {
        BaseAddress = new Uri(address),
        Timeout = TimeSpan.FromSeconds(20),
    };

    private string _token = "";

    /// <summary>Opens a page.</summary>
    public Task<(HttpStatusCode Status, string Location, string Html)> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    /// <summary>Submits a form.</summary>
    public Task<(HttpStatusCode Status, string Location, string Html)> PostAsync(string path, params (string Name, string Value)[] fields) => SendAsync(new HttpRequestMessage(HttpMethod.Post, path)
    {
        Content = new FormUrlEncodedContent(fields.Append(("__RequestVerificationToken", _token)).Select(field => KeyValuePair.Create(field.Item1, field.Item2))),
    });

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<(HttpStatusCode Status, string Location, string Html)> SendAsync(HttpRequestMessage request)
    {
        using (request)
        using (var response = await _http.SendAsync(request))
        {
            var html = await response.Content.ReadAsStringAsync();
            if (Token().Match(html) is { Success: true } token)
                _token = WebUtility.HtmlDecode(token.Groups[1].Value);
            return (response.StatusCode, response.Headers.Location?.ToString() ?? "", html);
        }
    }

    [GeneratedRegex("""name="__RequestVerificationToken"[^>]*value="([^"]+)""")]
    private static partial Regex Token();
}
