using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue.Tokens;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>
/// The OpenAPI document of the API, made of the same table as its routes. It is a document of its own, so that it neither needs nor changes those of
/// the application.
/// </summary>
internal static partial class OpenApiDocument
{
    private static readonly (int Status, string Text)[] _problems =
    [
        (400, "A field or a parameter is missing or invalid."), (401, "No access."), (403, "Not allowed, or possibly forged."), (404, "Not found."),
        (409, "It can't be done now."), (429, "The token has sent too many requests."), (503, "The broker or the catalogue does not answer."),
    ];

    public static ApiRoute Route { get; } = ApiRoute.Get("/openapi.json", TokenScope.View, "getOpenApi", "This document.", ShowAsync) with { ContentType = "application/json" };

    private static Task<IResult> ShowAsync(ApiCall call) => Task.FromResult<IResult>(ApiAnswer.Ok(Create(call.Page.Links.Api)));

    /// <summary>Creates the document.</summary>
    /// <param name="address">The address of the API, without a trailing slash.</param>
    public static JsonObject Create(string address)
    {
        var schemas = new ApiSchemas();
        var paths = new JsonObject();
        foreach (var route in ApiRoutes.All)
        {
            paths[route.Path] ??= new JsonObject();
            paths[route.Path]![route.Method.ToLowerInvariant()] = Operation(route, schemas);
        }
        return new JsonObject
        {
            ["openapi"] = "3.1.1",
            ["info"] = new JsonObject
            {
                ["title"] = "Dead letters",
                ["version"] = "1",
                ["description"] = "What the dead-letter pages show and do. Personal data is masked unless it is asked for. An operation is started with the id of its dry run.",
                ["contact"] = new JsonObject { ["name"] = "The team that runs this application" },
            },
            ["servers"] = new JsonArray(new JsonObject { ["url"] = address }),
            ["tags"] = new JsonArray([.. ApiRoutes.All.Select(Tag).Distinct().Order(StringComparer.Ordinal).Select(tag => new JsonObject { ["name"] = tag, ["description"] = $"Routes of {tag}." })]),
            ["security"] = new JsonArray(new JsonObject { ["token"] = new JsonArray() }),
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["securitySchemes"] = new JsonObject
                {
                    ["token"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer", ["description"] = "A token of the page “API tokens”. The application's own sign-in works too." },
                },
                ["schemas"] = schemas.All,
            },
        };
    }

    private static JsonObject Operation(ApiRoute route, ApiSchemas schemas)
    {
        var operation = new JsonObject
        {
            ["operationId"] = route.Name,
            ["summary"] = route.Summary,
            ["description"] = $"{route.Summary} Needs the scope {route.Scope.ToString().ToLowerInvariant()}.",
            ["tags"] = new JsonArray(Tag(route)),
            ["parameters"] = Parameters(route),
            ["responses"] = Responses(route, schemas),
        };
        if (route.Body.Count > 0)
            operation["requestBody"] = Body(route, schemas);
        return operation;
    }

    private static JsonArray Parameters(ApiRoute route)
    {
        var parameters = new JsonArray();
        foreach (Match name in PathParameter().Matches(route.Path))
            parameters.Add(new JsonObject { ["name"] = name.Groups[1].Value, ["in"] = "path", ["required"] = true, ["description"] = $"The id of the {(name.Groups[1].Value == "id" ? "dead letter" : name.Groups[1].Value)}.", ["schema"] = new JsonObject { ["type"] = "string" } });
        foreach (var field in route.Parameters)
            parameters.Add(new JsonObject { ["name"] = field.Name, ["in"] = "query", ["required"] = field.IsRequired, ["description"] = field.Description, ["schema"] = ApiSchemas.Of(field) });
        if (route.IsAct)
            parameters.Add(new JsonObject { ["name"] = IdempotentAnswers.Header, ["in"] = "header", ["required"] = false, ["description"] = "A text of your own. The same request with the same key runs once and gets the first answer, for 24 hours and at most 1,000 keys.", ["schema"] = new JsonObject { ["type"] = "string", ["maxLength"] = 255 } });
        return parameters;
    }

    private static JsonObject Body(ApiRoute route, ApiSchemas schemas)
    {
        var examples = new JsonObject();
        foreach (var (name, example) in route.BodyExamples)
            examples[name] = new JsonObject { ["value"] = JsonNode.Parse(example) };
        return new JsonObject
        {
            ["required"] = true,
            ["content"] = new JsonObject
            {
                ["application/json"] = new JsonObject
                {
                    ["schema"] = schemas.Body(route),
                    ["examples"] = examples,
                },
            },
        };
    }

    private static JsonObject Responses(ApiRoute route, ApiSchemas schemas)
    {
        var success = new JsonObject { ["description"] = route.Status == StatusCodes.Status202Accepted ? "Started, or changed." : "Success." };
        if (route.Answer is { } answer)
        {
            success["content"] = new JsonObject
            {
                ["application/json"] = new JsonObject { ["schema"] = schemas.Reference(answer.GetType()), ["example"] = JsonSerializer.SerializeToNode(answer, answer.GetType(), ApiAnswer.Json) },
            };
        }
        else if (route.ContentType is { } type)
        {
            success["content"] = new JsonObject { [type] = new JsonObject { ["schema"] = route == Route ? new JsonObject { ["type"] = "object" } : new JsonObject { ["type"] = "string", ["format"] = "binary" } } };
        }
        if (route.Status == StatusCodes.Status202Accepted)
            success["headers"] = new JsonObject { ["Location"] = new JsonObject { ["description"] = "The address of the operation.", ["schema"] = new JsonObject { ["type"] = "string" } } };
        var responses = new JsonObject { [$"{route.Status}"] = success };
        foreach (var (status, text) in _problems)
            responses[$"{status}"] = new JsonObject { ["description"] = text, ["content"] = new JsonObject { ["application/problem+json"] = new JsonObject { ["schema"] = schemas.Reference(typeof(ApiProblem)) } } };
        return responses;
    }

    private static string Tag(ApiRoute route) => route.Path.Split('/')[1].Replace(".json", "", StringComparison.Ordinal);

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex PathParameter();
}
