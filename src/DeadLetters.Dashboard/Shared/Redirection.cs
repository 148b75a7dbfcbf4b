using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard.Shared;

/// <summary>Answers a POST with the address of the page that shows its result.</summary>
/// <param name="address">The address.</param>
internal sealed class Redirection(string address) : IResult
{
    /// <summary>The id of the operation that the page shows; null if it shows none.</summary>
    public string? Operation { get; init; }

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
        httpContext.Response.Headers.Location = address;
        return Task.CompletedTask;
    }
}
