using System.Net;
using System.Text;
using System.Text.Json;

namespace WorkinIt.Testbed;

/// <summary>A program that uses the HTTP API of the dead-letter pages.</summary>
public sealed class ApiClient : IDisposable
{
    private readonly HttpClient _http;

    /// <summary>Creates a client.</summary>
    /// <param name="address">The application's address.</param>
    /// <param name="token">Its token; null: none.</param>
    /// <param name="path">The path of the API.</param>
    public ApiClient(Uri address, string? token, string path = "/dead-letters/api/v1/")
    {
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(address, path), Timeout = TimeSpan.FromSeconds(60) };
        if (token is not null)
            _http.DefaultRequestHeaders.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Sends a GET.</summary>
    /// <param name="path">The path below that of the API.</param>
    /// <param name="headers">More headers.</param>
    public Task<ApiReply> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path), headers);

    /// <summary>Sends a POST.</summary>
    /// <param name="path">The path below that of the API.</param>
    /// <param name="json">The body; null: none.</param>
    /// <param name="headers">More headers.</param>
    public Task<ApiReply> PostAsync(string path, string? json, params (string Name, string Value)[] headers) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json") }, headers);

    /// <summary>Waits until an operation has ended.</summary>
    /// <param name="started">The answer to its start.</param>
    public Task<ApiReply> SeeEndAsync(ApiReply started) => Eventually.SeeAsync(
        () => GetAsync(started.Location ?? throw new InvalidOperationException($"Nothing was started: {started.Text}")), answer => answer.Json.GetProperty("state").GetString() is not "running", "the operation has ended", TimeSpan.FromMinutes(2));

    /// <summary>Sends a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="headers">More headers.</param>
    public async Task<ApiReply> SendAsync(HttpRequestMessage request, params (string Name, string Value)[] headers)
    {
        using (request)
        {
            foreach (var (name, value) in headers)
                request.Headers.TryAddWithoutValidation(name, value);
            using var response = await _http.SendAsync(request);
            return new ApiReply(
                response.StatusCode, await response.Content.ReadAsStringAsync(), response.Content.Headers.ContentType?.MediaType, response.Headers.Location?.ToString(), response.Headers.RetryAfter?.Delta);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();
}

/// <summary>An answer of the API.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Text">The body.</param>
/// <param name="ContentType">Its content type.</param>
/// <param name="Location">The Location header.</param>
/// <param name="RetryAfter">The Retry-After header.</param>
public sealed record ApiReply(HttpStatusCode Status, string Text, string? ContentType, string? Location, TimeSpan? RetryAfter)
{
    /// <summary>The body as JSON.</summary>
    public JsonElement Json => JsonElement.Parse(Text);

    /// <summary>A text of the body; null if it is missing.</summary>
    /// <param name="name">The name of the property.</param>
    public string? this[string name] => Json.TryGetProperty(name, out var value) ? value.ToString() : null;
}
