using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.Cli.Remote;

/// <summary>Sends requests to the HTTP API of a server, with the operator's token. It follows no redirect: the token is for this address only.</summary>
internal sealed class ServerClient : IDisposable
{
    private const int MostTries = 4;
    private const int DeepestMessage = 600;
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(60); // of a request that was refused because there were too many
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(5); // the server may have to read a long queue

    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        MaxDepth = DeepestMessage,
    };

    private readonly HttpClient _http;

    [SuppressMessage("Reliability", "CA2000", Justification = "The HTTP client disposes of its handler")]
    private ServerClient(ServerAddress address, string token)
    {
        Address = address;
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, AutomaticDecompression = DecompressionMethods.All, UseProxy = !address.Pages.IsLoopback }) { BaseAddress = address.Api, Timeout = _timeout };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
    }

    public ServerAddress Address { get; }

    /// <summary>Reads the token from the environment.</summary>
    /// <param name="address">The server.</param>
    /// <param name="ask">Asks for the token, if the environment has none.</param>
    /// <exception cref="WrongUsageException">The token is missing, or can't be one.</exception>
    public static ServerClient Open(ServerAddress address, Func<Uri, string> ask)
    {
        var token = (CommandContext.Setting(ServerOptions.TokenSetting) ?? ask(address.Tokens)).Trim();
        return token.Length > 0 && token.All(c => c is > ' ' and < '\x7f') ? new ServerClient(address, token)
            : throw new WrongUsageException($"{ServerOptions.TokenSetting} is not a token: it is empty, or contains spaces or other characters that a token does not have. Make one at {address.Tokens}");
    }

    /// <summary>Sends a GET.</summary>
    /// <typeparam name="T">The answer.</typeparam>
    /// <param name="path">The path below that of the API.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="ServerException">There is no answer, or another one.</exception>
    public async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(() => new HttpRequestMessage(HttpMethod.Get, path), HttpCompletionOption.ResponseContentRead, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    /// <summary>Sends a POST. A second try does not do anything twice.</summary>
    /// <typeparam name="T">The answer.</typeparam>
    /// <param name="path">The path below that of the API.</param>
    /// <param name="body">The body; null: none.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <param name="key">The idempotency key, if the caller may send the same request again; null: a new one.</param>
    /// <exception cref="ServerException">There is no answer, or another one.</exception>
    public async Task<T> PostAsync<T>(string path, object? body, CancellationToken cancellationToken, string? key = null)
    {
        key ??= NewKey();
        var json = body is null ? null : JsonSerializer.Serialize(body, _json);
        using var response = await SendAsync(
            () =>
            {
                var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json") };
                request.Headers.Add("Idempotency-Key", key);
                return request;
            },
            HttpCompletionOption.ResponseContentRead, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    /// <summary>Copies an answer of JSON Lines to a stream while it comes.</summary>
    /// <returns>How many lines it has.</returns>
    /// <exception cref="ServerException">There is no answer, or it broke off.</exception>
    public async Task<long> CopyLinesAsync(string path, Stream output, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(() => new HttpRequestMessage(HttpMethod.Get, path), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.Content.Headers.ContentType?.MediaType != "application/x-ndjson")
            throw ServerProblem.NotTheApi(Address, response);
        await using var lines = await response.Content.ReadAsStreamAsync(cancellationToken);
        return await LineCopy.RunAsync(lines, output, _timeout, cancellationToken);
    }

    /// <summary>A key with which a request does its work once, however often it is sent.</summary>
    public static string NewKey() => Guid.NewGuid().ToString("N");

    public void Dispose() => _http.Dispose();

    [SuppressMessage("Reliability", "CA2000", Justification = "The caller disposes of the answer")]
    private async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> create, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        var mayHaveActed = false;
        for (var tries = 1; ; tries++)
        {
            using var request = create();
            if (await TrySendAsync(request, completion, isLast: tries == MostTries, mayHaveActed, cancellationToken) is not { } response)
            {
                mayHaveActed = true;
                continue;
            }
            if (response.IsSuccessStatusCode)
                return response;
            using (response)
            {
                var wait = response.Headers.RetryAfter?.Delta;
                if (response.StatusCode != HttpStatusCode.TooManyRequests || wait > _longestWait || tries == MostTries)
                {
                    var problem = await ServerProblem.OfAsync(Address, response, cancellationToken);
                    problem.MayHaveActed = mayHaveActed || response.StatusCode >= HttpStatusCode.InternalServerError;
                    throw problem;
                }
                await Task.Delay(wait ?? TimeSpan.FromSeconds(tries), cancellationToken);
            }
        }
    }

    // Null: the connection was lost after it had come about, and the request can be sent again.
    private async Task<HttpResponseMessage?> TrySendAsync(HttpRequestMessage request, HttpCompletionOption completion, bool isLast, bool mayHaveActed, CancellationToken cancellationToken)
    {
        try
        {
            return await _http.SendAsync(request, completion, cancellationToken);
        }
        catch (HttpRequestException e) when (!isLast && ServerProblem.IsLost(e))
        {
            return null;
        }
        catch (HttpRequestException e)
        {
            var problem = ServerProblem.Unreachable(Address, e);
            problem.MayHaveActed |= mayHaveActed;
            throw problem;
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ServerException($"{Address.Pages} did not answer within {_timeout.TotalMinutes} minutes", ExitCode.Unreachable) { MayHaveActed = true };
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType != "application/json")
        {
            var problem = ServerProblem.NotTheApi(Address, response);
            problem.MayHaveActed = true;
            throw problem;
        }
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            return (await JsonSerializer.DeserializeAsync<T>(body, _json, cancellationToken))!;
        }
        catch (JsonException e)
        {
            throw new ServerException($"{Address.Pages} answered with something that this version of workinit can't read ({e.Path}). Use the version of the server", ExitCode.WrongUsage) { MayHaveActed = true };
        }
    }
}
