using System.Globalization;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue.Tokens;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>A route of the API: what it does, and what the API document says about it.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Path">The path below <see cref="ApiRoutes.Path"/>.</param>
/// <param name="Scope">Who may use it.</param>
/// <param name="Name">The name of the operation, for generated clients.</param>
/// <param name="Summary">What it does.</param>
/// <param name="Handler">Answers a request.</param>
internal sealed record ApiRoute(string Method, string Path, TokenScope Scope, string Name, string Summary, Func<ApiCall, Task<IResult>> Handler)
{
    /// <summary>The parameters in the query. Another one is an error.</summary>
    public IReadOnlyList<ApiField> Parameters { get; init; } = [];

    /// <summary>The fields of the JSON body. Another one is an error.</summary>
    public IReadOnlyList<ApiField> Body { get; init; } = [];

    /// <summary>Examples of the JSON body, by name.</summary>
    public IReadOnlyDictionary<string, string> BodyExamples { get; init; } = new Dictionary<string, string>();

    /// <summary>The status of success.</summary>
    public int Status { get; init; } = StatusCodes.Status200OK;

    /// <summary>An example of the answer; null: the answer has no body, or is not JSON.</summary>
    public object? Answer { get; init; }

    /// <summary>The content type of an answer that is not JSON.</summary>
    public string? ContentType { get; init; }

    public bool IsPost => HttpMethods.IsPost(Method);

    /// <summary>Whether it changes something. A search is a POST that does not.</summary>
    public bool IsAct => IsPost && Scope == TokenScope.Operate;

    public static ApiRoute Get(string path, TokenScope scope, string name, string summary, Func<ApiCall, Task<IResult>> handler) => new(HttpMethods.Get, path, scope, name, summary, handler);

    public static ApiRoute Post(string path, TokenScope scope, string name, string summary, Func<ApiCall, Task<IResult>> handler) => new(HttpMethods.Post, path, scope, name, summary, handler);
}

/// <summary>A parameter, or a field of a body.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its JSON type: string, number, integer, boolean, array (of strings) or any.</param>
/// <param name="Description">What it means.</param>
internal sealed record ApiField(string Name, string Type, string Description)
{
    public const string Any = "any";

    public bool IsRequired { get; init; }

    /// <summary>The values that are allowed; empty: not limited.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    public static ApiField Source { get; } = new("source", "string", "The source of the queue: a virtual host. Default: the first one.");

    public static ApiField Queue { get; } = new("queue", "string", "The dead-letter queue.") { IsRequired = true };

    public static ApiField Confirm { get; } = new("confirm", "boolean", "Reads the queue although that has a cost, or someone else works on it: see accessWarning.");
}

/// <summary>One request of the API.</summary>
/// <param name="Page">The request, its user and the sources.</param>
/// <param name="Body">The fields of the JSON body.</param>
internal sealed record ApiCall(PageContext Page, ApiBody Body)
{
    /// <summary>A parameter of the query; null if it is missing or empty.</summary>
    public string? Query(string name) => Page.Http.Request.Query[name].ToString().Trim() is { Length: > 0 } value ? value : null;

    /// <exception cref="ApiInputException">The parameter is missing.</exception>
    public string Required(string name) => Query(name) ?? throw new ApiInputException(name, $"The parameter {name} is missing.");

    /// <summary>A number of the query that says how many to answer.</summary>
    /// <exception cref="ApiInputException">It is not a number in the range.</exception>
    public int Limit(int normal, int most) => Query("limit") is not { } text ? normal
        : int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most ? number
        : throw new ApiInputException("limit", $"limit must be a number from 1 to {most}.");

    /// <summary>Makes this a request for a queue of a source.</summary>
    /// <exception cref="ApiInputException">The application does not have the source, and so can't read its queue or act on it.</exception>
    public void ActOn(string? source, string queue)
    {
        Page.ActOn(source, queue);
        if (Page.At is null)
            throw new ApiInputException("source", $"This application has no source “{source}”. It has {string.Join(", ", Page.Sources.Select(own => own.Name))}.", StatusCodes.Status404NotFound);
    }
}
