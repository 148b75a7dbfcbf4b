using WorkinIt.DeadLetters.Dashboard.Shared;

namespace WorkinIt.Tests.Catalogue;

public sealed class RelativeTimeTests
{
    [Theory]
    [InlineData(0, "just now")]
    [InlineData(4.9, "just now")]
    [InlineData(42, "42 s ago")]
    [InlineData(119, "119 s ago")]
    [InlineData(120, "2 min ago")]
    [InlineData(7_199, "119 min ago")]
    [InlineData(7_200, "2 h ago")]
    [InlineData(172_799, "47 h ago")]
    [InlineData(172_800, "2 d ago")]
    [InlineData(86_400_000, "1,000 d ago")]
    [InlineData(-3, "just now")]
    [InlineData(-90, "in 90 s")]
    public void Age_is_in_the_largest_unit_of_which_there_are_two(double seconds, string words) => Relative.Ago(TimeSpan.FromSeconds(seconds)).ShouldBe(words);

    [Fact]
    public void Exact_time_is_in_UTC_and_says_so() =>
        Relative.Exact(new DateTimeOffset(2026, 11, 29, 4, 5, 6, TimeSpan.FromHours(1))).ShouldBe("29 Nov 2026 03:05:06 UTC");
}
