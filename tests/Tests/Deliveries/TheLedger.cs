using Microsoft.Extensions.Time.Testing;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Tests.Deliveries;

public sealed class TheLedger : IAsyncDisposable
{
    private static readonly TimeSpan _lease = TimeSpan.FromSeconds(35);
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-ledger-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 12, 0, 0, TimeSpan.Zero));
    private readonly GroupCommit _writer;
    private readonly DeliveryLedger _ours;
    private readonly DeliveryLedger _other;
    private readonly Guid _id = Guid.CreateVersion7();

    public TheLedger()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "deliveries.db")}", out var database, out _).ShouldBeTrue();
        DatabaseSchema.Migrate(database!, typeof(CreateDeliveries).Assembly);
        _writer = new GroupCommit(database!);
        _ours = new DeliveryLedger(database!, _writer, _time);
        _other = new DeliveryLedger(database!, _writer, _time);
    }

    [Fact]
    public async Task What_was_sent_is_never_free_again()
    {
        (await TakeAsync(_ours)).ShouldBe(1);
        await _ours.SentAsync(_id, _time.GetUtcNow(), "250 ok", default);
        (await TakeAsync(_ours)).ShouldBeNull();
        (await TakeAsync(_other)).ShouldBeNull();
        (await _other.NotSentAsync(_id, "late", default)).ShouldBeNull();
        _other.Find(_id)!.ShouldSatisfyAllConditions(it => it.State.ShouldBe(DeliveryState.Sent), it => it.Detail.ShouldBe("250 ok"), it => it.Gif.ShouldBe("cat"));
    }

    [Fact]
    public async Task What_one_has_in_hand_is_not_free_for_another_even_after_the_lease()
    {
        await TakeAsync(_ours);
        (await TakeAsync(_other)).ShouldBeNull();
        _time.Advance(TimeSpan.FromHours(1));
        (await TakeAsync(_other)).ShouldBeNull();
    }

    [Fact]
    public async Task Only_what_is_unknown_can_be_called_sent_by_an_operator()
    {
        (await _other.ConfirmSentAsync(_id, "jane", default)).ShouldBeNull();
        await TakeAsync(_ours);
        (await _other.ConfirmSentAsync(_id, "jane", default)).ShouldBeNull();
        await _ours.UnknownAsync(_id, "no reply", default);
        _time.Advance(TimeSpan.FromHours(1));
        (await _other.ConfirmSentAsync(_id, "jane", default)).ShouldBe(1);
        _ours.Find(_id)!.ShouldSatisfyAllConditions(
            it => it.State.ShouldBe(DeliveryState.Sent), it => it.Detail.ShouldBe("jane says that it arrived"), it => it.SentAt.ShouldBe(_time.GetUtcNow() - TimeSpan.FromHours(1)));
        (await _other.ReleaseAsync(_id, "replay", default)).ShouldBeNull();
    }

    [Fact]
    public async Task What_was_not_sent_is_not_released_nor_called_sent()
    {
        await _ours.NotSentAsync(_id, "refused", default);
        (await _ours.ReleaseAsync(_id, "replay", default)).ShouldBeNull();
        (await _ours.ConfirmSentAsync(_id, "jane", default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_lease_runs_out()
    {
        await TakeAsync(_ours);
        _time.Advance(_lease - TimeSpan.FromSeconds(1));
        _other.IsLeased(_other.Find(_id)!).ShouldBeTrue();
        _time.Advance(TimeSpan.FromSeconds(1));
        _other.IsLeased(_other.Find(_id)!).ShouldBeFalse();
    }

    [Fact]
    public async Task A_clock_that_jumped_back_makes_no_lease_endless()
    {
        await TakeAsync(_ours);
        _time.AdjustTime(_time.GetUtcNow() - TimeSpan.FromHours(1));
        _other.IsLeased(_other.Find(_id)!).ShouldBeFalse();
    }

    [Fact]
    public async Task A_process_may_take_its_own_again_when_the_answer_to_its_first_write_was_lost()
    {
        (await TakeAsync(_ours)).ShouldBe(1);
        (await TakeAsync(_ours)).ShouldBe(2);
    }

    [Fact]
    public async Task Tries_are_counted_through_failures_before_and_in_the_handover()
    {
        (await _ours.NotSentAsync(_id, "no GIF", default)).ShouldBe(1);
        (await TakeAsync(_ours)).ShouldBe(2);
        (await _ours.NotSentAsync(_id, "450 busy", default)).ShouldBe(2);
        (await TakeAsync(_other)).ShouldBe(3);
    }

    [Fact]
    public async Task What_is_unknown_stays_so_for_everybody()
    {
        await TakeAsync(_ours);
        await _other.UnknownAsync(_id, "who had it is gone", default);
        (await TakeAsync(_ours)).ShouldBeNull();
        (await TakeAsync(_other)).ShouldBeNull();
        _ours.Find(_id)!.Detail.ShouldBe("who had it is gone");
    }

    [Fact]
    public async Task Who_knows_that_it_was_sent_may_say_so_after_others_gave_it_up()
    {
        await TakeAsync(_ours);
        await _other.UnknownAsync(_id, "lease run out", default);
        await _ours.SentAsync(_id, _time.GetUtcNow(), "250 ok", default);
        _ours.Find(_id)!.State.ShouldBe(DeliveryState.Sent);
    }

    [Fact]
    public async Task A_note_stands_until_the_work_has_ended()
    {
        await _ours.MarkInFlightAsync(_id, default);
        _other.Find(_id)!.ShouldSatisfyAllConditions(it => it.InFlight.ShouldBe(1), it => it.Attempt.ShouldBe(0), it => it.State.ShouldBe(DeliveryState.NotSent));
        await TakeAsync(_ours);
        _other.Find(_id)!.InFlight.ShouldBe(1);
        await _ours.SentAsync(_id, _time.GetUtcNow(), "250 ok", default);
        _other.Find(_id)!.InFlight.ShouldBe(0);
    }

    [Fact]
    public async Task A_note_is_counted_on_and_taken_back_without_touching_the_rest()
    {
        await TakeAsync(_ours);
        await _other.MarkInFlightAsync(_id, default);
        await _other.MarkInFlightAsync(_id, default);
        _ours.Find(_id)!.ShouldSatisfyAllConditions(it => it.InFlight.ShouldBe(2), it => it.State.ShouldBe(DeliveryState.Sending), it => it.Attempt.ShouldBe(1));
        await _other.ClearInFlightAsync(_id, default);
        _ours.Find(_id)!.ShouldSatisfyAllConditions(it => it.InFlight.ShouldBe(0), it => it.State.ShouldBe(DeliveryState.Sending), it => it.Owner.ShouldBe(_ours.Owner));
    }

    [Fact]
    public async Task What_one_has_in_hand_another_can_neither_give_up_nor_call_sent()
    {
        await TakeAsync(_ours);
        (await _other.NotSentAsync(_id, "not mine", default)).ShouldBeNull();
        await _other.SentAsync(_id, _time.GetUtcNow(), "250 not mine", default);
        _ours.Find(_id)!.ShouldSatisfyAllConditions(it => it.State.ShouldBe(DeliveryState.Sending), it => it.Detail.ShouldBeNull());
    }

    [Fact]
    public async Task What_nobody_has_in_hand_can_not_become_unknown()
    {
        await _ours.NotSentAsync(_id, "450 busy", default);
        await _ours.UnknownAsync(_id, "really?", default);
        _ours.Find(_id)!.State.ShouldBe(DeliveryState.NotSent);
    }

    [Fact]
    public async Task A_clock_that_jumped_forward_ends_a_lease_and_gives_nothing_free()
    {
        await TakeAsync(_ours);
        _time.Advance(TimeSpan.FromDays(365));
        _other.IsLeased(_other.Find(_id)!).ShouldBeFalse();
        (await TakeAsync(_other)).ShouldBeNull();
    }

    [Fact]
    public async Task A_reply_of_any_length_finds_room()
    {
        await TakeAsync(_ours);
        await _ours.SentAsync(_id, _time.GetUtcNow(), new string('r', 5_000), default);
        _ours.Find(_id)!.Detail!.Length.ShouldBe(2_000);
    }

    [Fact]
    public void Of_what_was_never_tried_nothing_is_known() => _ours.Find(_id).ShouldBeNull();

    [Fact]
    public async Task Of_many_that_take_at_once_one_gets_it()
    {
        var takes = await Task.WhenAll(Enumerable.Range(0, 20).Select(number => TakeAsync(number % 2 == 0 ? _ours : _other)));
        takes.Count(take => take == 1).ShouldBe(1);
        _ours.Find(_id)!.State.ShouldBe(DeliveryState.Sending);
    }

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    private Task<int?> TakeAsync(DeliveryLedger ledger) => ledger.TakeAsync(_id, _lease, "cat", default);
}
