using System.Diagnostics.CodeAnalysis;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.Tests.Catalogue;

[SuppressMessage("Security", "CA5394", Justification = "A fixed seed gives the same acts in each run")]
public sealed class CatalogueQueryTests
{
    [Fact]
    public void Line_of_conditions_and_words_is_read() =>
        CatalogueQuery.Parse("exception:Timeout queue:orders age:<1h age:>30s \"connection refused\" header:Tenant=a=b state:any since:2026-01-31T03:00Z").ShouldBe(new CatalogueQuery
        {
            Exception = "Timeout",
            Queue = "orders",
            Younger = TimeSpan.FromHours(1),
            Older = TimeSpan.FromSeconds(30),
            Text = "connection refused",
            Header = ("Tenant", "a=b"),
            State = null,
            Since = new DateTimeOffset(2026, 1, 31, 3, 0, 0, TimeSpan.Zero),
        });

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    public void Empty_line_selects_all(string? text) => CatalogueQuery.Parse(text).ShouldBe(CatalogueQuery.All);

    [Theory]
    [InlineData("System.TimeoutException: late", "System.TimeoutException: late")]
    [InlineData("two words", "two words")]
    [InlineData("\"a:b\"", "a:b")]
    [InlineData("\"say \\\"no\\\" \\\\\"", "say \"no\" \\")]
    [InlineData("queue:orders refused", "refused")]
    [InlineData("mid\"quote", "mid\"quote")]
    public void Words_without_a_name_are_text(string line, string text) => CatalogueQuery.Parse(line).Text.ShouldBe(text);

    [Theory]
    [InlineData("colour:red", "Unknown condition “colour”. Use source, queue, type")]
    [InlineData("queue:", "“queue:” has no value")]
    [InlineData("queue: orders", "“queue:” has no value")]
    [InlineData("queue:a queue:b", "queue is given twice")]
    [InlineData("age:<1h age:<2h", "age is given twice")]
    [InlineData("age:1h", "write age:<1h for younger than one hour")]
    [InlineData("age:<1x", "write a number with s, m, h, d or w")]
    [InlineData("age:<0h", "is not a duration")]
    [InlineData("age:<99999999999h", "is not a duration")]
    [InlineData("age:<9999999999999999999h", "is not a duration")]
    [InlineData("since:yesterday", "“since:yesterday” is not a time: write it as in since:2026-01-31T03:00Z")]
    [InlineData("state:lost", "Use there, replayed, discarded, restored, gone, kept, unseen or any")]
    [InlineData("state:1", "is not a state")]
    [InlineData("header:Tenant", "write it as in header:Tenant=blue")]
    [InlineData("header:=blue", "write it as in header:Tenant=blue")]
    [InlineData("\"open", "A quotation mark is missing at the end")]
    public void Invalid_line_says_what_is_valid(string line, string message) => Should.Throw<FormatException>(() => CatalogueQuery.Parse(line)).Message.ShouldContain(message);

    [Fact]
    public void Any_query_is_read_again_from_its_own_line()
    {
        var random = new Random(16);
        for (var i = 0; i < 5000; i++)
        {
            var query = Any(random);
            CatalogueQuery.Parse(query.ToString()).ShouldBe(query, $"{i}: {query}");
        }
    }

    [Fact]
    public void Query_for_all_letters_is_an_empty_line() => CatalogueQuery.All.ToString().ShouldBe("");

    private static CatalogueQuery Any(Random random) => new()
    {
        Source = Words(random),
        Queue = Words(random) is { } queue ? CatalogueQuery.CompleteQueue(queue) : random.Next(2) == 0 ? "ord" : null,
        Type = Words(random),
        Exception = Words(random),
        Consumer = Words(random),
        Cause = Words(random),
        Version = Words(random),
        Id = Words(random),
        Header = Words(random) is { } value ? ("Ten ant", value) : null,
        Text = Words(random),
        Since = random.Next(2) == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(random.NextInt64(2_000_000_000_000)),
        Until = random.Next(2) == 0 ? null : DateTimeOffset.FromUnixTimeSeconds(random.Next()),
        Younger = random.Next(2) == 0 ? null : TimeSpan.FromMilliseconds(random.Next(1, 1000)),
        Older = random.Next(2) == 0 ? null : TimeSpan.FromHours(random.Next(1, 1000)),
        State = random.Next(6) is var state && state == 5 ? null : (LetterState)state,
    };

    private static string? Words(Random random) =>
        random.Next(3) == 0 ? null : string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.GetItems<string>(["a", "B", " ", "\"", "\\", ":", "=", "<", "queue:", "ä", "\t"], 1)[0]));
}
