using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Server.Local;

namespace WorkinIt.Tests.Serve;

public sealed class RequestOriginTests
{
    [Theory]
    [InlineData("127.0.0.1:8090", null)]
    [InlineData("localhost:8090", null)]
    [InlineData("LOCALHOST", null)]
    [InlineData("[::1]:8090", null)]
    [InlineData("127.0.0.1:8090", "http://127.0.0.1:8090")]
    [InlineData("localhost:8090", "http://localhost:8090")]
    public void Own_requests_are_accepted(string host, string? origin) => RequestOrigin.Problem(Request(host, origin)).ShouldBeNull();

    [Theory]
    [InlineData("", null)]
    [InlineData("example.com", null)]
    [InlineData("localhost.example.com:8090", null)]
    [InlineData("127.0.0.2", null)]
    [InlineData("[::2]:8090", null)]
    [InlineData("2130706433", null)]
    [InlineData("127.0.0.1:8090", "null")]
    [InlineData("127.0.0.1:8090", "http://127.0.0.1:8091")]
    [InlineData("127.0.0.1:8090", "http://localhost:8090")]
    [InlineData("127.0.0.1:8090", "https://127.0.0.1:8090")]
    [InlineData("127.0.0.1:8090", "http://127.0.0.1:8090.example.com")]
    public void Requests_of_other_sites_are_refused(string host, string? origin) => RequestOrigin.Problem(Request(host, origin)).ShouldNotBeNull();

    private static HttpRequest Request(string host, string? origin)
    {
        var http = new DefaultHttpContext();
        http.Request.Scheme = "http";
        http.Request.Host = new HostString(host);
        if (origin is not null)
            http.Request.Headers.Origin = origin;
        return http.Request;
    }
}
