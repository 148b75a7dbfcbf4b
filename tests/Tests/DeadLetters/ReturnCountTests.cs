using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>What of the counts on a message is of the queue that it is in. The cases of 3.10.8 and 4.3.6 are deliveries of these brokers; those with x-death and of 4.0.5 are not.</summary>
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

    [Fact]
    public void Count_of_a_message_that_a_quorum_queue_has_dead_lettered_is_rather_too_high() =>
        ReturnCount.Of(new Dictionary<string, object?> { ["x-delivery-count"] = 21L, ["x-acquired-count"] = 1L, ["x-death"] = new List<object?>() }, redelivered: true, new Version(4, 3, 6)).ShouldBe(21);

    [Fact]
    public void Count_that_is_not_a_number_is_none() =>
        ReturnCount.Of(new Dictionary<string, object?> { ["x-delivery-count"] = "many" }, redelivered: true, new Version(4, 3)).ShouldBe(0);
}
