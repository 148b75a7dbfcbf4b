using WorkinIt.Cli;
using WorkinIt.Cli.Remote;

namespace WorkinIt.Tests.Remote;

public sealed class ServerAddressTests
{
    [Theory]
    [InlineData("https://shop.example.com", "https://shop.example.com/dead-letters/api/v1/")]
    [InlineData("https://shop.example.com/ops/dead-letters", "https://shop.example.com/ops/dead-letters/api/v1/")]
    [InlineData("https://shop.example.com/dead-letters/", "https://shop.example.com/dead-letters/api/v1/")]
    [InlineData("https://shop.example.com/dead-letters/api/v1", "https://shop.example.com/dead-letters/api/v1/")]
    [InlineData("http://localhost:8090", "http://localhost:8090/dead-letters/api/v1/")]
    [InlineData("http://127.0.0.1:8090/", "http://127.0.0.1:8090/dead-letters/api/v1/")]
    [InlineData("http://[::1]:8090/", "http://[::1]:8090/dead-letters/api/v1/")]
    public void Address_of_the_host_the_pages_or_the_API_leads_to_the_API(string address, string api) =>
        ServerAddress.Parse(address, null, allowsHttp: false).Api.ToString().ShouldBe(api);

    [Theory]
    [InlineData("http://shop.example.com", "unencrypted to shop.example.com")]
    [InlineData("http://localhost.example.com", "unencrypted")]
    [InlineData("http://127.0.0.1.example.com/", "unencrypted")]
    [InlineData("shop.example.com", "must be the address")]
    [InlineData("ftp://shop.example.com", "must be the address")]
    [InlineData("file:///etc/passwd", "must be the address")]
    [InlineData("https://jane:secret@shop.example.com", "must not contain a user")]
    [InlineData("https://shop.example.com?token=wdl_1", "must not contain a user")]
    [InlineData("", "must be the address")]
    public void Address_that_a_token_must_not_be_sent_to_is_refused(string address, string why)
    {
        var message = Should.Throw<WrongUsageException>(() => ServerAddress.Parse(address, null, allowsHttp: false)).Message;
        message.ShouldContain(why);
        message.ShouldNotContain("secret");
    }

    [Fact]
    public void Flag_allows_an_unencrypted_connection_to_another_machine() =>
        ServerAddress.Parse("http://shop.example.com", null, allowsHttp: true).Api.Host.ShouldBe("shop.example.com");
}
