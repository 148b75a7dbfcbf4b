using System.Data.Common;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Tokens;
using WorkinIt.DeadLetters.Dashboard.Shared;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>The HTTP API: what the pages show and do, as JSON. It uses the same classes as the pages.</summary>
internal static class ApiRoutes
{
    /// <summary>The path below that of the pages.</summary>
    public const string Path = "/api/v1";

    private const int LongestHost = 260; // a DNS name and a port
    private const int LargestBody = 16 * 1024 * 1024;

    /// <summary>All routes.</summary>
    public static IReadOnlyList<ApiRoute> All { get; } = [.. QueueApi.Routes, .. CauseApi.Routes, .. LetterApi.Routes, .. DryRunApi.Routes, .. OperationApi.Routes, .. AuditApi.Routes, .. NotificationApi.Routes, OpenApiDocument.Route];

    /// <summary>Maps the routes.</summary>
    /// <param name="group">The group of the pages' path.</param>
    /// <param name="options">The options of the pages.</param>
    public static void Map(RouteGroupBuilder group, DashboardOptions options)
    {
        foreach (var route in All)
        {
            var endpoint = group.MapMethods(Path + route.Path, [route.Method], (RequestDelegate)(http => AnswerAsync(http, route, options)))
                .RequireAuthorization(options.ViewPolicy).AllowAnonymous().ExcludeFromDescription(); // see ApiAccess; not part of the application's own API document
            if (route.Scope == TokenScope.Operate)
                endpoint.RequireAuthorization(options.OperatePolicy);
        }
    }

    private static async Task AnswerAsync(HttpContext http, ApiRoute route, DashboardOptions options)
    {
        PageHeaders.Add(http.Response);
        var page = new PageContext(http, options, Links.Of(http, Path + route.Path), (status, title, detail, advice) => ApiAnswer.Problem(status, title, detail, advice));
        var answer = http.Request.Host is not { Value.Length: > 0 and <= LongestHost }
            ? ApiAnswer.Problem(StatusCodes.Status400BadRequest, "Invalid request", "The Host header is empty or too long.")
            : await TryAsync(page, route, async () => await ApiAccess.RefuseAsync(page, route) ?? await HandleAsync(page, route));
        await answer.ExecuteAsync(http);
    }

    private static async Task<IResult> HandleAsync(PageContext page, ApiRoute route)
    {
        if (page.Http.Request.Query.Keys.FirstOrDefault(name => !route.Parameters.Any(known => known.Name == name)) is { } unknown)
            throw new ApiInputException(unknown, route.Parameters.Count == 0 ? "This route has no parameters." : $"“{unknown}” is not a parameter. The parameters are {string.Join(", ", route.Parameters.Select(known => known.Name))}.");
        if (route.Parameters.FirstOrDefault(known => known.IsRequired && page.Http.Request.Query[known.Name].ToString().Length == 0) is { } missing)
            throw new ApiInputException(missing.Name, $"The parameter {missing.Name} is missing.");
        if (page.Http.Request.Query.FirstOrDefault(parameter => parameter.Value.ToString().Contains('\0', StringComparison.Ordinal)).Key is { } zero)
            throw new ApiInputException(zero, $"{zero} contains the character U+0000, which no id has.");
        if (!route.IsPost)
            return await route.Handler(new ApiCall(page, ApiBody.Empty));
        var json = await ReadAsync(page.Http);
        page.Http.RequestAborted = CancellationToken.None; // a client that goes away must not leave an act half begun
        return route.IsAct ? await page.Service<IdempotentAnswers>().OnceAsync(page, json, HandleAsync) : await HandleAsync();

        Task<IResult> HandleAsync()
        {
            var body = ApiBody.Read(json, route.Body);
            page.Form = body.ToForm();
            return ApiAnswer.OfAsync(page, route.Handler(new ApiCall(page, body)));
        }
    }

    private static async Task<byte[]> ReadAsync(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = LargestBody;
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        return body.Length == 0 || http.Request.HasJsonContentType()
            ? body.ToArray()
            : throw new ApiInputException("Content-Type", "The body must be JSON, with the content type application/json.", StatusCodes.Status415UnsupportedMediaType);
    }

    private static async Task<IResult> TryAsync(PageContext page, ApiRoute route, Func<Task<IResult>> answer)
    {
        try
        {
            return await answer();
        }
        catch (DeadLetterException e)
        {
            return BrokerProblems.Show(page, e);
        }
        catch (ApiInputException e)
        {
            return ApiAnswer.Problem(e.Status, "Invalid input", e.Message, field: e.Field.Length > 0 ? e.Field : null);
        }
        catch (FormatException e)
        {
            // The pages begin such a message with the label of the field, as in “In order by: …”.
            var label = e.Message.Split(':')[0].Replace(" ", "", StringComparison.Ordinal);
            return ApiAnswer.Problem(
                StatusCodes.Status400BadRequest, "Invalid input", e.Message, field: route.Body.FirstOrDefault(field => field.Name.Equals(label, StringComparison.OrdinalIgnoreCase))?.Name);
        }
        catch (BadHttpRequestException e)
        {
            return ApiAnswer.Problem(e.StatusCode, "Invalid request", e.StatusCode == StatusCodes.Status413PayloadTooLarge ? "The body is larger than 16 MiB." : "The request can’t be read.");
        }
        catch (Exception e) when (e is DbException or TimeoutException or CatalogueException)
        {
            page.Http.Response.Headers.RetryAfter = "10";
            return ApiAnswer.Problem(
                StatusCodes.Status503ServiceUnavailable, "The catalogue can’t be used", e is CatalogueException ? $"{e.Message}." : "Its database is unreachable, not ready yet, or it can’t be written.", "Try again in a few seconds.");
        }
    }
}
