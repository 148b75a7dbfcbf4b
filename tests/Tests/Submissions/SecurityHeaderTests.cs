using System.Net;

namespace WorkinIt.Tests.Submissions;

/// <summary>The headers that protect the user of a page from foreign scripts and framing.</summary>
public sealed class SecurityHeaderTests(WebHost web) : IClassFixture<WebHost>
{
    [Theory]
    [InlineData("/", HttpStatusCode.OK)]
    [InlineData("/nowhere", HttpStatusCode.NotFound)]
    [InlineData("/submissions/00000000-0000-0000-0000-000000000001", HttpStatusCode.NotFound)]
    [InlineData("/api/submissions/00000000-0000-0000-0000-000000000001", HttpStatusCode.NotFound)]
    [InlineData("/api-reference/", HttpStatusCode.OK)]
    [InlineData("/workinit.css", HttpStatusCode.OK)]
    public async Task Each_response_has_security_headers_that_forbid_foreign_scripts_and_framing(string path, HttpStatusCode status)
    {
        using var answer = await web.Client.GetAsync(path);
        answer.StatusCode.ShouldBe(status);
        var policy = answer.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem();
        policy.ShouldNotContain("unsafe-eval");
        if (path != "/api-reference/") // the page of a library that uses inline styles
            policy.ShouldNotContain("unsafe-");
        policy.ShouldContain("frame-ancestors 'none'");
        answer.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        answer.Headers.GetValues("X-Frame-Options").ShouldBe(["DENY"]);
        answer.Headers.GetValues("X-XSS-Protection").ShouldBe(["1; mode=block"]);
        answer.Headers.GetValues("Referrer-Policy").ShouldHaveSingleItem();
        answer.Headers.Contains("Server").ShouldBeFalse();
    }

    [Fact]
    public async Task HTTPS_response_sets_HSTS_and_secure_cookies()
    {
        using var client = web.NewClient(handleCookies: false);
        using var answer = await client.GetAsync(new Uri("https://workinit.example/"));
        answer.Headers.GetValues("Strict-Transport-Security").ShouldBe(["max-age=31536000"]);
        var cookies = answer.Headers.GetValues("Set-Cookie").ToList();
        cookies.ShouldNotBeEmpty();
        cookies.ShouldAllBe(cookie => cookie.Contains("secure", StringComparison.OrdinalIgnoreCase)
            && cookie.Contains("; HttpOnly", StringComparison.Ordinal) && cookie.Contains("samesite=strict", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task HTTP_response_sets_neither_HSTS_nor_secure_cookies()
    {
        using var client = web.NewClient(handleCookies: false);
        using var answer = await client.GetAsync("/");
        answer.Headers.Contains("Strict-Transport-Security").ShouldBeFalse();
        answer.Headers.GetValues("Set-Cookie").ShouldAllBe(cookie => !cookie.Contains("secure", StringComparison.OrdinalIgnoreCase));
    }
}
