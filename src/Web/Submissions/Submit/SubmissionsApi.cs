using System.Data.Common;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace WorkinIt.Web.Submissions;

/// <summary>The HTTP API, for programs that submit thoughts without the form.</summary>
internal static class SubmissionsApi
{
    public const string IdempotencyKey = "Idempotency-Key";
    public const string NotJson = "Send the body with the Content-Type application/json.";
    public const string KeyTaken = $"This {IdempotencyKey} was used for another address or thought. Use a new one.";
    public const string BadKey = "It must be a single UUID, other than the nil UUID.";
    public const string BadBody = """The body is not a JSON object in UTF-8. It must look like {"email": "name@example.com", "thought": "…"}.""";
    public const string Unknown = "Submission not found.";

    public static void MapSubmissionsApi(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/api/submissions", SubmitAsync)
            .Accepts<SubmissionRequest>("application/json")
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .AddOpenApiOperationTransformer(SubmissionsApiDescription.SubmitAsync)
            .DisableAntiforgery(); // no cookie authorizes it, so there is nothing to forge
        routes.MapGet("/api/submissions/{id:guid}", Find)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .AddOpenApiOperationTransformer(SubmissionsApiDescription.FindAsync);
    }

    private static async Task<Results<Accepted<SubmissionResponse>, ValidationProblem, ProblemHttpResult>> SubmitAsync(
        HttpContext http, [FromServices] SubmissionService service, [FromServices] SubmissionStore store, [FromServices] TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (!http.Request.HasJsonContentType())
            return TypedResults.Problem(NotJson, statusCode: StatusCodes.Status415UnsupportedMediaType);

        var (email, thought, errors) = await ReadAsync(http.Request, cancellationToken);
        var id = Id(http.Request, errors) ?? Guid.CreateVersion7(time.GetUtcNow());
        if (errors.Count > 0 || !NewSubmission.TryCreate(email, thought, out var submission, out errors))
            return TypedResults.ValidationProblem(errors);

        switch (await service.AcceptAsync(http.Connection.RemoteIpAddress, id, submission, cancellationToken))
        {
            case Acceptance.TooMany many:
                http.Response.Headers.RetryAfter = many.RetryAfter;
                return TypedResults.Problem(many.Text, statusCode: StatusCodes.Status429TooManyRequests);
            case Acceptance.Accepted { At: { } at }:
                return TypedResults.Accepted($"/api/submissions/{id}", SubmissionResponse.New(id, at));
            case Acceptance.Accepted: // accepted before: its state and its times are known only to the store
                return Status(store, id) is { } known
                    ? TypedResults.Accepted($"/api/submissions/{id}", known)
                    : TypedResults.Problem(Unavailable.Reading, statusCode: StatusCodes.Status503ServiceUnavailable);
            case Acceptance.Conflict:
                return TypedResults.Problem(KeyTaken, statusCode: StatusCodes.Status409Conflict);
            default:
                return TypedResults.Problem(Unavailable.Submitting, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static Results<Ok<SubmissionResponse>, ProblemHttpResult> Find(Guid id, [FromServices] SubmissionStore store) =>
        store.Find(id) is { } submission
            ? TypedResults.Ok(SubmissionResponse.Of(submission))
            : TypedResults.Problem(Unknown, statusCode: StatusCodes.Status404NotFound);

    // Null if the database can't be read now.
    private static SubmissionResponse? Status(SubmissionStore store, Guid id)
    {
        try
        {
            return store.Find(id) is { } submission ? SubmissionResponse.Of(submission) : null;
        }
        catch (DbException)
        {
            return null;
        }
    }

    // The header's draft standard puts the value in quotes; most clients send it without.
    private static Guid? Id(HttpRequest request, Dictionary<string, string[]> errors)
    {
        if (!request.Headers.TryGetValue(IdempotencyKey, out var values))
            return null;
        if (values.Count == 1 && Guid.TryParse(values[0]?.Trim().Trim('"'), out var key) && key != Guid.Empty)
            return key;
        errors[IdempotencyKey] = [BadKey];
        return null;
    }

    // Parsed by hand, so that the response names the invalid field, and a lone surrogate is a 400 like any other invalid text.
    private static async Task<(string? Email, string? Thought, Dictionary<string, string[]> Errors)> ReadAsync(
        HttpRequest request, CancellationToken cancellationToken)
    {
        var errors = new Dictionary<string, string[]>();
        try
        {
            using var body = await JsonDocument.ParseAsync(request.Body, cancellationToken: cancellationToken);
            if (body.RootElement.ValueKind == JsonValueKind.Object)
                return (Text(body.RootElement, NewSubmission.EmailField, errors), Text(body.RootElement, NewSubmission.ThoughtField, errors), errors);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: half a surrogate pair in a property's name
        {
            // reported below
        }
        errors["body"] = [BadBody];
        return (null, null, errors);
    }

    private static string? Text(JsonElement body, string field, Dictionary<string, string[]> errors)
    {
        if (!body.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind != JsonValueKind.String)
        {
            errors[field] = [$"It must be a string, not {value.ValueKind.ToString().ToLowerInvariant()}."];
            return null;
        }
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException) // half a surrogate pair, or bytes that are not UTF-8
        {
            errors[field] = ["It contains text that is not valid Unicode."];
            return null;
        }
    }
}

/// <summary>A new submission.</summary>
/// <param name="Email">The recipient: one bare e-mail address without a display name. The domain may be international.</param>
/// <param name="Thought">The text that the GIF is about: 1 to 500 characters (Unicode code points), not all of them blank. Line breaks are kept.</param>
internal sealed record SubmissionRequest(string Email, string Thought);

/// <summary>The state of a submission.</summary>
/// <param name="Id">The id of the submission: the Idempotency-Key, if one was sent.</param>
/// <param name="State">
/// <c>accepted</c>: stored, not yet in the queue. <c>queued</c>: in the queue, or being processed. <c>delayed</c>: an attempt failed, and another follows.
/// <c>sent</c>: the mail server accepted the mail, or an operator confirmed that it arrived. <c>failed</c>: all attempts failed, and an operator decides; or the
/// address does not accept mail from us. <c>held</c>: the outcome is unknown, because the mail may have been sent; an operator decides.
/// </param>
/// <param name="AcceptedAt">When it was accepted.</param>
/// <param name="SentAt">When the mail server accepted the mail; null before, and if an operator confirmed that it arrived.</param>
/// <param name="NextTryAt">The time of the next attempt while it is delayed; null otherwise.</param>
/// <param name="Attempts">The number of attempts reported so far.</param>
/// <param name="Detail">The state in a sentence or two, for people to read.</param>
internal sealed record SubmissionResponse(
    Guid Id, string State, DateTimeOffset AcceptedAt, DateTimeOffset? SentAt, DateTimeOffset? NextTryAt, int Attempts, string Detail)
{
    public static SubmissionResponse New(Guid id, DateTimeOffset acceptedAt) =>
        Of(new Submission(id, SubmissionState.Accepted, 0, acceptedAt, null, null, null));

    public static SubmissionResponse Of(Submission submission) => new(
        submission.Id, submission.State.ToString().ToLowerInvariant(), submission.AcceptedAt, submission.SentAt, submission.NextTryAt,
        submission.Attempt, SubmissionTexts.Detail(submission));
}

/// <summary>The texts of a 503 response: the store failed or did not answer in time, so a submission may be stored or not, or could not be looked up.</summary>
internal static class Unavailable
{
    public const string RetryAfter = "10";

    /// <summary>For the form, which sends the same id again.</summary>
    public const string Text = "We don’t know whether your thought was stored. Send this form again in a few seconds: it is mailed at most once.";

    /// <summary>For the API, where only an Idempotency-Key makes a second request the same submission.</summary>
    public const string Submitting =
        $"We don’t know whether your thought was stored. With an {SubmissionsApi.IdempotencyKey}, send the same request again in a few seconds: it is mailed at most once. Without one, it may be mailed twice.";

    public const string Reading = "We can’t look that up right now. Try again in a few seconds.";
}
