using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Dashboard.Shared;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>An answer of the API as JSON.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Value">The body; null: none.</param>
/// <param name="Location">The address of what was started; null: nothing.</param>
internal sealed record ApiAnswer(int Status, object? Value, string? Location = null) : IResult
{
    /// <summary>How the API writes JSON. Messages can be nested as deep as MassTransit reads them.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // it is never part of an HTML page: the content type and nosniff say so
        MaxDepth = 600,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(), // the schemas of the API document need it before anything is written
    };

    public static ApiAnswer Ok(object value) => new(StatusCodes.Status200OK, value);

    /// <summary>An error (RFC 9457).</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="title">What is wrong, in a few words.</param>
    /// <param name="detail">What is wrong.</param>
    /// <param name="advice">What to do about it; null: nothing.</param>
    /// <param name="field">The field or parameter; null: none.</param>
    public static ApiAnswer Problem(int status, string title, string detail, string? advice = null, string? field = null) =>
        new(status, new ApiProblem { Status = status, Title = title, Detail = detail, Advice = advice, Field = field });

    /// <summary>The answer to what a page does: to its redirect, 202 with the operation, or 204.</summary>
    /// <param name="page">The request.</param>
    /// <param name="result">The page's answer.</param>
    public static async Task<IResult> OfAsync(PageContext page, Task<IResult> result) => await result switch
    {
        Redirection { Operation: { } operation } => await OperationApi.AcceptedAsync(page, operation),
        Redirection => new ApiAnswer(StatusCodes.Status204NoContent, null),
        var other => other,
    };

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = Status;
        response.Headers.CacheControl = "no-store";
        if (Location is not null)
            response.Headers.Location = Location;
        if (Value is null)
            return Task.CompletedTask;
        response.ContentType = Value is ApiProblem ? "application/problem+json" : "application/json; charset=utf-8";
        return JsonSerializer.SerializeAsync(response.Body, Value, Value.GetType(), Json, httpContext.RequestAborted);
    }
}

/// <summary>An error as JSON (RFC 9457).</summary>
internal sealed record ApiProblem
{
    public required int Status { get; init; }

    public required string Title { get; init; }

    public required string Detail { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Advice { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Field { get; init; }
}
