using System.Diagnostics.CodeAnalysis;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using static WorkinIt.Tests.Catalogue.TestLetters;

namespace WorkinIt.Tests.Catalogue;

/// <summary>Random acts on queues with many identical letters; the catalogue must list what a reader of the queues would. Run on SQLite and on PostgreSQL.</summary>
[SuppressMessage("Security", "CA5394", Justification = "A fixed seed gives the same acts in each run")]
public abstract class CatalogueModelScenarios : CatalogueScenarios
{
    private static readonly string[] _queues = ["a_error", "b_error"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Catalogue_and_queues_agree_after_random_acts(int seed)
    {
        var random = new Random(seed);
        var queues = _queues.ToDictionary(name => name, _ => new List<int>()); // the letters in them, by kind
        for (var act = 0; act < 150; act++)
        {
            var name = random.GetItems(_queues, 1)[0];
            await ActAsync(random, name, queues[name], act);
            foreach (var (queue, kinds) in queues)
                (await IdsAsync($"queue:\"{queue}\"")).ShouldBe([.. Read(queue, kinds).Select(letter => letter.Id).Order(StringComparer.Ordinal)], $"act {act} on {name}");
            (await Reader.QueuesAsync(default)).Sum(queue => queue.Letters).ShouldBe(queues.Values.Sum(kinds => kinds.Count));
            Time.Advance(TimeSpan.FromMinutes(11)); // so that each copy is a letter of its own, also if a walk was first
        }
        (await Reader.BoardAsync(CatalogueQuery.All, default)).Letters.ShouldBe(queues.Values.Sum(kinds => kinds.Count));
    }

    private async Task ActAsync(Random random, string queue, List<int> kinds, int act)
    {
        switch (random.Next(8))
        {
            case 0 or 1 or 2: // letters arrive; some copies are delivered twice
                int[] arrived = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(5))];
                kinds.AddRange(arrived);
                await Writer.AddAsync(Source, [.. arrived.SelectMany(kind => random.Next(4) == 0 ? new[] { Kind(queue, kind).Copy(), Kind(queue, kind).Copy(redelivered: true) } : [Kind(queue, kind).Copy()])], default);
                break;
            case 3 or 4 when kinds.Count > 0: // an operation moves some; its notice may come twice
                var letters = Read(queue, kinds);
                int[] moved = [.. Enumerable.Range(0, kinds.Count).Where(_ => random.Next(3) == 0)];
                await MoveAsync(queue, [.. moved.Select(index => letters[index].Id)], $"op-{act}", random.Next(3) == 0);
                foreach (var index in moved.Reverse())
                    kinds.RemoveAt(index);
                break;
            case 5: // others take some and add some; a walk sees it
                kinds.RemoveAll(_ => random.Next(3) == 0);
                kinds.AddRange(Enumerable.Range(0, random.Next(3)).Select(_ => random.Next(5)));
                await WalkAsync(queue, [.. Read(queue, kinds)]);
                break;
            case 6: // letters arrive at the end of the queue while it is walked
                kinds.RemoveAll(_ => random.Next(4) == 0);
                var walk = await Writer.BeginWalkAsync(Source, queue, default);
                var seen = Read(queue, kinds);
                kinds.Add(random.Next(5));
                await AddAsync(Kind(queue, kinds[^1]));
                await Writer.AddWalkedAsync(Source, queue, walk, seen, default);
                await Writer.EndWalkAsync(Source, queue, walk, default);
                break;
            case 7 when kinds.Count > 0 && random.Next(2) == 0: // an erasure of one
                var erased = random.Next(kinds.Count);
                await Writer.RemoveAsync(Source, queue, [Read(queue, kinds)[erased].Id], default);
                kinds.RemoveAt(erased);
                break;
            case 7 when random.Next(4) == 0:
                await Writer.RemoveQueueAsync(Source, queue, default);
                kinds.Clear();
                break;
            case 7:
                await Writer.PruneAsync(default);
                break;
        }
    }

    private async Task MoveAsync(string queue, string[] ids, string operation, bool twice)
    {
        for (var i = 0; i < (twice ? 2 : 1); i++)
            await Writer.MarkMovedAsync(Source, queue, ids, LetterState.Replayed, operation, "jane", Time.GetUtcNow(), default);
    }

    // The letters of a queue as a reader numbers them.
    private static List<DeadLetter> Read(string queue, List<int> kinds)
    {
        var seen = new int[5];
        return [.. kinds.Select(kind => Kind(queue, kind, seen[kind]++))];
    }

    private static DeadLetter Kind(string queue, int kind, int twin = 0) => Fault(queue, $"kind {kind}", twin: twin);
}
