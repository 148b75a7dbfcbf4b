using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using WorkinIt.DeadLetters.Catalogue.Notifications;

namespace WorkinIt.Tests.Catalogue;

/// <summary>A receiver of webhooks on a port of this machine.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<WebhookCall> _calls = new();
    private WebApplication _app = null!;

    private WebhookReceiver()
    {
    }

    /// <summary>How it answers a call.</summary>
    public Func<HttpContext, Task> Answer { get; set; } = _ => Task.CompletedTask;

    /// <summary>The calls so far, in their order.</summary>
    public IReadOnlyList<WebhookCall> Calls => [.. _calls];

    /// <summary>What it was sent: kinds, with the cause.</summary>
    public IReadOnlyList<string> Kinds => [.. Calls.Select(call => $"{call.Json["kind"]} {call.Json["cause"]?["id"]}".Trim())];

    public Uri Url { get; private set; } = null!;

    public NotificationReceiver Receiver => new(new Uri(Url, "/hook"));

    public static async Task<WebhookReceiver> StartAsync()
    {
        var receiver = new WebhookReceiver();
        await receiver.StartAsync(0);
        return receiver;
    }

    public Task StopAsync() => _app.DisposeAsync().AsTask();

    /// <summary>Starts again, at the same address.</summary>
    public Task RestartAsync() => StartAsync(Url.Port);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task StartAsync(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        _app = builder.Build();
        _app.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            _calls.Enqueue(new WebhookCall(http.Request.Path, http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray()));
            await Answer(http);
        });
        await _app.StartAsync();
        Url = new Uri(_app.Urls.Single());
    }
}

/// <summary>A call of a webhook.</summary>
internal sealed record WebhookCall(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public JsonNode Json { get; } = JsonNode.Parse(Body)!;
}
