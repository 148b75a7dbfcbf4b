using System.Net;

namespace WorkinIt.Tests.Submissions;

public sealed class WebHealthTests(WebHost web) : IClassFixture<WebHost>
{
    [Theory]
    [InlineData("/health/live", HttpStatusCode.OK)]
    [InlineData("/health/ready", HttpStatusCode.ServiceUnavailable)]
    public async Task Web_without_a_broker_is_live_and_not_ready(string path, HttpStatusCode status)
    {
        using var response = await web.Client.GetAsync(path);
        response.StatusCode.ShouldBe(status);
    }
}
