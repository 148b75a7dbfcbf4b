using System.Text.Json;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Feed;

namespace WorkinIt.Tests.Catalogue;

/// <summary>Which queue a copy belongs to whose queue or binding was deleted.</summary>
public sealed class FormerRoutesTests
{
    private const string Queue = "billing_error";

    private static readonly BrokerExchange[] _exchanges = [new("direct", null, default) { Name = "failures" }];
    private static readonly BrokerBinding _toQueue = new(Queue, "queue", "billing") { Source = "failures", Arguments = JsonElement.Parse("{}") };
    private static readonly BrokerBinding _toFeed = _toQueue with { Destination = FeedNotice.Queue };

    [Fact]
    public void Copies_of_a_deleted_queue_belong_to_it_until_the_feed_was_not_bound_for_an_hour()
    {
        var former = new FormerRoutes();
        former.Update(_exchanges, [_toQueue, _toFeed], [Queue], DeadLetterQueueNames.Usual).ShouldBeNull();
        former.Update(_exchanges, [_toFeed], [], DeadLetterQueueNames.Usual)!.QueuesOf("failures", ["billing"]).ShouldBe([Queue]);

        var bound = new HashSet<FeedBinding> { FeedBinding.Like(_toFeed) };
        var unbound = new HashSet<FeedBinding>();
        var start = TestLetters.Noon;
        former.Forget(bound, start).ShouldBeEmpty();
        former.Forget(bound, start.AddHours(2)).ShouldBeEmpty();
        former.Forget(unbound, start.AddHours(3)).ShouldBeEmpty();
        former.Forget(unbound, start.AddHours(3.9)).ShouldBeEmpty();
        former.Update(_exchanges, [], [], DeadLetterQueueNames.Usual).ShouldNotBeNull();
        former.Forget(unbound, start.AddHours(4)).ShouldBe([Queue]);
        former.Update(_exchanges, [], [], DeadLetterQueueNames.Usual).ShouldBeNull();
    }

    [Fact]
    public void Another_host_reads_the_bindings_that_a_deleted_queue_had()
    {
        var before = new FormerRoutes();
        before.Update(_exchanges, [_toQueue], [Queue], DeadLetterQueueNames.Usual);
        var after = new FormerRoutes();
        after.Load(Queue, before.Of(Queue));

        var routes = after.Update([], [], [], DeadLetterQueueNames.Usual)!; // its exchange was deleted, too
        routes.QueuesOf("failures", ["billing"]).ShouldBe([Queue]);
        routes.QueuesOf("failures", ["orders"]).ShouldBeEmpty();
    }

    [Fact]
    public void Without_a_memory_a_binding_of_the_feed_belongs_to_the_queue_with_the_name_of_its_exchange()
    {
        var toFeed = new BrokerBinding(FeedNotice.Queue, "queue", "") { Source = "orders_error", Arguments = JsonElement.Parse("{}") };
        new FormerRoutes().Update([new("fanout", null, default) { Name = "orders_error" }], [toFeed], [], DeadLetterQueueNames.Usual)!.QueuesOf("orders_error", [""]).ShouldBe(["orders_error"]);
    }

    [Fact]
    public void Queue_that_is_declared_again_has_no_former_bindings()
    {
        var former = new FormerRoutes();
        former.Update(_exchanges, [_toQueue], [Queue], DeadLetterQueueNames.Usual);
        former.Update(_exchanges, [], [], DeadLetterQueueNames.Usual).ShouldNotBeNull();
        former.Update(_exchanges, [_toQueue], [Queue], DeadLetterQueueNames.Usual).ShouldBeNull();
    }
}
