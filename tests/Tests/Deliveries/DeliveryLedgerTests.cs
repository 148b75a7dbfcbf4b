using Microsoft.Extensions.Time.Testing;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Tests.Deliveries;

public sealed class DeliveryLedgerTests : IAsyncDisposable
{
    private static readonly TimeSpan _lease = TimeSpan.FromSeconds(35);
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-ledger-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 12, 0, 0, TimeSpan.Zero));
    private readonly GroupCommit _writer;
    private readonly DeliveryLedger _ours;
    private readonly DeliveryLedger _other;
    private readonly Guid _id = Guid.CreateVersion7();

    public DeliveryLedgerTests()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "deliveries.db")}", out var database, out _).ShouldBeTrue();
        DatabaseSchema.Migrate(database!, typeof(CreateDeliveries).Assembly);
        _writer = new GroupCommit(database!);
        _ours = new DeliveryLedger(database!, _writer, _time);
        _other = new DeliveryLedger(database!, _writer, _time);
    }

    [Fact]
    public async Task Sent_submission_can_never_be_taken_again()
    {
        (await TakeAsync(_ours)).ShouldBe(1);
        await _ours.SentAsync(_id, _time.GetUtcNow(), "250 ok", default);
        (await TakeAsync(_ours)).ShouldBeNull();
        (await TakeAsync(_other)).ShouldBeNull();
        (await _other.NotSentAsync(_id, "late", default)).ShouldBeNull();
        _other.Find(_id)!.ShouldSatisfyAllConditions(it => it.State.ShouldBe(DeliveryState.Sent), it => it.Detail.ShouldBe("250 ok"), it => it.Gif.ShouldBe("cat"));
    }

    [Fact]
    public async Task Submission_in_flight_cannot_be_taken_by_another_process_even_after_the_lease()
    {
        await TakeAsync(_ours);
        (await TakeAsync(_other)).ShouldBeNull();
        _time.Advance(TimeSpan.FromHours(1));
        (await TakeAsync(_other)).ShouldBeNull();
    }

    [Fact]
    public async Task Operator_can_confirm_only_an_unknown_outcome_as_sent()
    {
        (await _other.ConfirmSentAsync(_id, "jane", default)).ShouldBeNull();
        await TakeAsync(_ours);
        (await _other.ConfirmSentAsync(_id, "jane", default)).ShouldBeNull();
        await _ours.UnknownAsync(_id, "no reply", default);
        _time.Advance(TimeSpan.FromHours(1));
        (await _other.ConfirmSentAsync(_id, "jane", default)).ShouldBe(1);
        _ours.Find(_id)!.ShouldSatisfyAllConditions(
            it => it.State.ShouldBe(DeliveryState.Sent), it => it.Detail.ShouldBe("jane says that it arrived"), it => it.SentAt.ShouldBeNull()); // no reply came
        (await _other.ReleaseAsync(_id, "replay", default)).ShouldBeNull();
    }

    [Fact]
    public async Task Submission_not_sent_can_be_neither_released_nor_confirmed_as_sent()
    {
        await _ours.NotSentAsync(_id, "refused", default);
        (await _ours.ReleaseAsync(_id, "replay", default)).ShouldBeNull();
        (await _ours.ConfirmSentAsync(_id, "jane", default)).ShouldBeNull();
    }

    [Fact]
    public async Task Lease_of_a_submission_runs_out()
    {
        await TakeAsync(_ours);
        _time.Advance(_lease - TimeSpan.FromSeconds(1));
        _other.IsLeased(_other.Find(_id)!).ShouldBeTrue();
        _time.Advance(TimeSpan.FromSeconds(1));
        _other.IsLeased(_other.Find(_id)!).ShouldBeFalse();
    }

    [Fact]
    public async Task Clock_that_jumped_back_makes_no_lease_endless()
    {
        await TakeAsync(_ours);
        _time.AdjustTime(_time.GetUtcNow() - TimeSpan.FromHours(1));
        _other.IsLeased(_other.Find(_id)!).ShouldBeFalse();
    }

    [Fact]
    public async Task Process_may_take_its_own_submission_again_after_a_lost_response()
    {
        (await TakeAsync(_ours)).ShouldBe(1);
        (await TakeAsync(_ours)).ShouldBe(2);
    }

    [Fact]
    public async Task Attempts_are_counted_across_failures_before_and_during_the_handover()
    {
        (await _ours.NotSentAsync(_id, "no GIF", default)).ShouldBe(1);
        (await TakeAsync(_ours)).ShouldBe(2);
        (await _ours.NotSentAsync(_id, "450 busy", default)).ShouldBe(2);
        (await TakeAsync(_other)).ShouldBe(3);
    }

    [Fact]
    public async Task Unknown_outcome_stays_unknown_for_every_process()
    {
        await TakeAsync(_ours);
        await _other.UnknownAsync(_id, "who had it is gone", default);
        (await TakeAsync(_ours)).ShouldBeNull();
        (await TakeAsync(_other)).ShouldBeNull();
        _ours.Find(_id)!.Detail.ShouldBe("who had it is gone");
    }

    [Fact]
    public async Task Process_that_sent_a_mail_may_record_it_after_others_recorded_an_unknown_outcome()
    {
        await TakeAsync(_ours);
        await _other.UnknownAsync(_id, "lease run out", default);
        await _ours.SentAsync(_id, _time.GetUtcNow(), "250 ok", default);
        _ours.Find(_id)!.State.ShouldBe(DeliveryState.Sent);
    }

    [Fact]
    public async Task In_flight_mark_stays_until_the_delivery_has_ended()
    {
        await _ours.MarkInFlightAsync(_id, default);
        _other.Find(_id)!.ShouldSatisfyAllConditions(it => it.InFlight.ShouldBe(1), it => it.Attempt.ShouldBe(0), it => it.State.ShouldBe(DeliveryState.NotSent));
        await TakeAsync(_ours);
        _other.Find(_id)!.InFlight.ShouldBe(1);
        await _ours.SentAsync(_id, _time.GetUtcNow(), "250 ok", default);
        _other.Find(_id)!.InFlight.ShouldBe(0);
    }

    [Fact]
    public async Task In_flight_mark_is_counted_and_cleared_without_changing_the_rest_of_the_entry()
    {
        await TakeAsync(_ours);
        await _other.MarkInFlightAsync(_id, default);
        await _other.MarkInFlightAsync(_id, default);
        _ours.Find(_id)!.ShouldSatisfyAllConditions(it => it.InFlight.ShouldBe(2), it => it.State.ShouldBe(DeliveryState.Sending), it => it.Attempt.ShouldBe(1));
        await _other.ClearInFlightAsync(_id, default);
        _ours.Find(_id)!.ShouldSatisfyAllConditions(it => it.InFlight.ShouldBe(0), it => it.State.ShouldBe(DeliveryState.Sending), it => it.Owner.ShouldBe(_ours.Owner));
    }

    [Fact]
    public async Task Submission_in_flight_cannot_be_given_up_or_marked_sent_by_another_process()
    {
        await TakeAsync(_ours);
        (await _other.NotSentAsync(_id, "not mine", default)).ShouldBeNull();
        await _other.SentAsync(_id, _time.GetUtcNow(), "250 not mine", default);
        _ours.Find(_id)!.ShouldSatisfyAllConditions(it => it.State.ShouldBe(DeliveryState.Sending), it => it.Detail.ShouldBeNull());
    }

    [Fact]
    public async Task Submission_not_in_flight_cannot_become_outcome_unknown()
    {
        await _ours.NotSentAsync(_id, "450 busy", default);
        await _ours.UnknownAsync(_id, "really?", default);
        _ours.Find(_id)!.State.ShouldBe(DeliveryState.NotSent);
    }

    [Fact]
    public async Task Clock_that_jumped_forward_ends_a_lease_and_releases_no_submission()
    {
        await TakeAsync(_ours);
        _time.Advance(TimeSpan.FromDays(365));
        _other.IsLeased(_other.Find(_id)!).ShouldBeFalse();
        (await TakeAsync(_other)).ShouldBeNull();
    }

    [Fact]
    public async Task Server_reply_of_any_length_is_stored_truncated()
    {
        await TakeAsync(_ours);
        await _ours.SentAsync(_id, _time.GetUtcNow(), new string('r', 5_000), default);
        _ours.Find(_id)!.Detail!.Length.ShouldBe(2_000);
    }

    [Fact]
    public void Submission_that_was_never_tried_has_no_ledger_entry() => _ours.Find(_id).ShouldBeNull();

    [Fact]
    public async Task Only_one_of_many_concurrent_takes_of_a_submission_succeeds()
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
