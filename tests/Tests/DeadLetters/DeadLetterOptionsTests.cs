using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class DeadLetterOptionsTests
{
    private static readonly Uri _management = new("http://localhost:15672");

    [Fact]
    public void Connection_string_may_name_a_single_broker_or_a_cluster()
    {
        var one = DeadLetterOptions.Parse("amqp://jane:p%40ss@rabbit:5673/my%2Fhost", _management);
        (one.Username, one.Password, one.VirtualHost).ShouldBe(("jane", "p@ss", "my/host"));
        one.Endpoints.Single().ShouldSatisfyAllConditions(it => it.HostName.ShouldBe("rabbit"), it => it.Port.ShouldBe(5673), it => it.Ssl.Enabled.ShouldBeFalse());

        DeadLetterOptions.Parse("amqp://jane:a#b?c@rabbit", _management).Password.ShouldBe("a#b?c");

        var three = DeadLetterOptions.Parse("amqps://jane:secret@a,b:5673, c/", _management);
        three.Endpoints.Select(endpoint => $"{endpoint.HostName}:{endpoint.Port}").ShouldBe(["a:5671", "b:5673", "c:5671"]);
        three.Endpoints.ShouldAllBe(endpoint => endpoint.Ssl.Enabled && endpoint.Ssl.AcceptablePolicyErrors == System.Net.Security.SslPolicyErrors.None);
        three.VirtualHost.ShouldBe("/");
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("http://jane:secret@localhost")]
    [InlineData("amqp://localhost:5672")]
    [InlineData("amqp://jane:secret@:x")]
    [InlineData("amqp://jane:secret@")]
    [InlineData("amqp://jane@localhost")]
    public void Invalid_connection_string_is_rejected_without_showing_the_password(string connection) =>
        Should.Throw<FormatException>(() => DeadLetterOptions.Parse(connection, _management)).Message.ShouldSatisfyAllConditions(
            it => it.ShouldContain("amqp://user:password@host:5672/vhost"), it => it.ShouldNotContain("secret"));
}
