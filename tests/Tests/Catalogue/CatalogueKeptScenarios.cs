using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using static WorkinIt.Tests.Catalogue.TestLetters;

namespace WorkinIt.Tests.Catalogue;

/// <summary>Letters that failed while their queue was missing; run on SQLite and on PostgreSQL.</summary>
public abstract class CatalogueKeptScenarios : CatalogueScenarios
{
    [Fact]
    public async Task Kept_letter_is_complete_whatever_its_size_and_no_retention_removes_it()
    {
        var letter = Fault(Queue, "timeout", body: new string('x', 300_000));
        await KeepAsync(letter);

        Time.Advance(TimeSpan.FromDays(1000));
        await Writer.PruneAsync(default);
        await SeeAsync();

        (await Reader.FindAsync(Source, Queue, letter.Id, default))!.Letter!.Body.ToArray().ShouldBe(letter.Body.ToArray());
        (await Reader.QueuesAsync(default)).Single().ShouldSatisfyAllConditions(it => it.Name.ShouldBe(Queue), it => it.IsMissing.ShouldBeTrue(), it => it.Kept.ShouldBe(1), it => it.Letters.ShouldBe(0));
    }

    [Fact]
    public async Task Redelivered_copy_of_a_kept_letter_is_not_kept_again_nor_taken_for_one_in_the_queue()
    {
        var letter = Fault(Queue, "timeout");
        await KeepAsync(letter);
        await Writer.AddAsync(Source, [letter.Copy(redelivered: true) with { IsKept = true }], default);
        await Writer.AddAsync(Source, [letter.Copy(redelivered: true)], default);

        (await IdsAsync("state:kept")).ShouldBe([letter.Id]);
        (await IdsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Identical_letters_that_are_kept_and_in_the_queue_do_not_replace_each_other()
    {
        var letter = Fault(Queue, "timeout");
        await KeepAsync(letter, letter);
        await AddAsync(letter, letter, letter);

        (await IdsAsync()).ShouldBe([letter.Id, letter.Id + "-2", letter.Id + "-3"]);
        (await IdsAsync("state:kept")).Length.ShouldBe(2);
    }

    [Fact]
    public async Task Walk_that_finds_a_kept_letter_in_its_queue_ends_its_keeping()
    {
        var (stored, lost) = (Fault(Queue, "stored"), Fault(Queue, "lost"));
        await KeepAsync(stored, lost);
        await WalkAsync(Queue, stored);

        (await IdsAsync()).ShouldBe([stored.Id]);
        (await IdsAsync("state:kept")).ShouldBe([lost.Id]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Letters_that_were_being_put_back_are_there_or_kept_as_the_next_walk_finds(bool arePublished)
    {
        var letter = Fault(Queue, "timeout");
        await AddAsync(letter);
        await KeepAsync(letter, letter);
        await Store.Kept.BeginAsync(Source, Queue, "op", [.. (await NextAsync()).Select(kept => (kept.Key, kept.Letter!.Hash))], default);
        await WalkAsync(Queue, [.. Enumerable.Range(0, arePublished ? 3 : 1).Select(twin => Fault(Queue, "timeout", twin: twin))]);

        (await IdsAsync()).Length.ShouldBe(arePublished ? 3 : 1);
        (await IdsAsync("state:kept")).Length.ShouldBe(arePublished ? 0 : 2);
        (await NextAsync()).Count.ShouldBe(arePublished ? 0 : 2);
    }

    [Fact]
    public async Task Letters_that_are_put_back_are_there_and_refused_ones_stay()
    {
        var (one, two) = (Fault(Queue, "one"), Fault(Queue, "two"));
        await KeepAsync(one, two);
        var kept = await NextAsync();
        await Store.Kept.BeginAsync(Source, Queue, "op", [.. kept.Select(it => (it.Key, it.Letter!.Hash))], default);
        await Store.Kept.EndAsync([kept[0].Key], [kept[1].Key], default);

        (await IdsAsync()).ShouldBe([one.Id]);
        (await IdsAsync("state:kept")).ShouldBe([two.Id]);
    }

    [Fact]
    public async Task Only_letters_that_were_never_seen_in_their_queue_are_gone_unseen()
    {
        var (seen, walked, unseen) = (Fault(Queue, "seen"), Fault(Queue, "walked"), Fault(Queue, "unseen", body: new string('x', 300_000)));
        await AddAsync(seen);
        await SeeAsync();
        await WalkAsync(Queue, seen, walked);
        await AddAsync(unseen);
        await WalkAsync(Queue);

        (await IdsAsync("state:gone")).ShouldBe([seen.Id, walked.Id], ignoreOrder: true);
        (await IdsAsync("state:unseen")).ShouldBe([unseen.Id]);
        (await Store.Kept.RequestAsync(Source, Queue, [seen.Id, unseen.Id], "jane", default)).ShouldBe(1);
        (await NextAsync("jane")).Single().Letter!.Body.Length.ShouldBe(300_000);
    }

    [Fact]
    public async Task Dismissed_letters_count_as_gone_and_can_not_be_put_back_and_kept_ones_are_not_dismissed()
    {
        var (there, gone, unseen, kept) = (Fault(Queue, "there"), Fault(Queue, "gone"), Fault(Queue, "unseen", body: new string('x', 300_000)), Fault(Queue, "kept"));
        await WalkAsync(Queue, there, gone);
        await AddAsync(unseen);
        await WalkAsync(Queue, there);
        await KeepAsync(kept);
        string[] all = [there.Id, gone.Id, unseen.Id, kept.Id, "no id"];
        WholeCount().ShouldBe(1);

        (await Store.Kept.DismissAsync(Source, Queue, all, "jane", default)).ShouldBe([unseen.MessageId ?? unseen.Id]);

        (await IdsAsync("state:unseen")).ShouldBeEmpty();
        (await IdsAsync("state:gone")).ShouldBe([gone.Id, unseen.Id], ignoreOrder: true);
        ((await Reader.FindAsync(Source, Queue, unseen.Id, default))!.Entry.By, (await Reader.FindAsync(Source, Queue, gone.Id, default))!.Entry.By).ShouldBe(("jane", null));
        (await IdsAsync()).ShouldBe([there.Id]);
        (await IdsAsync("state:kept")).ShouldBe([kept.Id]);
        WholeCount().ShouldBe(0);
        (await Store.Kept.RequestAsync(Source, Queue, [unseen.Id], "jane", default)).ShouldBe(0);
        (await Store.Kept.DismissAsync(Source, Queue, all, "jane", default)).ShouldBeEmpty();
        (await Reader.QueuesAsync(default)).Single().Unseen.ShouldBe(0);
    }

    [Fact]
    public async Task Complete_contents_of_a_large_letter_are_deleted_when_it_was_seen_in_its_queue()
    {
        var letter = Fault(Queue, "timeout", body: new string('x', 300_000));
        await AddAsync(letter);
        WholeCount().ShouldBe(1);
        await SeeAsync();
        WholeCount().ShouldBe(0);
    }

    [Fact]
    public async Task Erasure_finds_the_person_in_a_kept_letter_that_is_too_large_for_the_usual_contents()
    {
        await KeepAsync(Fault(Queue, "timeout", body: new string('x', 300_000) + "jane@example.com"), Fault(Queue, "other", body: new string('y', 300_000)));
        var erased = await new CatalogueErasure(Options.Database).RunAsync(
            (letter, _) => letter is not null && letter.Body.Span.IndexOf("jane@example.com"u8) >= 0, ["orders"], dryRun: false, default);

        erased.ShouldBe(1);
        (await IdsAsync("state:kept")).Length.ShouldBe(1);
        WholeCount().ShouldBe(1);
    }

    private long WholeCount() => Options.Database.Read(statements => statements.Scalar<long>("SELECT count(*) FROM catalogue_whole"));

    private Task KeepAsync(params DeadLetter[] letters) => Writer.AddAsync(Source, [.. letters.Select(letter => letter.Copy() with { IsKept = true })], default);

    private Task<IReadOnlyList<KeptLetter>> NextAsync(string? by = null) => Reader.KeptAsync(statements => KeptReading.Next(statements, Source, Queue, by, 0), default);
}
