using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Which dead letters a replay in order may move, by what is known of those before them.</summary>
public sealed class KeyOrderTests
{
    private readonly KeyOrder _order = new(OrderField.Parse("message.orderId"));
    private readonly Dictionary<string, int> _places = [];
    private int _moved;

    [Fact]
    public void Next_letter_of_a_key_follows_when_the_one_before_was_handled_and_other_keys_do_not_wait()
    {
        var letters = Add("a1", "b1", "a2", "b2");
        Prove(letters[0]);

        Movable(letters).ShouldBe(["b1", "a2"]);
        Move(letters[2]);
        Movable(letters).ShouldBe(["b1"]);
        Learn("a2", Outcome.Taken);
        Learn("a2", Outcome.Delayed);
        Learn("a2", Outcome.LeftQueue);
        Movable(letters).ShouldBe(["b1"]);
        Move(letters[1]);
        (_order.Movable, _order.IsWaiting).ShouldBe((0, true));
        Learn("b1", Outcome.Handled);
        Movable(letters).ShouldBe(["b2"]);
    }

    [Theory]
    [InlineData(Outcome.FailedAgain, "failed again")]
    [InlineData(Outcome.Skipped, "was skipped")]
    internal void Failure_holds_back_the_later_letters_of_its_key_and_no_others(Outcome outcome, string why)
    {
        var letters = Add("a1", "a2", "b1", "a3", "b2");
        Prove(letters[2]);

        Move(letters[0]);
        Learn("a1", outcome);

        Movable(letters).ShouldBe(["b2"]);
        _order.Held.Select(held => held.Why).ShouldBe(Enumerable.Repeat($"held back: in order by message.orderId, and an earlier dead letter of its key {why}", 2));
        var key = _order.Result.HeldBack.ShouldHaveSingleItem();
        (key.Letters, key.Id, key.Why).ShouldBe((2, letters[0].Id, why));
        _order.Result.HeldSummary.ShouldBe("held back: 1 of 2 keys");
    }

    [Fact]
    public void Failure_of_the_last_letter_of_a_key_holds_back_nothing()
    {
        var letters = Add("a1");
        Move(letters[0]);
        Learn("a1", Outcome.FailedAgain);

        _order.Result.HeldBack.ShouldBeEmpty();
        (_order.Movable, _order.IsWaiting).ShouldBe((0, false));
    }

    [Fact]
    public void Outcome_that_is_never_known_holds_back_the_later_letters_of_its_key()
    {
        var letters = Add("a1", "a2", "b1");
        Prove(letters[2]);
        Move(letters[0]);

        _order.GiveUp(Open(Outcome.Taken));

        (_order.Movable, _order.IsWaiting).ShouldBe((0, false));
        _order.Result.HeldBack.ShouldHaveSingleItem().Why.ShouldBe("has no known outcome (taken, no word yet)");
    }

    [Fact]
    public void One_letter_at_a_time_is_moved_until_the_application_has_reported_something()
    {
        var letters = Add("a1", "b1", "-1");

        Movable(letters).ShouldBe(["a1", "b1", "-1"]);
        Move(letters[0]);
        (_order.Movable, _order.IsWaiting).ShouldBe((0, true));
        Learn("a1", Outcome.LeftQueue);
        (_order.Movable, _order.IsProven).ShouldBe((0, false));
        Learn("a1", Outcome.Taken);
        Movable(letters).ShouldBe(["b1", "-1"]);
    }

    [Fact]
    public void Letter_that_was_refused_or_not_confirmed_by_the_broker_holds_back_the_later_ones_of_its_key()
    {
        var letters = Add("a1", "a2", "b1", "b2", "c1");
        Prove(letters[4]);

        _order.Refused(letters[0].Id);
        _order.Published(letters[2]);
        _order.Confirmed(); // the broker has returned it

        _order.Movable.ShouldBe(0);
        _order.Result.HeldBack.Select(key => key.Why).ShouldBe(["is refused", "was not confirmed by the broker"]);
    }

    [Fact]
    public void Letter_that_is_gone_when_the_queue_was_read_to_its_end_holds_back_the_later_ones_of_its_key()
    {
        var letters = Add("a1", "a2", "b1");
        Prove(letters[2]);

        _order.BeginPass();
        _order.See(letters[1]);
        _order.EndPass();

        Movable(letters).ShouldBeEmpty();
        _order.Result.HeldBack.ShouldHaveSingleItem().Why.ShouldBe("is no longer in the queue");
    }

    [Fact]
    public void Letter_that_failed_again_takes_its_place_again_before_the_later_ones_of_its_key()
    {
        var letters = Add("a5", "a6", "b1", "a7", "a4 again", "a6.5 again");
        Prove(letters[2]);

        var seen = new List<string>();
        for (string[] next; (next = Movable(letters)).Length > 0;)
        {
            seen.AddRange(next);
            Move(letters.Single(letter => Name(letter) == next[0]));
            Learn(next[0], Outcome.Handled);
        }

        seen.ShouldBe(["a4 again", "a5", "a6", "a6.5 again", "a7"]);
    }

