using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace WorkinIt.Testbed;

/// <summary>A fake Giphy API on 127.0.0.1 whose responses a test controls.</summary>
public sealed class FakeGiphy : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _requests;

    private FakeGiphy()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapGet("/v1/gifs/translate", (HttpContext http) =>
        {
            var number = Interlocked.Increment(ref _requests);
            return (Answer ?? GoodAsync)(http, number);
        });
    }

    /// <summary>Handles a request, given its number; null returns a valid response.</summary>
    public Func<HttpContext, int, Task>? Answer { get; set; }

    /// <summary>The address where it listens.</summary>
    public string Address => _app.Urls.Single();

    /// <summary>The settings that make Consumers use it.</summary>
    public (string Name, string Value)[] GetSettings() => [("Giphy__ApiKey", "a-key"), ("Giphy__BaseUrl", Address), ("Giphy__Timeout", "00:00:02")];

    /// <summary>Starts the fake.</summary>
    public static async Task<FakeGiphy> StartAsync()
    {
        var giphy = new FakeGiphy();
        await giphy._app.StartAsync();
        return giphy;
    }

    /// <summary>Writes a valid response.</summary>
    public static Task GoodAsync(HttpContext http, int number) => http.Response.WriteAsJsonAsync(new
    {
        data = new
        {
            alt_text = "A test card",
            images = new { downsized = new { url = string.Create(CultureInfo.InvariantCulture, $"https://media.giphy.example/{number}.gif") } },
        },
        meta = new { response_id = "1" },
    });

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
