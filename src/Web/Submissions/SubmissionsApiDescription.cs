using System.Globalization;
using System.Net.Mime;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using WorkinIt.Gifs;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// What the OpenAPI document says of the API beyond its types: each status, header and example. A test provokes each status and compares the
/// answer with its examples.
/// </summary>
internal static class SubmissionsApiDescription
{
    public const string Tag = "Submissions";

    private const string EventStream = "text/event-stream";
    private const string Problems = MediaTypeNames.Application.ProblemJson;
    private static readonly Guid _id = Guid.Parse("019abc12-3456-7def-8123-456789abcdef");
    private static readonly DateTimeOffset _acceptedAt = new(2026, 11, 24, 14, 1, 55, 120, TimeSpan.Zero);

    public static Task SubmitAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        Name(operation, "submit", "Submit a thought", """
            Answers as soon as the submission is stored, which takes milliseconds; the mail follows. What was accepted is not lost, and is mailed once.

            To be safe when no answer comes, choose an `Idempotency-Key` and send the same again with it.
            """);
        operation.Parameters =
        [
            new OpenApiParameter
            {
                Name = SubmissionsApi.IdempotencyKey,
                In = ParameterLocation.Header,
                Description = $"A UUID other than the nil one, with or without quotes, as in `{_id}`. It becomes the submission’s id: the same key with the same body is the same submission, whenever it is sent; with another body it is a 409.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "uuid" }, // no example: who tries the API on its page would send it, and all would share it
            },
        ];
        operation.RequestBody!.Content![MediaTypeNames.Application.Json].Examples = Examples(
            ("thought", "A thought", new JsonObject { ["email"] = "ada@example.com", ["thought"] = "Monday morning, and no coffee left" }),
            ("lines", "Several lines, any script, an international domain", new JsonObject { ["email"] = "jane@bücher.example", ["thought"] = "Friday!\nשבת שלום 😀" }));
        Answer(operation, 202, "Accepted: it is stored, and will be mailed. The same again for the same submission, with the state that it is in.", MediaTypeNames.Application.Json,
            ("accepted", "Just accepted", Json(SubmissionResponse.New(_id, _acceptedAt))));
        Header(operation, 202, "Location", "Where to see how far the submission is.", JsonSchemaType.String, "uri-reference");
        Answer(operation, 400, "Not accepted: `errors` names each field that is wrong, and says what to do. `body` stands for a body that is no JSON object.", Problems,
            ("fields", "Both fields are wrong", Invalid(Errors("jane", ""))),
            ("key", "The Idempotency-Key is no UUID", Invalid(new() { [SubmissionsApi.IdempotencyKey] = [SubmissionsApi.BadKey] })),
            ("body", "The body is no JSON object", Invalid(new() { ["body"] = [SubmissionsApi.BadBody] })));
        Answer(operation, 409, "Not accepted: the Idempotency-Key was used for another address or thought.", Problems,
            ("conflict", "The key is taken", Problem(409, SubmissionsApi.KeyTaken)));
        Answer(operation, 413, "Not accepted: the body is larger than any submission can be.", Problems,
            ("large", "Too large", Problem(413, PagesRegistration.TooLarge)));
        Answer(operation, 415, "Not accepted: the Content-Type is not `application/json`.", Problems,
            ("type", "Not called JSON", Problem(415, SubmissionsApi.NotJson)));
        Answer(operation, 429, "Not accepted: too many in a minute from one client, or in an hour to one recipient. Send the same again after `Retry-After` seconds.", Problems,
            ("client", "Too many from one client", Problem(429, Acceptance.TooMany.OfClient(TimeSpan.FromMinutes(1)).Text)),
            ("recipient", "Too many to one recipient", Problem(429, Acceptance.TooMany.ForRecipient(TimeSpan.FromHours(1)).Text)));
        RetryAfter(operation, 429);
        Answer(operation, 503, "Not accepted: it could not be stored. Send the same again after `Retry-After` seconds; with an Idempotency-Key that is safe even where it was stored after all.", Problems,
            ("unavailable", "The store can’t commit", Problem(503, Unavailable.Text)));
        RetryAfter(operation);
        return Task.CompletedTask;
    }

    public static Task FindAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        Name(operation, "findSubmission", "See how far a submission is", "`sent` is final. `failed` and `held` may still turn: an operator can mend and replay what failed.");
        IdParameter(operation);
        Answer(operation, 200, "The submission as it is now.", MediaTypeNames.Application.Json,
            ("queued", "It waits for a worker", Json(SubmissionResponse.Of(At(SubmissionState.Queued, 0)))),
            ("delayed", "A try failed, and it is tried again", Json(SubmissionResponse.Of(At(SubmissionState.Delayed, 1)))),
            ("sent", "The mail server took the mail", Json(SubmissionResponse.Of(At(SubmissionState.Sent, 1)))),
            ("failed", "All tries failed", Json(SubmissionResponse.Of(At(SubmissionState.Failed, 6)))),
            ("held", "Nobody knows whether it was sent, and an operator looks into it", Json(SubmissionResponse.Of(At(SubmissionState.Held, 1)))));
        Missing(operation);
        return Task.CompletedTask;
    }

    public static async Task WatchAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        Name(operation, "watchSubmission", "Watch a submission", """
            Server-sent events: a `status` as it is now and one for each change, its `data` a SubmissionView as JSON; an `alive` with the data `null` when
            nothing happened for 20 seconds. Ends when the mail is sent. In a browser, `EventSource` connects again by itself where it broke off.
            """);
        IdParameter(operation);
        context.Document!.AddComponent(nameof(SubmissionView), await context.GetOrCreateSchemaAsync(typeof(SubmissionView), cancellationToken: cancellationToken));
        var view = SubmissionView.Of(At(SubmissionState.Sent, 1), context.ApplicationServices.GetRequiredService<BuiltInGifs>(), answeredIn: null);
        operation.Responses!["200"] = new OpenApiResponse { Content = new Dictionary<string, OpenApiMediaType> { [EventStream] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String } } } };
        Answer(operation, 200, "The events, for as long as the connection stands.", EventStream,
            ("sent", "The last event", JsonValue.Create($"event: status\ndata: {JsonSerializer.Serialize(view, JsonSerializerOptions.Web)}\n\n")));
        Missing(operation);
    }

    /// <summary>What the types do not say of their values.</summary>
    public static Task SchemaAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Type == typeof(SubmissionRequest) && context.JsonPropertyInfo is null)
        {
            var (email, thought) = ((OpenApiSchema)schema.Properties![NewSubmission.EmailField], (OpenApiSchema)schema.Properties[NewSubmission.ThoughtField]);
            (email.Format, email.MaxLength) = ("idn-email", EmailAddress.LongestAddress);
            (thought.MinLength, thought.MaxLength) = (1, NewSubmission.LongestThought);
        }
        if (context.JsonPropertyInfo is { Name: "state" })
            schema.Enum = [.. Enum.GetNames<SubmissionState>().Select(name => (JsonNode)name.ToLowerInvariant())];
        return Task.CompletedTask;
    }

    private static void Name(OpenApiOperation operation, string id, string summary, string description) =>
        (operation.OperationId, operation.Summary, operation.Description, operation.Tags) = (id, summary, description, new HashSet<OpenApiTagReference> { new(Tag) });

    private static void IdParameter(OpenApiOperation operation)
    {
        var id = (OpenApiParameter)operation.Parameters!.Single();
        (id.Description, id.Example) = ("The submission: `id` in the answer to its request, or the Idempotency-Key.", _id.ToString());
    }

    private static void Missing(OpenApiOperation operation)
    {
        Answer(operation, 404, "There is no such submission.", Problems, ("unknown", "Nobody made it", Problem(404, SubmissionsApi.Unknown)));
        Answer(operation, 503, "It could not be looked up. Ask again after `Retry-After` seconds.", Problems, ("unavailable", "The store can’t be read", Problem(503, Unavailable.Reading)));
        RetryAfter(operation);
    }

    private static void Answer(OpenApiOperation operation, int status, string description, string contentType, params (string Name, string Summary, JsonNode Value)[] examples)
    {
        var response = (OpenApiResponse)operation.Responses![Key(status)];
        response.Description = description;
        response.Content![contentType].Examples = Examples(examples);
    }

    private static void RetryAfter(OpenApiOperation operation, int status = 503) =>
        Header(operation, status, "Retry-After", "After so many seconds it is worth another try.", JsonSchemaType.Integer, null);

    private static void Header(OpenApiOperation operation, int status, string name, string description, JsonSchemaType type, string? format) =>
        ((OpenApiResponse)operation.Responses![Key(status)]).Headers = new Dictionary<string, IOpenApiHeader>
        {
            [name] = new OpenApiHeader { Description = description, Required = true, Schema = new OpenApiSchema { Type = type, Format = format } },
        };

    private static Dictionary<string, IOpenApiExample> Examples(params (string Name, string Summary, JsonNode Value)[] examples) =>
        examples.ToDictionary(example => example.Name, example => (IOpenApiExample)new OpenApiExample { Summary = example.Summary, Value = example.Value });

    private static string Key(int status) => status.ToString(CultureInfo.InvariantCulture);

    private static Submission At(SubmissionState state, int attempt) => new(
        _id, state, attempt, _acceptedAt,
        state == SubmissionState.Sent ? _acceptedAt.AddSeconds(1.5) : null,
        state == SubmissionState.Delayed ? _acceptedAt.AddSeconds(30) : null,
        state == SubmissionState.Sent ? "coffee" : null);

    private static Dictionary<string, string[]> Errors(string email, string thought)
    {
        NewSubmission.TryCreate(email, thought, out _, out var errors);
        return errors;
    }

    private static JsonNode Json<T>(T value) => JsonSerializer.SerializeToNode(value, JsonSerializerOptions.Web)!;

    private static JsonObject Invalid(Dictionary<string, string[]> errors) => Problem(400, "errors", Json(errors));

    private static JsonObject Problem(int status, string detail) => Problem(status, "detail", detail);

    private static JsonObject Problem(int status, string member, JsonNode value)
    {
        var (source, title) = Standard(status);
        var problem = new JsonObject
        {
            ["title"] = title,
            ["status"] = status,
            [member] = value,
            ["traceId"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        };
        if (source is not null)
            problem.Insert(0, "type", $"https://tools.ietf.org/html/{source}");
        return problem;
    }

    // As ASP.NET Core has them, which does not tell.
    private static (string? Source, string Title) Standard(int status) => status switch
    {
        400 => ("rfc9110#section-15.5.1", "One or more validation errors occurred."),
        404 => ("rfc9110#section-15.5.5", "Not Found"),
        409 => ("rfc9110#section-15.5.10", "Conflict"),
        413 => ("rfc9110#section-15.5.14", "Content Too Large"),
        415 => ("rfc9110#section-15.5.16", "Unsupported Media Type"),
        429 => (null, "Too Many Requests"),
        503 => ("rfc9110#section-15.6.4", "Service Unavailable"),
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "No answer of the API has this status"),
    };
}
