using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace WorkinIt.Dev.Containers;

/// <summary>A user of the system in containers: submits, reads mails, and asks RabbitMQ.</summary>
internal sealed partial class ComposeClient : IDisposable
{
    // A new connection for each request: containers are stopped, killed and replaced between them.
    private readonly HttpClient _http = new(
        new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero })
    {
        Timeout = TimeSpan.FromSeconds(20),
    };

    private readonly string _mails = $"http://127.0.0.1:{ComposeProject.Port("MAIL")}";
    private readonly string _management = $"http://127.0.0.1:{ComposeProject.Port("MANAGEMENT")}";

    /// <summary>Submits through the API.</summary>
    /// <param name="web">The address of Web.</param>
    /// <param name="email">The recipient.</param>
    /// <param name="thought">The thought.</param>
    public async Task SubmitAsync(string web, string email, string thought = "a quiet afternoon")
    {
        using var response = await _http.PostAsJsonAsync(new Uri($"{web}/api/submissions"), new { email, thought });
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Submits through the form, like a browser: posts the page's hidden fields and sends its cookie.</summary>
    /// <param name="web">The address of the Web that gets the form.</param>
    /// <param name="email">The recipient.</param>
    /// <param name="renderedBy">The address of the Web that renders the form.</param>
    /// <returns>The status code and the address that the answer redirects to.</returns>
    public async Task<(HttpStatusCode Status, string Location)> SubmitFormAsync(string web, string email, string renderedBy)
    {
        using var page = await _http.GetAsync(new Uri(renderedBy + "/"));
        page.EnsureSuccessStatusCode();
        var html = await page.Content.ReadAsStringAsync();
        var fields = HiddenField().Matches(html).Select(field => KeyValuePair.Create(Attribute(field.Value, "name"), Attribute(field.Value, "value")));
        using var post = new HttpRequestMessage(HttpMethod.Post, new Uri(web + "/"))
        {
            Content = new FormUrlEncodedContent([.. fields, KeyValuePair.Create("email", email), KeyValuePair.Create("thought", "rain on a tent")]),
        };
        if (page.Headers.TryGetValues("Set-Cookie", out var cookies))
            post.Headers.Add("Cookie", string.Join("; ", cookies.Select(cookie => cookie.Split(';')[0])));
        using var response = await _http.SendAsync(post);
        return (response.StatusCode, response.Headers.Location?.ToString() ?? "");
    }

    /// <summary>Returns the status code and the address that the answer redirects to.</summary>
    public async Task<(HttpStatusCode Status, string Location)> GetAsync(string url)
    {
        using var response = await _http.GetAsync(new Uri(url));
        return (response.StatusCode, response.Headers.Location?.ToString() ?? "");
    }

    /// <summary>Returns all mails as text, in Mailpit's form, and in that of MailDev, which may replace Mailpit.</summary>
    public async Task<string> MailsAsync() => await TextAsync($"{_mails}/api/v1/messages?limit=200") + await TextAsync($"{_mails}/api/email");

    /// <summary>Returns whether a mail to a recipient has arrived.</summary>
    public async Task<bool> IsMailedAsync(string email) => (await MailsAsync()).Contains(email, StringComparison.Ordinal);

    /// <summary>Asks RabbitMQ's management API.</summary>
    /// <param name="path">The path below /api/.</param>
    public async Task<JsonElement> AskManagementAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{_management}/api/{path}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("operator:operator")));
        using var response = await _http.SendAsync(request);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<string> TextAsync(string url)
    {
        using var response = await _http.GetAsync(new Uri(url));
        return response.IsSuccessStatusCode ? await response.Content.ReadAsStringAsync() : "";
    }

    private static string Attribute(string element, string name) => Regex.Match(element, $"{name}=\"([^\"]*)\"").Groups[1].Value;

    [GeneratedRegex("""<input[^>]*type="hidden"[^>]*>""")]
    private static partial Regex HiddenField();
}
