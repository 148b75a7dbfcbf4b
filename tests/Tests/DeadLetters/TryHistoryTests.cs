using System.Text;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.DeadLetters;

public sealed class TryHistoryTests
{
    private static readonly DateTimeOffset _start = new(2026, 11, 29, 3, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Replay_adds_the_try_that_failed_to_the_earlier_ones()
    {
        var first = new FailedLetter { At = _start, Version = "3.2.0" };
        var second = new FailedLetter { At = _start.AddHours(1), Version = "3.3.0", Exception = "System.FormatException", Headers = With(TryHistory.After(first.Build(), "Sam", _start.AddMinutes(10))) };

        var history = TryHistory.Parse(TryHistory.After(second.Build(), "Erin", _start.AddMinutes(70)));

        history.Omitted.ShouldBe(0);
        history.Tries.ShouldBe(
        [
            new EarlierTry
            {
                FailedAt = _start, Queue = "orders_error", ExceptionType = "System.TimeoutException", Cause = first.Build().Cause.Id,
                Consumer = "Shop.Orders.PlaceOrderConsumer", Version = "3.2.0", ReplayedBy = "Sam", ReplayedAt = _start.AddMinutes(10),
            },
            new EarlierTry
            {
                FailedAt = _start.AddHours(1), Queue = "orders_error", ExceptionType = "System.FormatException", Cause = second.Build().Cause.Id,
                Consumer = "Shop.Orders.PlaceOrderConsumer", Version = "3.3.0", ReplayedBy = "Erin", ReplayedAt = _start.AddMinutes(70),
            },
        ]);
    }

    [Theory]
    [InlineData("Sam", "orders_error")]
    [InlineData("Ζωή Παπαδοπούλου 🐧 of the team that answers at night, and of a few other teams whose names do not fit here", "bestellungen-größe-größer-am-größten-und-noch-viel-länger_error")]
    public void History_of_a_hundred_replays_keeps_the_first_try_and_the_latest_ones_within_2_KiB(string by, string queue)
    {
        var header = "";
        for (var number = 0; number < 100; number++)
        {
            var letter = new FailedLetter { At = _start.AddMinutes(number), Queue = queue, Headers = header.Length == 0 ? With("") : With(header) };
            header = TryHistory.After(letter.Build(), by, _start.AddMinutes(number).AddSeconds(30));
            Encoding.UTF8.GetByteCount(header).ShouldBeLessThanOrEqualTo(2048);
        }

        var history = TryHistory.Parse(header);

        (history.Tries.Count + history.Omitted).ShouldBe(100);
        history.Tries[0].FailedAt.ShouldBe(_start);
        history.Tries.Skip(1).Select(one => one.FailedAt).ShouldBe(Enumerable.Range(100 - history.Tries.Count + 1, history.Tries.Count - 1).Select(number => (DateTimeOffset?)_start.AddMinutes(number)));
        history.Tries.Count.ShouldBeGreaterThan(1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("not JSON")]
    [InlineData("{\"tries\":null,\"omitted\":0}")]
    [InlineData("{\"tries\":[null],\"omitted\":0}")]
    [InlineData("{\"tries\":[{\"failedAt\":\"yesterday\"}],\"omitted\":0}")]
    [InlineData("{\"tries\":[{\"queue\":17}],\"omitted\":0}")]
    [InlineData("{\"tries\":[],\"omitted\":-1}")]
    public void Header_that_no_replay_wrote_is_no_history(string header)
    {
        var letter = new FailedLetter { Headers = With(header) }.Build();

        letter.History.ShouldBe(TryHistory.None);
        TryHistory.Parse(TryHistory.After(letter, "Sam", _start)).Tries.ShouldHaveSingleItem().ReplayedBy.ShouldBe("Sam");
    }

    [Fact]
    public void Foreign_header_of_any_length_is_not_read() =>
        new FailedLetter { Headers = With($$"""{"tries":[{"queue":"{{new string('x', 100_000)}}"}],"omitted":0}""") }.Build().History.ShouldBe(TryHistory.None);

    private static Dictionary<string, string> With(string history) => new() { ["Replay-History"] = history };
}
