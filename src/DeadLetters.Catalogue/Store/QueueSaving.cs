using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Writes the rows of queues within one transaction.</summary>
internal sealed class QueueSaving(Statements statements, long now) : CatalogueChange(statements, now)
{
    /// <summary>Writes a queue.</summary>
    /// <returns>Whether anything changed.</returns>
    public bool Save(CatalogueQueue queue) => Statements.Execute(
        """
        INSERT INTO catalogue_queues (source, name, input_queue, is_fed, problem, messages, is_walking, walked, walked_at, walk, removed, routes, unbound_at)
        VALUES (@source, @name, @inputQueue, @isFed, @problem, @messages, @isWalking, @walked, @walkedAt, 0, 0, @routes, @unboundAt)
        ON CONFLICT (source, name) DO UPDATE SET
          input_queue = @inputQueue, is_fed = @isFed, problem = @problem, messages = @messages, is_walking = @isWalking, walked = @walked, walked_at = @walkedAt, removed = 0,
          routes = @routes, unbound_at = @unboundAt
        WHERE catalogue_queues.input_queue <> @inputQueue OR catalogue_queues.is_fed <> @isFed OR catalogue_queues.problem <> @problem
          OR catalogue_queues.messages IS DISTINCT FROM @messages OR catalogue_queues.is_walking <> @isWalking OR catalogue_queues.walked <> @walked
          OR catalogue_queues.walked_at IS DISTINCT FROM @walkedAt OR catalogue_queues.removed <> 0 OR catalogue_queues.routes <> @routes
          OR catalogue_queues.unbound_at IS DISTINCT FROM @unboundAt
        """,
        ("source", queue.Source), ("name", queue.Name), ("inputQueue", queue.InputQueue), ("isFed", (short)(queue.IsFed ? 1 : 0)), ("problem", queue.Problem),
        ("messages", queue.Messages), ("isWalking", (short)(queue.IsWalking ? 1 : 0)), ("walked", queue.Walked), ("walkedAt", queue.WalkedAt?.ToUnixTimeMilliseconds()),
        ("routes", queue.Routes), ("unboundAt", queue.UnboundAt?.ToUnixTimeMilliseconds())) > 0;

    public long BeginWalk(string source, string name)
    {
        var (id, _) = Queue(source, name);
        Bump();
        return Statements.Scalar<long>("UPDATE catalogue_queues SET walk = walk + 1, walk_from = coalesce((SELECT max(id) FROM catalogue_letters), 0), is_walking = 1, walked = 0 WHERE id = @id RETURNING walk", ("id", id));
    }

    /// <summary>Letters that were there when the walk began, and still are, were seen in the queue.</summary>
    public void EndWalk(long queue) => Statements.Execute(
        "UPDATE catalogue_queues SET is_walking = 0, walked_at = @now, seen_to = CASE WHEN walk_from > seen_to THEN walk_from ELSE seen_to END WHERE id = @id", ("now", Now), ("id", queue));
}
