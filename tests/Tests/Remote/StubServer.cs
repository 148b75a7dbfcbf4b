using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace WorkinIt.Tests.Remote;

/// <summary>A server that gives the same answer to every request, and keeps what it was sent.</summary>
internal sealed class StubServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StubServer(WebApplication app) => _app = app;

    public string Url => _app.Urls.First();

    /// <summary>The Authorization headers that came.</summary>
    public ConcurrentQueue<string> Tokens { get; } = new();

    public static async Task<StubServer> StartAsync(Func<HttpContext, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var server = new StubServer(app);
        app.Run(async http =>
        {
            server.Tokens.Enqueue(http.Request.Headers.Authorization.ToString());
            await answer(http);
        });
        await app.StartAsync();
        return server;
    }

    /// <summary>Starts a server that answers with a body.</summary>
    public static Task<StubServer> StartAsync(int status, string contentType, string body) => StartAsync(async http =>
    {
        (http.Response.StatusCode, http.Response.ContentType) = (status, contentType);
        if (status is 429 or 503)
            http.Response.Headers.RetryAfter = "3600";
        await http.Response.WriteAsync(body);
    });

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
