using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using RabbitMQ.Client;

namespace WorkinIt.Testbed;

/// <summary>Sets up a system under test for the dead-letter pages.</summary>
public static class DeadLetterPages
{
    /// <summary>Enables the pages in Web. Must be called before the Web process is created.</summary>
    /// <param name="system">The system.</param>
    public static void AddTo(WorkinItSystem system)
    {
        system.Settings["ConnectionStrings__DeadLetters"] = system.VirtualHost.ConnectionString("replay");
        system.Settings["RabbitMqManagement__Url"] = system.Broker.Management.BaseAddress!.ToString();
    }

    /// <summary>Creates a system that is ready, with the pages enabled.</summary>
    /// <param name="settings">Additional settings of both services.</param>
    public static async Task<(WorkinItSystem System, ServiceProcess Web, ServiceProcess Consumers)> StartAsync(params (string Name, string Value)[] settings)
    {
        var system = await WorkinItSystem.CreateAsync();
        AddTo(system);
        var (web, consumers) = await system.StartServicesAsync(settings);
        return (system, web, consumers);
    }

    /// <summary>Adds a RabbitMQ user whose password is its name.</summary>
    /// <param name="broker">The broker.</param>
    /// <param name="name">The name.</param>
    /// <param name="tags">The management tags, separated by commas.</param>
    public static async Task AddUserAsync(TestBroker broker, string name, string tags) =>
        (await broker.Management.PutAsJsonAsync($"/api/users/{name}", new { password = name, tags })).EnsureSuccessStatusCode();

    /// <summary>Puts dead letters into a queue as MassTransit would.</summary>
    /// <param name="virtualHost">The virtual host of the queue.</param>
    /// <param name="queue">The dead-letter queue.</param>
    /// <param name="message">The message, as JSON.</param>
    /// <param name="exception">The exception's type.</param>
    /// <param name="reason">The exception's message.</param>
    /// <param name="id">The MessageId; null generates one for each message.</param>
    /// <param name="count">The number of dead letters.</param>
    /// <param name="at">When they failed; null: now.</param>
    public static async Task PutAsync(TestVirtualHost virtualHost, string queue, string message, string exception, string reason, Guid? id = null, int count = 1, DateTimeOffset? at = null)
    {
        await using var channel = await virtualHost.OpenChannelAsync();
        for (var number = 0; number < count; number++)
        {
            var messageId = id ?? Guid.CreateVersion7();
            var body = $$$"""
                {"messageId":"{{{messageId}}}","conversationId":"{{{Guid.CreateVersion7()}}}","sourceAddress":"rabbitmq://localhost/web","destinationAddress":"rabbitmq://localhost/WorkinIt.Contracts:SendGifEmail","messageType":["urn:message:WorkinIt.Contracts:SendGifEmail"],"message":{{{message}}},"sentTime":"2026-11-24T03:00:00Z","headers":{}}
                """;
            await channel.BasicPublishAsync("", queue, mandatory: true, new BasicProperties
            {
                MessageId = messageId.ToString(),
                ContentType = "application/vnd.masstransit+json",
                Persistent = true,
                Headers = new Dictionary<string, object?>
                {
                    ["MT-Reason"] = "fault",
                    ["MT-Fault-ExceptionType"] = exception,
                    ["MT-Fault-Message"] = reason,
                    ["MT-Fault-Timestamp"] = (at ?? DateTimeOffset.UtcNow).ToString("O"),
                    ["MT-Fault-StackTrace"] = "   at Somewhere.Handle() in /_/Somewhere.cs:line 12",
                    ["MT-Fault-InputAddress"] = "rabbitmq://localhost/send-gif-email",
                    ["X-Customer"] = "Jane Doe",
                },
            }, Encoding.UTF8.GetBytes(body));
        }
    }
}

/// <summary>A user of the dead-letter pages without a browser. Keeps cookies and antiforgery tokens; does not follow redirects.</summary>
public sealed partial class PageClient : IDisposable
{
    private readonly CookieContainer _cookies = new();
    private readonly HttpClient _http;
    private string _token = "";

