using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>What of the counts on a message is of the queue that it is in. The cases of 3.10.8 and 4.3.6 are deliveries of these brokers; those of 4.0.5 are not.</summary>
public sealed class ReturnCountTests
{
    [Theory]
    [InlineData("4.3.6", false, 15, 15, 0)] // from a shovel, and never returned here
    [InlineData("4.3.6", true, 15, 1, 1)] // returned once by basic.nack: the count of the shovel's source is still there
    [InlineData("4.3.6", true, 2, 4, 2)] // returned twice by basic.nack and twice by basic.reject
    [InlineData("4.3.6", true, null, 7, 0)]
    [InlineData("4.0.5", false, 15, null, 0)]
    [InlineData("4.0.5", true, 3, null, 3)]
    [InlineData("3.10.8", true, 4, 1, 4)] // the other count was copied from a newer broker
    [InlineData("3.10.8", false, 0, null, 0)]
    public void Count_of_returns_that_a_shovel_has_copied_is_not_taken_for_one_of_this_queue(string version, bool redelivered, int? delivered, int? acquired, long expected)
    {
        var headers = new Dictionary<string, object?>();
        if (delivered is { } returns)
            headers["x-delivery-count"] = (long)returns;
        if (acquired is { } count)
            headers["x-acquired-count"] = (long)count;

        ReturnCount.Of(headers, redelivered, Version.Parse(version)).ShouldBe(expected);
    }

    // A quorum queue with a limit of 3 dead-lettered it into another one, which dropped it when its count was 21. Each delivery there, after the first, is one of these.
    [Theory]
    [InlineData(5, 1)]
    [InlineData(20, 16)]
    public void Count_that_a_quorum_queue_hands_on_with_a_message_that_it_dead_letters_is_one_of_this_queue(int delivered, int acquired) =>
        ReturnCount.Of(new Dictionary<string, object?> { ["x-delivery-count"] = (long)delivered, ["x-acquired-count"] = (long)acquired, ["x-death"] = new List<object?>(), ["x-last-death-queue"] = "orders" }, redelivered: true, new Version(4, 3, 6)).ShouldBe(delivered);

    [Fact]
    public void Count_that_is_not_a_number_is_none() =>
        ReturnCount.Of(new Dictionary<string, object?> { ["x-delivery-count"] = "many" }, redelivered: true, new Version(4, 3)).ShouldBe(0);
}
