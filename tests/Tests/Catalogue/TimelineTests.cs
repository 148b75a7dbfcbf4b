using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Catalogue;

public sealed class TimelineTests
{
    private static readonly DateTimeOffset _start = new(2026, 11, 29, 3, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Timeline_says_who_replayed_a_message_and_whether_it_failed_for_the_same_cause()
    {
        var first = Letter(1, "aaaaaaaa", 0) with { State = LetterState.Replayed, LeftAt = _start.AddMinutes(10), By = "Sam" };
        var second = Letter(2, "aaaaaaaa", 11) with { State = LetterState.Replayed, LeftAt = _start.AddMinutes(20), By = "Erin" };
        var third = Letter(3, "bbbbbbbb", 21);

        var steps = Timeline.Of([first, second, third], third, _start.AddMinutes(-1));

        steps.Select(step => step.Text).ShouldBe(
        [
            "Sent", "Failed: TimeoutException in orders_error", "Replayed by Sam", "Failed again, same cause: TimeoutException in orders_error", "Replayed by Erin",
            "Failed again, another cause: TimeoutException in orders_error",
        ]);
        steps.Select(step => step.Letter?.Key).ShouldBe([null, 1, null, 2, null, null]);
        steps.Select(step => step.At).ShouldBeInOrder();
    }

    [Fact]
    public void Letter_without_history_has_its_own_failure()
    {
        var letter = Letter(1, "aaaaaaaa", 0) with { State = LetterState.Gone, LeftAt = _start.AddMinutes(1) };

        Timeline.Of([], letter, sent: null).Select(step => step.Text).ShouldBe(["Failed: TimeoutException in orders_error", "Left the queue in another way"]);
    }

    [Fact]
    public void Time_of_sending_comes_from_the_envelope()
    {
        var letter = new FailedLetter { At = _start };
        Timeline.SentAt(letter.Build()).ShouldBe(_start.AddMinutes(-2));
        Timeline.SentAt((letter with { Message = "not JSON" }).Build()).ShouldBeNull();
    }

    [Fact]
    public void Timeline_shows_the_tries_before_the_first_letter_of_the_catalogue()
    {
        var tries = Tries((-30, "aaaaaaaa", "Sam", -20), (0, "aaaaaaaa", "Erin", 5));
        var first = Letter(1, "aaaaaaaa", 0) with { State = LetterState.Replayed, LeftAt = _start.AddMinutes(5), By = "Erin" };
        var second = Letter(2, "bbbbbbbb", 6);

        Timeline.Of([first, second], second, sent: null, tries).Select(step => step.Text).ShouldBe(
        [
            "Failed: TimeoutException in orders_error (version 3.2.0)", "Replayed by Sam", "Failed again, same cause: TimeoutException in orders_error", "Replayed by Erin",
            "Failed again, another cause: TimeoutException in orders_error",
        ]);
    }

    [Fact]
    public void Timeline_of_a_message_in_no_catalogue_comes_from_its_own_history()
    {
        var letter = new FailedLetter { At = _start };
        Timeline.Of(letter.Build()).ShouldBeEmpty();
        var cause = letter.Build().Cause.Id;
        var history = $$"""{"tries":[{"failedAt":"{{_start.AddMinutes(-30):O}}","queue":"orders_error","exception":"A.B","cause":"aaaaaaaa","replayedBy":"Sam","replayedAt":"{{_start.AddMinutes(-20):O}}"},{"failedAt":"{{_start.AddMinutes(-10):O}}","queue":"orders_error","exception":"A.C","cause":"{{cause}}","replayedBy":"Erin","replayedAt":"{{_start.AddMinutes(-5):O}}"}],"omitted":7}""";

        var steps = Timeline.Of((letter with { Headers = new Dictionary<string, string> { ["Replay-History"] = history }, SentAt = _start.AddHours(-1) }).Build());

        steps.Select(step => step.Text).ShouldBe(
        [
            "Sent", "Failed: B in orders_error", "Replayed by Sam", "7 more tries, not recorded", "Failed again, another cause: C in orders_error", "Replayed by Erin",
            "Failed again, same cause: TimeoutException in orders_error (version 3.2.0)",
        ]);
        steps.Select(step => step.At).ShouldBeInOrder();
    }

    private static TryHistory Tries(params IEnumerable<(int Failed, string Cause, string By, int Replayed)> tries) => new(
        [.. tries.Select(one => new EarlierTry
        {
            FailedAt = _start.AddMinutes(one.Failed), Queue = "orders_error", ExceptionType = "System.TimeoutException", Cause = one.Cause, Version = "3.2.0",
            ReplayedBy = one.By, ReplayedAt = _start.AddMinutes(one.Replayed),
        })], 0);

    private static CatalogueLetter Letter(long key, string cause, int minute) => new()
    {
        Key = key,
        Source = "shop",
        Queue = "orders_error",
        Id = $"{key:x16}",
        ExceptionType = "System.TimeoutException",
        CauseId = cause,
        Reason = "",
        At = _start.AddMinutes(minute),
        Size = 1,
        State = LetterState.There,
    };
}
