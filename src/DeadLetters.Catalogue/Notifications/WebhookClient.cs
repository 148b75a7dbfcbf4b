using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>Posts a notification to a receiver.</summary>
internal sealed class WebhookClient : IDisposable
{
    private static readonly TimeSpan _shortestPause = TimeSpan.FromSeconds(1);

    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly bool _namesSources;

    /// <param name="time">The clock of the signature.</param>
    /// <param name="timeout">The time for the complete request.</param>
    /// <param name="namesSources">Whether the application has several sources.</param>
    public WebhookClient(TimeProvider time, TimeSpan? timeout = null, bool namesSources = false)
    {
        (_time, _timeout, _namesSources) = (time, timeout ?? TimeSpan.FromSeconds(10), namesSources);
        _http = NewHttp();
    }

    /// <summary>Posts a notification. Any status but 2xx is an error. The body of the answer is not read.</summary>
    public async Task<ReceiverAnswer> PostAsync(NotificationReceiver receiver, Notification notification)
    {
        using var ends = new CancellationTokenSource(_timeout);
        using var request = Request(receiver, notification);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ends.Token);
            return new ReceiverAnswer(Error(response.StatusCode), RetryAfter(response.Headers.RetryAfter));
        }
        catch (OperationCanceledException)
        {
            return new ReceiverAnswer(string.Create(CultureInfo.InvariantCulture, $"no answer within {_timeout.TotalSeconds:0.#} s"), null);
        }
        catch (HttpRequestException e)
        {
            return new ReceiverAnswer(Error(e), null);
        }
    }

    public void Dispose() => _http.Dispose();

    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The client disposes its handler")]
    private static HttpClient NewHttp() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, // the message and its signature go to the address in the settings only
        UseCookies = false,
        ActivityHeadersPropagator = null, // no traces: they would contain the address, which is a key for Slack and Teams
        MaxResponseHeadersLength = 16, // KB
        MaxResponseDrainSize = 16 * 1024,
        ResponseDrainTimeout = TimeSpan.FromSeconds(1),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    private HttpRequestMessage Request(NotificationReceiver receiver, Notification notification)
    {
        var body = MessageFormats.Write(notification, receiver.Format, _namesSources);
        var request = new HttpRequestMessage(HttpMethod.Post, receiver.Url)
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" } } },
        };
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("WorkinIt-DeadLetters", null));
        if (receiver.Format != NotificationFormat.Json)
            return request;
        var timestamp = _time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        request.Headers.Add("webhook-id", notification.Id);
        request.Headers.Add("webhook-timestamp", timestamp);
        if (receiver.Secret is { } secret)
            request.Headers.Add("webhook-signature", WebhookSignature.Sign(secret, notification.Id, timestamp, body));
        return request;
    }

    private static string? Error(HttpStatusCode status) => (int)status switch
    {
        >= 200 and < 300 => null,
        >= 300 and < 400 => $"it answered {(int)status}, a redirect. Set the final address as its Url",
        429 => "it answered 429: too many messages",
        _ => $"it answered {(int)status}",
    };

    // Not the exception's own message, which may contain the address.
    private static string Error(HttpRequestException e) => (e.HttpRequestError, e.InnerException) switch
    {
        (HttpRequestError.NameResolutionError, _) => "its name can't be resolved",
        (HttpRequestError.SecureConnectionError, _) => "no secure connection: its certificate or its TLS version is not accepted",
        (_, SocketException socket) => $"no connection: {socket.SocketErrorCode}",
        (var error, _) => $"the request failed: {error}",
    };

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        var pause = header?.Delta ?? header?.Date - _time.GetUtcNow();
        return pause is null ? null : TimeSpan.FromTicks(Math.Clamp(pause.Value.Ticks, _shortestPause.Ticks, DeliveryQueue.Life.Ticks));
    }
}
