using WorkinIt.Cli;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.Serve;

public sealed class BrokerAddressTests
{
    [Theory]
    [InlineData("amqp://u:p@rabbit.example.com/orders", "http://rabbit.example.com:15672/")]
    [InlineData("amqps://u:p@rabbit.example.com:5679", "https://rabbit.example.com:15671/")]
    [InlineData("amqp://u:p@one:5672,two:5672/", "http://one:15672/")]
    [InlineData("amqp://u:p@[::1]:5672/", "http://[::1]:15672/")]
    public void Management_api_is_expected_on_the_host_of_the_broker(string broker, string management) =>
        new BrokerAddress(broker, null).Read(() => "").Management.AbsoluteUri.ShouldBe(management);

    [Fact]
    public void Management_option_takes_precedence() =>
        new BrokerAddress("amqp://u:p@rabbit/", "https://rabbit.example.com/api-path").Read(() => "").Management.AbsoluteUri.ShouldBe("https://rabbit.example.com/api-path");

    [Theory]
    [InlineData("http://u:secret@rabbit", null)]
    [InlineData("amqp://rabbit:secret", null)]
    [InlineData("amqp://u:p@rabbit", "rabbit:15672")]
    [InlineData("amqp://u:p@rabbit", "http://u:secret@rabbit:15672")]
    public void Wrong_address_is_named_by_its_option_without_a_password(string broker, string? management)
    {
        var message = Should.Throw<WrongUsageException>(() => new BrokerAddress(broker, management).Read(() => "")).Message;
        message.ShouldStartWith(management is null ? "--broker" : "--management");
        message.ShouldNotContain("secret");
    }

    [Theory]
    [InlineData("amqp://u:p@Rabbit/", "rabbit-5672-%2F.db")]
    [InlineData("amqp://u:p@rabbit/a%2F..%2Fb", "rabbit-5672-a%2F..%2Fb.db")]
    [InlineData("amqp://u:p@[::1]/a;b=c", "%5B%3A%3A1%5D-5672-a%3Bb%3Dc.db")]
    public void Catalogue_file_has_a_name_of_its_own_for_each_virtual_host(string broker, string name) =>
        CatalogueFile.NameOf(DeadLetterOptions.Parse(broker, new Uri("http://localhost"))).ShouldBe(name);
}
