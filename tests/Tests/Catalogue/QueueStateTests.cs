using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Dashboard.BoardPages;

namespace WorkinIt.Tests.Catalogue;

public sealed class QueueStateTests
{
    private static readonly CatalogueQueue _complete = new()
    {
        Source = "shop",
        Name = "orders_error",
        InputQueue = "orders",
        IsFed = true,
        Messages = 4000,
        Letters = 4000,
        WalkedAt = DateTimeOffset.UnixEpoch,
    };

    [Fact]
    public void State_of_a_queue_names_what_an_operator_must_know()
    {
        QueueState.Of(_complete).ShouldBe(new QueueState("complete", "good"));
        QueueState.Of(_complete with { Messages = 4012 }).ShouldBe(new QueueState("counts differ: the broker has 4,012", "warn"));
        QueueState.Of(_complete with { IsWalking = true, Walked = 1500 }).ShouldBe(new QueueState("being read: 1,500 of 4,000", "busy"));
        QueueState.Of(_complete with { WalkedAt = null }).ShouldBe(new QueueState("not read yet", "warn"));
        QueueState.Of(_complete with { Messages = null }).ShouldBe(new QueueState("the broker’s count is unknown", "warn"));
        QueueState.Of(_complete with { IsFed = false }).ShouldBe(new QueueState("complete; not copied, so read again when its count changes", "warn"));
        QueueState.Of(_complete with { Problem = "no permission to read" }).ShouldBe(new QueueState("no permission to read", "bad"));
    }
}
