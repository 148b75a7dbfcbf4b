using System.Globalization;
using System.Net.Mime;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using WorkinIt.Gifs;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// The parts of the OpenAPI document that the types do not give: each status, header and example. A test provokes each status and compares
/// the response with its examples.
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
            Responds as soon as the submission is stored, which takes milliseconds. An accepted submission is mailed at most once; its state shows what happened.

            To retry safely if you get no response, choose an `Idempotency-Key` and send the same request again with it.
            """);
        operation.Parameters =
        [
            new OpenApiParameter
            {
                Name = SubmissionsApi.IdempotencyKey,
                In = ParameterLocation.Header,
                Description = $"A UUID other than the nil UUID, with or without quotes, such as `{_id}`. It becomes the submission’s id. A request with the same key and the same body is the same submission, whenever it is sent. With another body, the response is 409.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "uuid" }, // no example: everyone who tries the API on its page would send the same key
            },
        ];
        operation.RequestBody!.Content![MediaTypeNames.Application.Json].Examples = Examples(
            ("thought", "A thought", new JsonObject { ["email"] = "ada@example.com", ["thought"] = "Monday morning, and no coffee left" }),
            ("lines", "Several lines, any script, an international domain", new JsonObject { ["email"] = "jane@bücher.example", ["thought"] = "Friday!\nשבת שלום 😀" }));
        Answer(operation, 202, "Accepted: the submission is stored. It is mailed at most once; its state shows what happened. Also the response if the same submission is sent again, with its current state.", MediaTypeNames.Application.Json,
            ("accepted", "Just accepted", Json(SubmissionResponse.New(_id, _acceptedAt))));
        Header(operation, 202, "Location", "The URL of the submission’s state.", JsonSchemaType.String, "uri-reference");
        Answer(operation, 400, "Not accepted: `errors` names each invalid field, and says what to do. The name `body` means that the body is not a JSON object.", Problems,
            ("fields", "Both fields are invalid", Invalid(Errors("jane", ""))),
            ("key", "The Idempotency-Key is not a UUID", Invalid(new() { [SubmissionsApi.IdempotencyKey] = [SubmissionsApi.BadKey] })),
            ("body", "The body is not a JSON object", Invalid(new() { ["body"] = [SubmissionsApi.BadBody] })));
        Answer(operation, 409, "Not accepted: the Idempotency-Key was used for another address or thought.", Problems,
            ("conflict", "The key is already used", Problem(409, SubmissionsApi.KeyTaken)));
        Answer(operation, 413, "Not accepted: the body is larger than the largest possible submission.", Problems,
            ("large", "Too large", Problem(413, PagesRegistration.TooLarge)));
        Answer(operation, 415, "Not accepted: the Content-Type is not `application/json`.", Problems,
            ("type", "Another Content-Type", Problem(415, SubmissionsApi.NotJson)));
        Answer(operation, 429, "Not accepted: too many submissions in a minute from one client, or in an hour to one recipient. Send the same request again after `Retry-After` seconds.", Problems,
            ("client", "Too many from one client", Problem(429, Acceptance.TooMany.OfClient(TimeSpan.FromMinutes(1)).Text)),
            ("recipient", "Too many to one recipient", Problem(429, Acceptance.TooMany.ForRecipient(TimeSpan.FromHours(1)).Text)));
        RetryAfter(operation, 429);
        Answer(operation, 503, "The store failed or did not answer in time, so the submission may be stored or not. With an Idempotency-Key, send the same request again after `Retry-After` seconds: it is mailed at most once. Without one, a second request is another submission.", Problems,
            ("unavailable", "The store did not confirm the submission", Problem(503, Unavailable.Submitting)));
        RetryAfter(operation);
        return Task.CompletedTask;
    }

    public static Task FindAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        Name(operation, "findSubmission", "Get the state of a submission", "`sent` is final. `failed` and `held` may still change: an operator can fix and replay a failed submission.");
        IdParameter(operation);
        Answer(operation, 200, "The current state of the submission.", MediaTypeNames.Application.Json,
            ("queued", "In the queue, or being processed", Json(SubmissionResponse.Of(At(SubmissionState.Queued, 0)))),
            ("delayed", "An attempt failed, and another follows", Json(SubmissionResponse.Of(At(SubmissionState.Delayed, 1)))),
            ("sent", "The mail server accepted the mail", Json(SubmissionResponse.Of(At(SubmissionState.Sent, 1)))),
            ("failed", "All attempts failed", Json(SubmissionResponse.Of(At(SubmissionState.Failed, 6)))),
            ("held", "The outcome is unknown, and an operator decides", Json(SubmissionResponse.Of(At(SubmissionState.Held, 1)))));
        Missing(operation);
        return Task.CompletedTask;
    }

    public static async Task WatchAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        Name(operation, "watchSubmission", "Watch a submission", """
            Server-sent events: a `status` with the current state, then one for each change, with a SubmissionView as JSON in its `data`; and an `alive`
            with the data `null` if nothing happened for 20 seconds. Ends when the mail is sent. In a browser, `EventSource` reconnects automatically.
            """);
        IdParameter(operation);
        context.Document!.AddComponent(nameof(SubmissionView), await context.GetOrCreateSchemaAsync(typeof(SubmissionView), cancellationToken: cancellationToken));
        var view = SubmissionView.Of(At(SubmissionState.Sent, 1), context.ApplicationServices.GetRequiredService<BuiltInGifs>(), answeredIn: null);
        operation.Responses!["200"] = new OpenApiResponse { Content = new Dictionary<string, OpenApiMediaType> { [EventStream] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String } } } };
        Answer(operation, 200, "The events, until the connection ends.", EventStream,
            ("sent", "The last event", JsonValue.Create($"event: status\ndata: {JsonSerializer.Serialize(view, JsonSerializerOptions.Web)}\n\n")));
        Missing(operation);
    }

    /// <summary>Adds to the schemas what the types do not give: formats, lengths and the values of an enum.</summary>
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
        (id.Description, id.Example) = ("The id of the submission: `id` in the response to its request, or the Idempotency-Key.", _id.ToString());
    }

    private static void Missing(OpenApiOperation operation)
    {
        Answer(operation, 404, "Submission not found.", Problems, ("unknown", "Unknown id", Problem(404, SubmissionsApi.Unknown)));
        Answer(operation, 503, "The submission could not be looked up. Try again after `Retry-After` seconds.", Problems, ("unavailable", "The store can’t be read", Problem(503, Unavailable.Reading)));
        RetryAfter(operation);
    }

    private static void Answer(OpenApiOperation operation, int status, string description, string contentType, params (string Name, string Summary, JsonNode Value)[] examples)
    {
        var response = (OpenApiResponse)operation.Responses![Key(status)];
        response.Description = description;
        response.Content![contentType].Examples = Examples(examples);
    }

    private static void RetryAfter(OpenApiOperation operation, int status = 503) =>
        Header(operation, status, "Retry-After", "The number of seconds to wait before the next attempt.", JsonSchemaType.Integer, null);

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

    // The values that ASP.NET Core uses. It has no public API that returns them.
    private static (string? Source, string Title) Standard(int status) => status switch
    {
        400 => ("rfc9110#section-15.5.1", "One or more validation errors occurred."),
        404 => ("rfc9110#section-15.5.5", "Not Found"),
        409 => ("rfc9110#section-15.5.10", "Conflict"),
        413 => ("rfc9110#section-15.5.14", "Content Too Large"),
        415 => ("rfc9110#section-15.5.16", "Unsupported Media Type"),
        429 => (null, "Too Many Requests"),
        503 => ("rfc9110#section-15.6.4", "Service Unavailable"),
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "No response of the API has this status"),
    };
}
