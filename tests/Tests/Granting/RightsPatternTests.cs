using WorkinIt.Cli.Granting;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.Granting;

/// <summary>How <c>grant</c> adds to the rights that a RabbitMQ user has. A right is never lost.</summary>
public sealed class RightsPatternTests
{
    private static readonly string[] _needed = ["a", @"b\|c"];

    [Theory]
    [InlineData("", @"^(a|b\|c)$")] // RabbitMQ's form for no right
    [InlineData(".*", ".*")]
    [InlineData("^mine$", @"^mine$|^(a|b\|c)$")]
    [InlineData("^(mine|[|)]x)$", @"^(mine|[|)]x|a|b\|c)$")]
    [InlineData("^(a|mine)$", @"^(a|mine|b\|c)$")]
    [InlineData("^(x)|(y)$", @"^(x)|(y)$|^(a|b\|c)$")] // two groups, not one in anchors
    [InlineData("^(?:mine)$", @"^(?:mine)$|^(a|b\|c)$")]
    public void What_is_missing_is_added_once_and_nothing_is_lost(string existing, string expected)
    {
        RightsPattern.With(existing, _needed).ShouldBe(expected);
        RightsPattern.With(expected, _needed).ShouldBe(expected);
    }

    [Fact]
    public void Rights_beside_the_needed_ones_are_named()
    {
        RightsPattern.Beyond("^(mine|a)$", _needed).ShouldBe(["mine"]);
        RightsPattern.Beyond(".*", _needed).ShouldBe([".*"]);
        RightsPattern.Beyond(RightsPattern.Of(_needed), _needed).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("*", "orders", true)]
    [InlineData("*", "Shop:OrderPlaced", false)] // the exchange of a message type
    [InlineData("*", "amq.topic", false)]
    [InlineData("orders*,billing", "orders-eu", true)]
    [InlineData("orders*,billing", "billing2", false)]
    [InlineData("orders.v1", "ordersXv1", false)]
    [InlineData("shop:*", "shop:returns", true)]
    [InlineData("a(b|c)", "a(b|c)", true)]
    public void Pattern_of_queues_covers_names_without_a_colon(string patterns, string name, bool isCovered) =>
        QueuePattern.Matches(QueuePattern.ToRegex(patterns.Split(',')), name).ShouldBe(isCovered);

    [Theory]
    [InlineData("*.dlq", "orders.dlq", true)]
    [InlineData("dlq-*", "dlq-orders", true)]
    [InlineData("parked", "parked", true)]
    [InlineData("parked", "parked_discarded", true)]
    [InlineData("*.dlq", "ordersXdlq", false)]
    public void Dead_letter_queues_with_other_names_are_read_too(string names, string queue, bool isRead) =>
        new NeededRights(["orders", "parked"], DeadLetterQueueNames.Parse(names), mayOperate: true).IsRead(queue).ShouldBe(isRead);

    [Fact]
    public void Tag_that_includes_the_needed_one_is_enough()
    {
        var rights = new NeededRights(["orders"], DeadLetterQueueNames.Usual, mayOperate: true);
        (UserRights.None with { Tags = ["monitoring"] }).With(NeededRights.Tag, rights.List([])).Tags.ShouldBe(["monitoring"]);
        (UserRights.None with { Tags = ["impersonator"] }).With(NeededRights.Tag, rights.List([])).Tags.ShouldBe(["impersonator", "management"]);
    }
}
