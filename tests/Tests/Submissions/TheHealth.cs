using System.Net;

namespace WorkinIt.Tests.Submissions;

public sealed class TheHealth(WebHost web) : IClassFixture<WebHost>
{
    [Theory]
    [InlineData("/health/live", HttpStatusCode.OK)]
    [InlineData("/health/ready", HttpStatusCode.ServiceUnavailable)]
    public async Task Is_alive_and_not_ready_without_a_broker(string path, HttpStatusCode status)
    {
        using var response = await web.Client.GetAsync(path);
        response.StatusCode.ShouldBe(status);
    }
}
