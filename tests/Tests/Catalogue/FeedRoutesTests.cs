using System.Text.Json;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Feed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>Which bindings the feed needs, and which dead-letter queues got the message of a copy.</summary>
public sealed class FeedRoutesTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("#", "", true)]
    [InlineData("#", "a.b.c", true)]
    [InlineData("*", "", false)]
    [InlineData("*", "a", true)]
    [InlineData("*", "a.b", false)]
    [InlineData("a.*.c", "a.b.c", true)]
    [InlineData("a.#.c", "a.c", true)]
    [InlineData("a.#.c", "a.b.b.c", true)]
    [InlineData("a.#.c", "a.b", false)]
    [InlineData("#.c.#", "c", true)]
    [InlineData("#.c.#", "a.b.c.d", true)]
    [InlineData("#.*", "", false)]
    [InlineData("#.*", "a.b", true)]
    [InlineData("a", "A", false)]
    [InlineData("a.b", "a.b.", false)]
    [InlineData("a.*", "a.", true)]
    public void Topic_pattern_matches_as_RabbitMQ_does(string pattern, string key, bool matches) => TopicPattern.Matches(pattern, key).ShouldBe(matches);

    [Fact]
    public void Fanout_exchange_of_MassTransit_leads_to_its_queue()
    {
        var routes = new FeedRoutes([Exchange("a_error", "fanout")], [Binding("", "a_error", "a_error"), Binding("a_error", "a_error", "")], ["a_error"]);
        routes.BindingsFor("a_error").ShouldBe([new FeedBinding("a_error", "", "{}")]);
        routes.ProblemOf("a_error").ShouldBeNull();
        routes.QueuesOf("a_error", ["any"]).ShouldBe(["a_error"]);
        routes.QueuesOf("", ["a_error"]).ShouldBeEmpty();
        routes.QueuesOf("unknown", ["a_error"]).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("x-random")]
    [InlineData("x-consistent-hash")]
    [InlineData("x-delayed-message")]
    public void Exchange_of_another_type_is_not_bound_because_that_could_change_what_the_queue_gets(string type)
    {
        var routes = new FeedRoutes([Exchange("e", type)], [Binding("e", "a_error", "1")], ["a_error"]);
        routes.BindingsFor("a_error").ShouldBeEmpty();
        routes.ProblemOf("a_error")!.ShouldContain($"type {type}");
    }

    [Fact]
    public void Bindings_of_the_feed_do_not_lead_to_a_dead_letter_queue()
    {
        var routes = new FeedRoutes([Exchange("e", "direct")], [Binding("e", "dead-letters.feed", "old"), Binding("e", "a_error", "a")], ["a_error"]);
        routes.Existing.ShouldBe([new FeedBinding("e", "old", "{}")]);
        routes.QueuesOf("e", ["old"]).ShouldBeEmpty();
        routes.QueuesOf("e", ["a"]).ShouldBe(["a_error"]);
    }

    [Fact]
    public void Alternate_exchange_gets_only_what_no_binding_takes()
    {
        var routes = new FeedRoutes(
            [Exchange("e", "direct", alternate: "rest"), Exchange("rest", "fanout")],
            [Binding("e", "work", "order"), Binding("rest", "lost_error", "")], ["lost_error"]);
        routes.QueuesOf("e", ["order"]).ShouldBeEmpty();
        routes.QueuesOf("e", ["other"]).ShouldBe(["lost_error"]);
    }

    [Fact]
    public void Loop_of_exchanges_ends()
    {
        var routes = new FeedRoutes(
            [Exchange("a", "fanout"), Exchange("b", "fanout")],
            [Binding("a", "b", "", "exchange"), Binding("b", "a", "", "exchange"), Binding("b", "a_error", ""), Binding("a", "b_error", "")], ["a_error", "b_error"]);
        routes.QueuesOf("a", [""]).ShouldBe(["a_error", "b_error"]);
    }

    [Fact]
    public void Arguments_of_a_binding_keep_their_types()
    {
        var binding = FeedBinding.Like(Binding("e", "a_error", "", arguments: """{"x-match":"all","n":42,"f":1.5,"yes":true,"list":[1,"a"]}"""));
        var values = binding.ArgumentValues();
        values["n"].ShouldBeOfType<long>().ShouldBe(42);
        values["f"].ShouldBe(1.5);
        values["yes"].ShouldBe(true);
        values["list"].ShouldBeOfType<List<object?>>().ShouldBe([1L, "a"]);
        FeedBinding.Like(Binding("e", "q", "", arguments: """{"n":42,"x-match":"all","yes":true,"list":[1,"a"],"f":1.5}""")).ShouldBe(binding);
    }

    private static BrokerExchange Exchange(string name, string type, string? alternate = null) =>
        new(type, null, JsonSerializer.SerializeToElement(alternate is null ? new Dictionary<string, string>() : new() { ["alternate-exchange"] = alternate })) { Name = name };

    private static BrokerBinding Binding(string source, string destination, string key, string type = "queue", string arguments = "{}") =>
        new(destination, type, key) { Source = source, Arguments = JsonSerializer.Deserialize<JsonElement>(arguments) };
}
