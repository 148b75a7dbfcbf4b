using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class DeadLetterFilterTests
{
    [Theory]
    [InlineData("exception")]
    [InlineData("exception=")]
    [InlineData("color=red")]
    [InlineData("since=yesterday")]
    [InlineData("=x")]
    public void Invalid_filter_condition_is_rejected_with_the_expected_form(string condition) =>
        Should.Throw<FormatException>(() => DeadLetterFilter.Parse([condition])).Message.ShouldContain("=");

    /// <summary>Otherwise the first condition would be ignored, and more messages discarded than requested.</summary>
    [Theory]
    [InlineData("text=jane", "text=Timeout")]
    [InlineData("cause=1a2b", "cause=1a2b")]
    [InlineData("since=2026-01-31", "since=2026-02-01")]
    public void Filter_condition_given_twice_is_rejected(string one, string other) =>
        Should.Throw<FormatException>(() => DeadLetterFilter.Parse([one, other])).Message.ShouldContain("is given twice");

    [Fact]
    public void Parsed_filter_is_written_back_as_the_same_conditions()
    {
        var filter = DeadLetterFilter.Parse(["exception=Timeout", "text=a=b", "type=Order", "cause=1a2b", "since=2026-01-31T03:00Z", "until=2026-02-01", "id=a,b", "id=c"]);
        filter.Text.ShouldBe("a=b");
        filter.Since.ShouldBe(new DateTimeOffset(2026, 1, 31, 3, 0, 0, TimeSpan.Zero));
        filter.Ids!.Count.ShouldBe(3);
        filter.ToString().ShouldBe("exception=Timeout text=a=b type=Order cause=1a2b since=2026-01-31T03:00:00.0000000+00:00 until=2026-02-01T00:00:00.0000000+00:00 id=a,b,c");
        filter.IsEmpty.ShouldBeFalse();
        DeadLetterFilter.Parse([]).IsEmpty.ShouldBeTrue();
        DeadLetterFilter.All.ToString().ShouldBe("all");
    }

    [Theory]
    [InlineData("Order 3f2504e0-4f89-11d3-9a0c-0305e82c3301 of jane.doe@example.com took 1,234.5 ms", "Order {id} of {address} took {n} ms")]
    [InlineData("Trace 0af7651916cd43dd8448eb211c80319c at 10:20:30", "Trace {id} at {n}")]
    [InlineData("Dead beef in the facade", "Dead beef in the facade")] // words, not ids
    public void Cause_text_replaces_ids_addresses_and_numbers_with_placeholders(string reason, string cause)
    {
        CauseText.Of(reason).ShouldBe(cause);
        CauseText.Of(cause).ShouldBe(cause);
        Cause.Of("A.C", cause, null).Id.ShouldNotBe(Cause.Of("A.B", cause, null).Id);
    }
}
