using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class DeadLetterQueueNameTests
{
    [Theory]
    [InlineData(null, "orders_error", "orders")]
    [InlineData(null, "orders_skipped", "orders")]
    [InlineData("*.dlq", "orders_error", "orders")] // the default names still apply
    [InlineData("*.dlq", "orders.dlq", "orders")]
    [InlineData("dead-*", "dead-orders", "orders")]
    [InlineData("dead.*.v2", "dead.orders.v2", "orders")]
    [InlineData("*-errors, whatever", "whatever", "whatever")]
    [InlineData("*.orders_error", "eu.orders_error", "eu")] // if two patterns match, the more specific one wins
    public void Input_queue_is_derived_from_the_name_of_the_dead_letter_queue(string? patterns, string queue, string input)
    {
        var names = DeadLetterQueueNames.Parse(patterns);
        names.Contains(queue).ShouldBeTrue();
        names.InputQueueOf(queue).ShouldBe(input);
    }

    [Theory]
    [InlineData(null, "orders.dlq")]
    [InlineData("*.dlq", "orders")]
    [InlineData("*.dlq", ".dlq")]
    [InlineData("dead", "dead.orders")]
    public void Queue_that_matches_no_pattern_is_not_a_dead_letter_queue(string? patterns, string queue) => DeadLetterQueueNames.Parse(patterns).Contains(queue).ShouldBeFalse();

    [Theory]
    [InlineData("*")]
    [InlineData("**")]
    [InlineData("*.dlq,")]
    [InlineData("*a*")]
    public void Invalid_queue_name_pattern_is_rejected(string patterns) => Should.Throw<FormatException>(() => DeadLetterQueueNames.Parse(patterns));

    [Fact]
    public void Error_queues_are_distinguished_from_skipped_and_discarded_queues()
    {
        var names = DeadLetterQueueNames.Parse("*.dlq");
        new[] { "a_error", "a.dlq", "a_skipped", "a_discarded", "a" }.Where(names.IsError).ShouldBe(["a_error", "a.dlq"]);
        names.Of("orders").ShouldBe(["orders_error", "orders_skipped", "orders.dlq"], ignoreOrder: true);
    }
}
