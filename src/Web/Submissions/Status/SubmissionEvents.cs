using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using WorkinIt.Gifs;

namespace WorkinIt.Web.Submissions;

/// <summary>The server-sent events that update an open page, and the built-in GIFs.</summary>
internal static class SubmissionEvents
{
    /// <summary>The cookie with which the page after a form post learns how long that request took, in milliseconds.</summary>
    public const string AnsweredIn = "answered-in";

    private const string Status = "status";
    private const string Alive = "alive";

    public static void MapSubmissionEvents(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/submissions/{id:guid}/events", Watch)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .AddOpenApiOperationTransformer(SubmissionsApiDescription.WatchAsync);
        routes.MapGet("/gifs/{name}.gif", Gif).ExcludeFromDescription();
    }

    private static Results<ServerSentEventsResult<SubmissionView?>, ProblemHttpResult> Watch(
        Guid id, HttpRequest request, [FromServices] SubmissionStore store, [FromServices] SubmissionWatch watch, [FromServices] BuiltInGifs gifs, CancellationToken cancellationToken) =>
        store.Find(id) is null
            ? TypedResults.Problem(SubmissionsApi.Unknown, statusCode: StatusCodes.Status404NotFound)
            : TypedResults.ServerSentEvents(EventsAsync(watch.WatchAsync(id, cancellationToken), gifs, AnsweredInOf(request), cancellationToken));

    private static async IAsyncEnumerable<SseItem<SubmissionView?>> EventsAsync(
        IAsyncEnumerable<Submission?> submissions, BuiltInGifs gifs, int? answeredIn, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var submission in submissions.WithCancellation(cancellationToken))
        {
            yield return submission is null
                ? new SseItem<SubmissionView?>(null, Alive)
                : new SseItem<SubmissionView?>(SubmissionView.Of(submission, gifs, answeredIn), Status);
        }
    }

    // The content of a name never changes, so it may be cached forever.
    private static Results<FileContentHttpResult, NotFound> Gif(string name, HttpResponse response, [FromServices] BuiltInGifs gifs)
    {
        if (gifs.All.FirstOrDefault(gif => gif.Reference == name) is not { } gif)
            return TypedResults.NotFound();
        response.Headers.CacheControl = "public, max-age=31536000, immutable";
        return TypedResults.Bytes(gif.Content, "image/gif");
    }

    public static int? AnsweredInOf(HttpRequest request) =>
        int.TryParse(request.Cookies[AnsweredIn], CultureInfo.InvariantCulture, out var milliseconds) && milliseconds is >= 0 and < 600_000 ? milliseconds : null;
}

/// <summary>A submission as its page shows it.</summary>
/// <param name="State">As in SubmissionResponse.</param>
/// <param name="Heading">The state in a few words.</param>
/// <param name="Detail">The state in a sentence or two.</param>
/// <param name="Lesson">How long the request and the mail took; null before the mail is sent.</param>
/// <param name="GifSource">The URL of the GIF that was mailed, absolute or relative to this host’s root; null before.</param>
/// <param name="GifText">A text that describes the GIF; null before.</param>
/// <param name="IsGiphys">Whether the GIF is from Giphy, which must then be credited beside it.</param>
internal sealed record SubmissionView(string State, string Heading, string Detail, string? Lesson, string? GifSource, string? GifText, bool IsGiphys)
{
    public static SubmissionView Of(Submission submission, BuiltInGifs gifs, int? answeredIn)
    {
        var own = submission.Gif is { } name ? gifs.All.FirstOrDefault(gif => gif.Reference == name) : null;
        var giphys = own is null && Uri.TryCreate(submission.Gif, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps ? submission.Gif : null;
        return new SubmissionView(
            submission.State.ToString().ToLowerInvariant(), SubmissionTexts.Heading(submission), SubmissionTexts.Detail(submission),
            SubmissionTexts.Lesson(submission, answeredIn), own is null ? giphys : $"/gifs/{own.Reference}.gif", own?.Alt ?? (giphys is null ? null : "The GIF that was mailed"), giphys is not null);
    }
}
