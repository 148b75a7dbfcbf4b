using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using static WorkinIt.Tests.Catalogue.TestLetters;

namespace WorkinIt.Tests.Catalogue;

/// <summary>What is written to the catalogue; run on SQLite and on PostgreSQL.</summary>
public abstract class CatalogueWriterScenarios : CatalogueScenarios
{
    [Fact]
    public async Task Letter_is_found_with_what_its_headers_say()
    {
        var letter = Fault(Queue, "timeout after 30 s", at: Noon.AddHours(-2), id: "m-1", version: "2.1.0.0");
        await AddAsync(letter);

        (await EntryAsync(letter)).ShouldSatisfyAllConditions(
            it => it.Source.ShouldBe(Source),
            it => it.Queue.ShouldBe(Queue),
            it => it.Id.ShouldBe(letter.Id),
            it => it.MessageId.ShouldBe("m-1"),
            it => it.MessageType.ShouldBe("Orders:SubmitOrder"),
            it => it.ExceptionType.ShouldBe("System.TimeoutException"),
            it => it.CauseId.ShouldBe(letter.Cause.Id),
            it => it.Reason.ShouldBe("timeout after 30 s"),
            it => it.Consumer.ShouldBe("Orders.SubmitOrderConsumer"),
            it => it.Version.ShouldBe("2.1.0.0"),
            it => it.At.ShouldBe(Noon.AddHours(-2)),
            it => it.Size.ShouldBe(letter.Body.Length),
            it => it.State.ShouldBe(LetterState.There));
    }

