using WorkinIt.Dev.Testing;

namespace WorkinIt.Tests.Dev;

/// <summary>The arguments of ./test.</summary>
public sealed class TestArgumentsTests
{
    [Theory]
    [InlineData("")]
    [InlineData("unit browser")]
    [InlineData("broker --rabbitmq 4.3 --again")]
    [InlineData("faults --long --rabbitmq 4.3")]
    [InlineData("browser --rabbitmq 4.3 --again")]
    [InlineData("--long")]
    [InlineData("compose")]
    public void Right_arguments_are_accepted(string line) => Parse(line).ShouldNotBeNull();

    [Theory]
    [InlineData("units")]
    [InlineData("broker --rabbitmq")]
    [InlineData("broker --rabbitmq latest")]
    [InlineData("--rabbitmq 4.3")]
    [InlineData("unit --rabbitmq 4.3")]
    [InlineData("faults --again")]
    [InlineData("compose unit")]
    public void Wrong_arguments_are_refused(string line) => Parse(line).ShouldBeNull();

    [Fact]
    public void Options_are_read()
    {
        var arguments = Parse("broker --rabbitmq 4.3 --again --long").ShouldNotBeNull();
        arguments.Image.ShouldBe("rabbitmq:4.3-management");
        arguments.Again.ShouldBeTrue();
        arguments.Long.ShouldBeTrue();
        arguments.Asks("faults", "broker").ShouldBeTrue();
        arguments.Asks("faults").ShouldBeFalse();
    }

    private static TestArguments? Parse(string line) => TestArguments.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