    [Fact]
    public void Letters_without_a_key_are_moved_freely_and_counted()
    {
        var letters = Add("a1", "-1", "-2", "a2");
        Prove(letters[0]);

        Movable(letters).ShouldBe(["-1", "-2", "a2"]);
        _order.Result.Summary.ShouldBe("1 key, at most 2 messages of one key; 2 messages without a key, replayed without an order");
    }

    [Fact]
    public void Keys_with_an_earlier_letter_that_is_not_selected_are_counted()
    {
        _order.Add(Letter("a1"), isSelected: false);
        _order.Add(Letter("a2"), isSelected: true);
        _order.Add(Letter("b1"), isSelected: true);
        _order.Add(Letter("b2"), isSelected: false);
        _order.Complete();

        (_order.Result.Keys, _order.Result.PassingOthers).ShouldBe((2, 1));
    }

    [Theory]
    [InlineData("message.orderId", "17", "17")]
    [InlineData("Message.ORDERID", "17", "1…")]
    [InlineData("message.customer.email", "jane@example.com", "j…@e…")]
    [InlineData("correlationId", "0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d", "0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d")]
    [InlineData("header:Tenant", "blue", "b…")]
    [InlineData("message.lines", null, null)]
    [InlineData("message.missing", null, null)]
    [InlineData("header:Missing", null, null)]
    public void Key_is_a_text_or_a_number_of_the_message_the_envelope_or_a_header_and_is_masked_like_them(string field, string? key, string? shown)
    {
        const string body = """{"correlationId":"0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d","message":{"orderId":17,"customer":{"email":"jane@example.com"},"lines":[1]}}""";
        var order = OrderField.Parse(field);

        order.ValueIn(Letter("x", body)).ShouldBe(key);
        (key is null ? null : order.Masked(key)).ShouldBe(shown);
    }

    [Fact]
    public void Key_of_a_raw_json_body_is_a_property_of_the_body_and_other_bodies_have_none()
    {
        var field = OrderField.Parse("message.orderId");

        field.ValueIn(Letter("x", """{"orderId":"o-17"}""", "application/json")).ShouldBe("o-17");
        field.ValueIn(Letter("x", "<order/>", "application/xml")).ShouldBeNull();
        OrderField.Parse("orderId").ValueIn(Letter("x", """{"orderId":"o-17"}""", "application/json")).ShouldBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("message")]
    [InlineData("message..id")]
    [InlineData("header:")]
    [InlineData("cause:1a2b")]
    public void Text_that_names_no_field_is_refused_with_the_forms(string text) =>
        Should.Throw<FormatException>(() => OrderField.Parse(text)).Message.ShouldContain("message.orderId, or a header such as header:Tenant");

    private List<DeadLetter> Add(params IEnumerable<string> names)
    {
        var letters = names.Select(name => Letter(name)).ToList();
        foreach (var letter in letters)
            _order.Add(letter, isSelected: true);
        _order.Complete();
        return letters;
    }

    // "a4.5 again": the key, the time of the first failure, and whether it failed again after a replay. The key "-": none.
    private static DeadLetter Letter(string name, string? body = null, string contentType = "application/vnd.masstransit+json")
    {
        var isAgain = name.EndsWith(" again", StringComparison.Ordinal);
        var failed = double.TryParse(name.Split(' ')[0][1..], CultureInfo.InvariantCulture, out var second) ? DateTimeOffset.UnixEpoch.AddSeconds(second) : DateTimeOffset.UnixEpoch;
        var properties = new BasicProperties
        {
            MessageId = name,
            ContentType = contentType,
            Headers = new Dictionary<string, object?> { ["Tenant"] = "blue", ["MT-Fault-Timestamp"] = (isAgain ? failed.AddHours(1) : failed).ToString("O", CultureInfo.InvariantCulture) },
        };
        if (isAgain)
        {
            properties.Headers["Replay-Id"] = "op.1";
            properties.Headers["Replay-History"] = $$"""{"tries":[{"failedAt":"{{failed:O}}"}],"omitted":0}""";
        }
        var bytes = Encoding.UTF8.GetBytes(body ?? (name[0] == '-' ? """{"message":{}}""" : $$$"""{"message":{"orderId":"{{{name[0]}}}"}}"""));
        return new DeadLetter("orders_error", 1, 0, properties, bytes, DeadLetterJson.HashOf(properties, bytes));
    }

    private static string Name(DeadLetter letter) => letter.MessageId!;

    private string[] Movable(IEnumerable<DeadLetter> letters) => [.. letters.Where(_order.MayMove).Select(Name)];

    private void Move(DeadLetter letter)
    {
        _order.MayMove(letter).ShouldBeTrue();
        _order.Published(letter);
        _order.Moved(letter, _moved);
        _places[Name(letter)] = _moved++;
    }

    private void Prove(DeadLetter letter)
    {
        Move(letter);
        Learn(Name(letter), Outcome.Handled);
    }

    private void Learn(string name, Outcome outcome) => _order.Learn([(_places[name], Message(outcome))]);

    private List<(int Place, Replayed Message)> Open(Outcome outcome) => [.. _order.Open.Select(place => (place, Message(outcome)))];

    private static Replayed Message(Outcome outcome) => new("00000000000000aa", null, "op.1", Verdict.Good) { Outcome = outcome };
}
