using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>
/// Sends the catalogue's version to open pages when it changes, at most once a second. All connections share one read. The number contains no data of
/// a message; a page that gets it fetches itself again, with the user's permissions at that time.
/// </summary>
internal sealed class BoardEvents(IHostApplicationLifetime life, TimeProvider time) : IDisposable
{
    private const int MostConnections = 200;
    private const long Unreadable = -1;
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(15); // proxies close a connection that says nothing for longer
    private static readonly TimeSpan _longest = TimeSpan.FromMinutes(10); // the browser connects again, and its user is checked again

    private readonly SemaphoreSlim _turn = new(1);
    private (DateTimeOffset At, long Version) _last = (DateTimeOffset.MinValue, Unreadable);
    private int _connections;

    /// <summary>How many pages are connected.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public static Task<IResult> ShowAsync(PageContext page) => Task.FromResult(
        page.Catalogue is { } catalogue
            ? new Stream(page.Service<BoardEvents>(), catalogue)
            : page.Problem(StatusCodes.Status404NotFound, "No catalogue", "This application has no catalogue of dead letters."));

    /// <summary>What a page compares with the events.</summary>
    public static string Stamp(long version, IReadOnlyList<SourceDelay> delays) =>
        string.Create(CultureInfo.InvariantCulture, $"{version}{string.Concat(delays.Select(delay => $"-delayed:{Uri.EscapeDataString(delay.Source)}"))}");

    public void Dispose() => _turn.Dispose();

    private async Task SendAsync(HttpContext http, CatalogueDatabase catalogue)
    {
        if (Interlocked.Increment(ref _connections) > MostConnections)
        {
            Interlocked.Decrement(ref _connections);
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            http.Response.Headers.RetryAfter = "10";
            return;
        }
        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, life.ApplicationStopping);
        end.CancelAfter(_longest);
        try
        {
            http.Response.ContentType = "text/event-stream";
            http.Response.Headers.CacheControl = "no-store";
            http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            await FollowAsync(http.Response, catalogue, end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The page was closed, the time is over, or the application stops.
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private async Task FollowAsync(HttpResponse response, CatalogueDatabase catalogue, CancellationToken cancellationToken)
    {
        string? sent = null;
        var sentAt = time.GetUtcNow();
        while (true)
        {
            var version = Stamp(await VersionAsync(catalogue, cancellationToken), catalogue.Delays);
            if (version != sent || time.GetUtcNow() - sentAt > _silence)
            {
                await response.WriteAsync(version != sent ? $"data: {version}\n\n" : ":\n\n", cancellationToken);
                await response.Body.FlushAsync(cancellationToken);
                (sent, sentAt) = (version, time.GetUtcNow());
            }
            await Task.Delay(_pause, time, cancellationToken);
        }
    }

    private async Task<long> VersionAsync(CatalogueDatabase catalogue, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (time.GetUtcNow() - _last.At >= _pause)
                _last = (time.GetUtcNow(), await catalogue.ReadAsync((reader, token) => reader.VersionAsync(token), cancellationToken));
        }
        catch (CatalogueException)
        {
            _last = (time.GetUtcNow(), Unreadable); // the page fetches itself again, and says why
        }
        finally
        {
            _turn.Release();
        }
        return _last.Version;
    }

    private sealed class Stream(BoardEvents events, CatalogueDatabase catalogue) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => events.SendAsync(httpContext, catalogue);
    }
}