    /// <summary>Creates a client that is not signed in.</summary>
    /// <param name="address">The application's address.</param>
    /// <param name="from">The client address to send in X-Forwarded-For, as a proxy would; null sends none.</param>
    public PageClient(Uri address, string? from = null)
    {
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = _cookies }) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };
        if (from is not null)
            _http.DefaultRequestHeaders.Add("X-Forwarded-For", from);
    }

    /// <summary>Sends a bearer token from now on, as a proxy would that has signed the user in.</summary>
    /// <param name="token">The token.</param>
    public void SendBearer(string token) => _http.DefaultRequestHeaders.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", token);

    /// <summary>Copies the current cookies and token to a client of another instance, as a browser that still holds them, or a thief, would use them.</summary>
    /// <param name="address">The other instance, on the same host.</param>
    public PageClient CopyTo(Uri address)
    {
        var copy = new PageClient(address) { _token = _token };
        copy._cookies.Add(_cookies.GetAllCookies());
        return copy;
    }

    /// <summary>Signs in at WorkinIt's page.</summary>
    /// <param name="user">A RabbitMQ user whose password is its name.</param>
    /// <param name="password">The password to send; null sends the user's name.</param>
    /// <param name="back">The return URL; null sends none.</param>
    public async Task<Answer> SignInAsync(string user, string? password = null, string? back = null)
    {
        var path = "/dead-letters/sign-in" + (back is null ? "" : $"?returnUrl={Uri.EscapeDataString(back)}");
        await GetAsync(path);
        return await PostAsync(path, ("username", user), ("password", password ?? user));
    }

    /// <summary>Opens a page and keeps its antiforgery token for the next form.</summary>
    /// <param name="path">The path.</param>
    public Task<Answer> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    /// <summary>Opens a page without reading it to its end, as an open connection for events.</summary>
    /// <param name="path">The path.</param>
    public Task<HttpResponseMessage> OpenAsync(string path) => _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);

    /// <summary>Submits a form with the token of the last page that had one.</summary>
    /// <param name="path">The path.</param>
    /// <param name="fields">The fields.</param>
    public Task<Answer> PostAsync(string path, params (string Name, string Value)[] fields) => PostWithoutTokenAsync(path, [.. fields, ("__RequestVerificationToken", _token)]);

    /// <summary>Submits a form without a token, as a forged cross-site request would.</summary>
    /// <param name="path">The path.</param>
    /// <param name="fields">The fields.</param>
    public Task<Answer> PostWithoutTokenAsync(string path, params (string Name, string Value)[] fields) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))) });

    /// <summary>Submits a form and opens the page that it redirects to.</summary>
    /// <param name="path">The path.</param>
    /// <param name="fields">The fields.</param>
    public async Task<Answer> FollowAsync(string path, params (string Name, string Value)[] fields)
    {
        var answer = await PostAsync(path, fields);
        if (answer.Status != HttpStatusCode.SeeOther)
            throw new InvalidOperationException($"POST {path} did not redirect: {(int)answer.Status} {answer.Html}");
        return await GetAsync(answer.Location!);
    }

    /// <summary>Reloads the page of an operation until the operation has ended.</summary>
    /// <param name="operation">The page of the operation.</param>
    public Task<Answer> SeeEndAsync(Answer operation) =>
        Eventually.SeeAsync(() => GetAsync(operation.Path), answer => !answer.Html.Contains("data-live", StringComparison.Ordinal), "the operation has ended", TimeSpan.FromMinutes(2));

    /// <summary>The id of the first dead letter of a queue.</summary>
    /// <param name="queue">The queue.</param>
    public Task<string> FirstIdAsync(string queue) => FirstIdOfAsync($"/dead-letters/queues/{queue}");

    /// <summary>The id of the first dead letter of a queue, in any source.</summary>
    /// <param name="path">The path of the queue's page.</param>
    public async Task<string> FirstIdOfAsync(string path) => (await GetAsync(path + "/letters")).Link($"{path}/letters/").Split('/')[^1];

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        using (request)
        using (var response = await _http.SendAsync(request))
        {
            var html = await response.Content.ReadAsStringAsync();
            if (Token().Match(html) is { Success: true } token)
                _token = WebUtility.HtmlDecode(token.Groups[1].Value);
            return new Answer(response.StatusCode, request.RequestUri!.ToString(), html, response.Headers.Location?.ToString(), response.Headers.RetryAfter?.ToString());
        }
    }

    [GeneratedRegex("""name="__RequestVerificationToken"[^>]*value="([^"]+)""")]
    private static partial Regex Token();
}

/// <summary>The response of a page.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Path">The requested path.</param>
/// <param name="Html">The HTML of the page.</param>
/// <param name="Location">The Location header.</param>
/// <param name="RetryAfter">The Retry-After header.</param>
public sealed partial record Answer(HttpStatusCode Status, string Path, string Html, string? Location, string? RetryAfter)
{
    /// <summary>The visible text of the page.</summary>
    public string Text => Spaces().Replace(WebUtility.HtmlDecode(Tags().Replace(Html, " ")), " ");

    /// <summary>The first link whose address contains <paramref name="part"/>.</summary>
    /// <param name="part">A part of the address.</param>
    public string Link(string part) => Links().Matches(Html).Select(link => WebUtility.HtmlDecode(link.Groups[1].Value)).First(link => link.Contains(part, StringComparison.Ordinal));

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tags();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex("href=\"([^\"]+)\"")]
    private static partial Regex Links();
}
