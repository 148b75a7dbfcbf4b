using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A reverse proxy that shows an application below a prefix: removes it from the path, and names it in X-Forwarded-Prefix.</summary>
internal sealed class StrippingProxy : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http;

    private StrippingProxy(WebApplication app, HttpClient http) => (_app, _http) = (app, http);

    public Uri Address => new(_app.Urls.First());

    public static async Task<StrippingProxy> StartAsync(Uri target, string prefix)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        app.Map(prefix + "/{**path}", context => ForwardAsync(http, context, target, prefix));
        await app.StartAsync();
        return new StrippingProxy(app, http);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _http.Dispose();
    }

    private static async Task ForwardAsync(HttpClient http, HttpContext context, Uri target, string prefix)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), new Uri(target, context.Request.Path.ToUriComponent()[prefix.Length..] + context.Request.QueryString));
        if (context.Request.HasFormContentType)
        {
            request.Content = new StreamContent(context.Request.Body);
            request.Content.Headers.ContentType = System.Net.Http.Headers.MediaTypeHeaderValue.Parse(context.Request.ContentType!);
        }
        foreach (var cookie in context.Request.Headers.Cookie)
            request.Headers.Add("Cookie", cookie);
        request.Headers.Add("X-Forwarded-Prefix", prefix);
        using var answer = await http.SendAsync(request);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var name in new[] { "Location", "Set-Cookie" })
        {
            if (answer.Headers.TryGetValues(name, out var values))
                context.Response.Headers[name] = values.ToArray();
        }
        context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        await answer.Content.CopyToAsync(context.Response.Body);
    }
}
