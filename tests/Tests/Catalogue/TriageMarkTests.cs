using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Triage;

namespace WorkinIt.Tests.Catalogue;

/// <summary>What a cause is marked with on the board.</summary>
public sealed class TriageMarkTests
{
    private static readonly DateTimeOffset _noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly CauseTriage _none = new("a");

    [Fact]
    public void Cause_is_new_for_24_hours_from_its_first_letter_unless_it_is_acknowledged()
    {
        CauseMarks.Of(_none, Cause(), _noon.AddHours(23.9)).IsNew.ShouldBeTrue();
        CauseMarks.Of(_none, Cause(), _noon.AddHours(24)).IsNew.ShouldBeFalse();
        CauseMarks.Of(_none with { Acknowledged = Ann(0) }, Cause(), _noon).IsNew.ShouldBeFalse();
    }

    [Fact]
    public void Cause_whose_first_letters_have_left_is_as_old_as_they_were()
    {
        var seen = _none with { Track = new CauseTrack { FirstAt = _noon.AddDays(-3) } };
        CauseMarks.Of(seen, Cause(), _noon).IsNew.ShouldBeFalse();
    }

    [Fact]
    public void Cause_is_back_until_it_is_acknowledged_again()
    {
        var back = _none with { Track = new CauseTrack { FirstAt = _noon, BackAt = _noon.AddHours(2) } };
        CauseMarks.Of(back, Cause(), _noon.AddHours(3)).ShouldSatisfyAllConditions(it => it.IsBack.ShouldBeTrue(), it => it.IsNew.ShouldBeFalse());
        CauseMarks.Of(back with { Acknowledged = Ann(1) }, Cause(), _noon.AddHours(3)).ShouldSatisfyAllConditions(it => it.IsBack.ShouldBeTrue(), it => it.IsAcknowledged.ShouldBeFalse());
        CauseMarks.Of(back with { Acknowledged = Ann(3) }, Cause(), _noon.AddHours(3)).ShouldSatisfyAllConditions(it => it.IsBack.ShouldBeFalse(), it => it.IsAcknowledged.ShouldBeTrue());
    }

    [Fact]
    public void Old_cause_with_replayed_letters_is_back_although_nothing_was_seen_of_it_before()
    {
        CauseMarks.Of(_none, Cause() with { FailedAgain = 1 }, _noon.AddDays(2)).IsBack.ShouldBeTrue();
        CauseMarks.Of(_none, Cause(), _noon.AddDays(2)).IsBack.ShouldBeFalse();
    }

    [Fact]
    public void Mute_until_a_time_ends_then()
    {
        var mute = new Mute(Ann(0), _noon.AddHours(1), null);
        CauseMarks.IsMutedAt(mute, [], _noon.AddMinutes(59)).ShouldBeTrue();
        CauseMarks.IsMutedAt(mute, [], _noon.AddHours(1)).ShouldBeFalse();
        CauseMarks.IsMutedAt(null, [], _noon).ShouldBeFalse();
    }

    [Theory]
    [InlineData("2.4", "2.3.9.9", true)]
    [InlineData("2.4", "2.4.0.0", false)]
    [InlineData("2.4.0.0", "2.4", false)]
    [InlineData("2.4", "2.10.0.0", false)]
    [InlineData("v2.4", "2.4.0+1a2b3c", false)]
    [InlineData("3", "2.9", true)]
    [InlineData("release-7", "release-6", true)]
    [InlineData("release-7", "release-8", true)] // texts have no order
    [InlineData("release-7", "RELEASE-7", false)]
    public void Mute_until_a_version_ends_when_that_version_or_a_later_one_is_seen(string until, string seen, bool muted) =>
        CauseMarks.IsMutedAt(new Mute(Ann(0), null, until), ["1.0.0.0", seen], _noon).ShouldBe(muted);

    [Fact]
    public void Mute_until_a_version_stays_ended_when_the_letters_with_that_version_have_left()
    {
        var triage = _none with { Mute = new Mute(Ann(0), null, "2.4"), Track = new CauseTrack { FirstAt = _noon, Versions = new HashSet<string> { "2.4.0.0" } } };
        CauseMarks.Of(triage, Cause() with { Versions = ["2.3.0.0"] }, _noon).IsMuted.ShouldBeFalse();
        CauseMarks.Of(triage with { Track = null }, Cause() with { Versions = ["2.3.0.0"] }, _noon).IsMuted.ShouldBeTrue();
    }

    [Fact]
    public void First_version_is_the_lowest_that_was_seen_at_first()
    {
        CauseMarks.Of(_none, Cause() with { Versions = ["2.10.0.0", "2.9.0.0"] }, _noon).FirstVersion.ShouldBe("2.9.0.0");
        CauseMarks.Of(_none with { Track = new CauseTrack { FirstAt = _noon, FirstVersion = "2.10.0.0" } }, Cause() with { Versions = ["2.9.0.0"] }, _noon).FirstVersion.ShouldBe("2.10.0.0");
        CauseMarks.Of(_none, Cause(), _noon).FirstVersion.ShouldBeNull();
    }

    private static Stamp Ann(int hours) => new("ann", _noon.AddHours(hours));

    private static BoardCause Cause() => new()
    {
        Cause = new Cause("a", "System.TimeoutException", "It took {n} s", null),
        Count = 1,
        First = _noon,
        Last = _noon,
        Sparkline = [],
        Queues = [],
        MessageTypes = [],
        Versions = [],
        Example = new LetterAddress("/", "orders_error", "0123456789abcdef"),
    };
}