    [Fact]
    public async Task Letter_that_does_not_say_when_it_failed_has_the_time_at_which_it_was_added()
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter);

        (await EntryAsync(letter)).At.ShouldBe(Noon);
    }

    [Fact]
    public async Task Identical_letters_get_the_numbers_that_a_reader_of_the_queue_gives_them()
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter, letter);
        await AddAsync(letter, Fault("payments_error", "timeout"));

        (await IdsAsync($"queue:{Queue}")).ShouldBe([letter.Id, letter.Id + "-2", letter.Id + "-3"]);
        (await IdsAsync("queue:payments")).Length.ShouldBe(1);
    }

    [Fact]
    public async Task Redelivered_copy_of_a_letter_that_is_there_is_not_added_again()
    {
        var (known, unknown) = (Fault(Queue, "known"), Fault(Queue, "unknown"));
        await AddAsync(known);
        await Writer.AddAsync(Source, [known.Copy(redelivered: true), unknown.Copy(redelivered: true)], default);

        (await IdsAsync()).ShouldBe([known.Id, unknown.Id], ignoreOrder: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Whichever_of_three_identical_letters_is_moved_the_third_is_marked(int moved)
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter, letter, letter);

        await MoveAsync(Fault(Queue, "timeout", twin: moved - 1));

        (await IdsAsync()).ShouldBe([letter.Id, letter.Id + "-2"]);
        (await EntryAsync(Fault(Queue, "timeout", twin: 2))).ShouldSatisfyAllConditions(
            it => it.State.ShouldBe(LetterState.Replayed), it => it.LeftAt.ShouldBe(Noon), it => it.Operation.ShouldBe("op-1"), it => it.By.ShouldBe("jane"));
    }

    [Fact]
    public async Task Move_that_is_reported_twice_is_marked_once()
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter, letter);

        await MoveAsync(letter);
        await MoveAsync(letter);

        (await IdsAsync()).ShouldBe([letter.Id]);
    }

    [Fact]
    public async Task Replay_of_a_letter_that_was_discarded_and_restored_is_marked()
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter);
        await MoveAsync(letter, LetterState.Discarded, "op-1");

        await MoveAsync(letter, LetterState.Replayed, "op-2"); // the restore sends no copy to the feed

        (await EntryAsync(letter)).ShouldSatisfyAllConditions(it => it.State.ShouldBe(LetterState.Replayed), it => it.Operation.ShouldBe("op-2"));
    }

    [Fact]
    public async Task Letter_that_came_back_is_there_again()
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter);
        await MoveAsync(letter, LetterState.Discarded);
        (await IdsAsync()).ShouldBeEmpty();

        await AddAsync(letter);

        (await IdsAsync("state:any")).ShouldBe([letter.Id]);
        (await EntryAsync(letter)).ShouldSatisfyAllConditions(it => it.State.ShouldBe(LetterState.There), it => it.LeftAt.ShouldBeNull(), it => it.Operation.ShouldBeNull());
    }

    [Fact]
    public async Task Walk_adds_what_is_missing_and_marks_what_it_has_not_seen_as_gone()
    {
        var (stays, left, missing, late) = (Fault(Queue, "stays"), Fault(Queue, "left"), Fault(Queue, "missing"), Fault(Queue, "late"));
        await AddAsync(stays, left, Fault("payments_error", "other"));
        await SeeAsync();

        var walk = await Writer.BeginWalkAsync(Source, Queue, default);
        await Writer.AddWalkedAsync(Source, Queue, walk, [stays, missing], default);
        await AddAsync(late);
        await Writer.EndWalkAsync(Source, Queue, walk, default);

        (await IdsAsync($"queue:{Queue}")).ShouldBe(new[] { stays.Id, missing.Id, late.Id }, ignoreOrder: true);
        (await EntryAsync(left)).State.ShouldBe(LetterState.Gone);
        (await IdsAsync("queue:payments")).Length.ShouldBe(1);
    }

    [Fact]
    public async Task Copy_of_a_letter_that_a_walk_read_first_is_not_added_a_second_time()
    {
        var letter = Fault(Queue, "timeout");
        await WalkAsync(Queue, letter);
        await AddAsync(letter);
        (await IdsAsync()).ShouldBe([letter.Id]);

        await AddAsync(letter); // the second copy is another letter
        (await IdsAsync()).ShouldBe([letter.Id, letter.Id + "-2"]);
    }

    [Fact]
    public async Task Copy_that_comes_long_after_a_walk_is_another_letter()
    {
        var letter = Fault(Queue, "timeout");
        await WalkAsync(Queue, letter);
        Time.Advance(TimeSpan.FromHours(1));
        await AddAsync(letter);

        (await IdsAsync()).ShouldBe([letter.Id, letter.Id + "-2"]);
    }

    [Fact]
    public async Task After_a_walk_the_identical_letters_that_are_left_have_the_lowest_numbers()
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter);
        var walk = await Writer.BeginWalkAsync(Source, Queue, default);
        await AddAsync(letter); // after the walk has passed; the first one had expired before
        await Writer.EndWalkAsync(Source, Queue, walk, default);

        (await IdsAsync()).ShouldBe([letter.Id]);
        (await IdsAsync("state:unseen")).ShouldBe([letter.Id + "-2"]);
    }

    [Fact]
    public async Task Operation_that_reports_after_a_walk_is_recorded_all_the_same()
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter);
        await SeeAsync();
        await WalkAsync(Queue);
        (await EntryAsync(letter)).State.ShouldBe(LetterState.Gone);

        await MoveAsync(letter);

        (await EntryAsync(letter)).ShouldSatisfyAllConditions(it => it.State.ShouldBe(LetterState.Replayed), it => it.Operation.ShouldBe("op-1"));
    }

    [Fact]
    public async Task Letters_of_a_queue_that_no_longer_exists_are_gone_and_it_is_not_listed()
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter, Fault("payments_error", "timeout"));
        await SeeAsync();

        await Writer.RemoveQueueAsync(Source, Queue, default);

        (await EntryAsync(letter)).State.ShouldBe(LetterState.Gone);
        (await Reader.QueuesAsync(default)).Select(queue => queue.Name).ShouldBe(["payments_error"]);
        await AddAsync(letter);
        (await Reader.QueuesAsync(default)).Select(queue => queue.Name).ShouldBe([Queue, "payments_error"]);
    }

    [Fact]
    public async Task Queue_is_saved_and_its_letters_are_counted()
    {
        await AddAsync(Fault(Queue, "a"), Fault(Queue, "b"), Fault("payments_error", "a"));
        var saved = new CatalogueQueue
        {
            Source = Source,
            Name = Queue,
            InputQueue = "orders",
            IsFed = true,
            Problem = "none",
            Messages = 2,
            IsWalking = false,
            Walked = 7,
            WalkedAt = Noon,
            Letters = 99,
        };
        await Writer.SaveQueueAsync(saved, default);

        var queues = await Reader.QueuesAsync(default);

        queues[0].ShouldBe(saved with { Letters = 2 });
        queues[0].IsComplete.ShouldBeTrue();
        queues[1].ShouldSatisfyAllConditions(it => it.Name.ShouldBe("payments_error"), it => it.Letters.ShouldBe(1), it => it.Messages.ShouldBeNull(), it => it.WalkedAt.ShouldBeNull());
    }

    [Fact]
    public async Task Version_changes_with_each_change_and_not_without_one()
    {
        var queue = new CatalogueQueue { Source = Source, Name = Queue, InputQueue = "orders", Messages = 2 };
        var versions = new List<long> { await Reader.VersionAsync(default) };
        await ChangesAsync(() => AddAsync(Fault(Queue, "a")));
        await ChangesAsync(() => MoveAsync(Fault(Queue, "a")));
        await ChangesAsync(() => Writer.SaveQueueAsync(queue, default));
        await ChangesAsync(() => WalkAsync(Queue, Fault(Queue, "b")));
        await ChangesAsync(() => Writer.SaveQueueAsync(queue with { Messages = null }, default));
        await ChangesAsync(() => Writer.RemoveAsync(Source, Queue, [Fault(Queue, "b").Id], default));

        await Writer.SaveQueueAsync(queue with { Messages = null }, default);
        await Writer.PruneAsync(default);
        (await Reader.VersionAsync(default)).ShouldBe(versions[^1]);

        async Task ChangesAsync(Func<Task> change)
        {
            await change();
            versions.Add(await Reader.VersionAsync(default));
            versions[^1].ShouldBeGreaterThan(versions[^2]);
        }
    }

    [Fact]
    public async Task Retention_deletes_letters_that_left_long_ago_with_their_contents_and_texts()
    {
        var (old, recent, there) = (Fault(Queue, "needle old"), Fault(Queue, "needle recent"), Fault(Queue, "needle there"));
        await AddAsync(old, recent, there);
        await IndexAsync();
        await MoveAsync(old);
        Time.Advance(TimeSpan.FromDays(20));
        await MoveAsync(recent);
        Time.Advance(TimeSpan.FromDays(11));

        (await Writer.PruneAsync(default)).ShouldBe(1);

        (await Reader.FindAsync(Source, Queue, old.Id, default)).ShouldBeNull();
        (await IdsAsync("needle state:any")).ShouldBe(new[] { recent.Id, there.Id }, ignoreOrder: true);
        Rows("catalogue_bodies").ShouldBe(2);
        Rows("catalogue_text").ShouldBe(2);
    }

    [Fact]
    public async Task Group_that_was_removed_with_its_last_letter_is_created_again_for_the_next_one()
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter);
        await Writer.RemoveAsync(Source, Queue, [letter.Id], default);
        Rows("catalogue_groups").ShouldBe(0);

        await AddAsync(letter);

        (await EntryAsync(letter)).CauseId.ShouldBe(letter.Cause.Id);
    }

    [Fact]
    public async Task Erased_letter_leaves_nothing_also_not_its_identical_ones_that_left()
    {
        var letter = Fault(Queue, "timeout of jane@example.com");
        await AddAsync(letter, letter, letter, Fault(Queue, "other"));
        await IndexAsync();
        await MoveAsync(letter);

        await Writer.RemoveAsync(Source, Queue, [letter.Id], default);

        (await IdsAsync("jane@example state:any")).ShouldBe([letter.Id]); // one is still in the queue
        await Writer.RemoveAsync(Source, Queue, [letter.Id], default);
        (await Writer.OverwriteAsync(default)).ShouldBeNull();
        (await IdsAsync("jane@example state:any")).ShouldBeEmpty();
        Rows("catalogue_bodies").ShouldBe(1);
        Rows("catalogue_text").ShouldBe(1);
    }

    private long Rows(string table) => Options.Database.Read(statements => statements.Scalar<long>($"SELECT count(*) FROM {table}"));
}
