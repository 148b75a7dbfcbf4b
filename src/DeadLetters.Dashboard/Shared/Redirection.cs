using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard.Shared;

/// <summary>Answers a POST with the address of the page that shows its result.</summary>
/// <param name="address">The address.</param>
internal sealed class Redirection(string address) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
        httpContext.Response.Headers.Location = address;
        return Task.CompletedTask;
    }
}
