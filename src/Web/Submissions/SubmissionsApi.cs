using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace WorkinIt.Web.Submissions;

/// <summary>The API: what a program submits instead of a person at the form.</summary>
internal static class SubmissionsApi
{
    public static void MapSubmissionsApi(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/api/submissions", SubmitAsync)
            .Accepts<SubmissionRequest>("application/json")
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .WithSummary("Submit a thought")
            .WithDescription("Answers at once; the mail follows.")
            .DisableAntiforgery(); // no cookie authorises it, so there is nothing to forge

    private static async Task<Results<Accepted<SubmissionResponse>, ValidationProblem, ProblemHttpResult>> SubmitAsync(
        HttpContext http, [FromServices] SubmissionDesk desk, CancellationToken cancellationToken)
    {
        if (!http.Request.HasJsonContentType())
            return TypedResults.Problem("Send application/json.", statusCode: StatusCodes.Status415UnsupportedMediaType);

        var (email, thought, errors) = await ReadAsync(http.Request, cancellationToken);
        if (errors.Count > 0 || !NewSubmission.TryCreate(email, thought, out var submission, out errors))
            return TypedResults.ValidationProblem(errors);

        if (await desk.AcceptAsync(submission, cancellationToken) is not { } id)
        {
            http.Response.Headers.RetryAfter = Unavailable.RetryAfter;
            return TypedResults.Problem(Unavailable.Text, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
        return TypedResults.Accepted($"/submissions/{id}", new SubmissionResponse(id, "accepted"));
    }

    // Read by hand, so that the answer names the field that is wrong, and a lone surrogate is a 400 like any other bad text.
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
        catch (JsonException)
        {
            // said below
        }
        errors["body"] = ["""The body is no JSON object in UTF-8. It must read {"email": "name@example.com", "thought": "…"}."""];
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
        catch (InvalidOperationException) // half a surrogate pair, or bytes that are no UTF-8
        {
            errors[field] = ["It holds text that is no valid Unicode."];
            return null;
        }
    }
}

/// <summary>What a program sends.</summary>
/// <param name="Email">One bare address, 254 characters at most.</param>
/// <param name="Thought">1 to 500 characters.</param>
internal sealed record SubmissionRequest(string Email, string Thought);

/// <summary>What it gets.</summary>
/// <param name="Id">The submission.</param>
/// <param name="State"><c>accepted</c></param>
internal sealed record SubmissionResponse(Guid Id, string State);

/// <summary>What is said when a submission can't be taken now.</summary>
internal static class Unavailable
{
    public const string RetryAfter = "10";
    public const string Text = "We can't take your thought right now. Nothing was sent and nothing is lost: try again in a few seconds.";
}
