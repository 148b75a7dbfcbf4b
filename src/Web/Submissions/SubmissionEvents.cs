using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using WorkinIt.Gifs;

namespace WorkinIt.Web.Submissions;

/// <summary>What an open page is told, as it happens.</summary>
internal static class SubmissionEvents
{
    /// <summary>The cookie that carries how long a form's request took to the page that it leads to.</summary>
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

    // Never changes under its name.
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
/// <param name="Heading">In two or three words.</param>
/// <param name="Detail">In a sentence.</param>
/// <param name="Lesson">What the request and the mail took; null before the mail is sent.</param>
/// <param name="GifSource">The address of what was mailed, from this host’s root or absolute; null before.</param>
/// <param name="GifText">What can be seen in it; null before.</param>
/// <param name="IsGiphys">Whether Giphy has to be named beside it.</param>
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
