using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Which dead letters would lose a part at a move, as seen on RabbitMQ 3.10.8 and 4.3.6 (docs/discovery.md).</summary>
public sealed class Amqp10LossTests
{
    private static readonly Version _four = new(4, 3, 6);

    [Fact]
    public void Message_whose_body_is_a_section_is_refused_on_RabbitMQ_4_only()
    {
        var letter = Letter(Section());

        Amqp10Loss.Refusal(letter, _four).ShouldNotBeNull().ShouldContain("subject");
        Amqp10Loss.Refusal(letter, new Version(4, 0, 5)).ShouldNotBeNull().ShouldContain("--accept-loss");
        Amqp10Loss.Warning(letter, _four).ShouldNotBeNull();
        Amqp10Loss.Refusal(letter, new Version(3, 10, 8)).ShouldBeNull();
        Amqp10Loss.Warning(letter, new Version(3, 10, 8)).ShouldBeNull();
    }

    [Theory]
    [InlineData("x-opt-mine", true)]
    [InlineData("x-opt-rabbitmq-received-time", false)] // RabbitMQ writes it on messages of any protocol
    [InlineData("x-opt-shovelled-by", false)]
    [InlineData("x-opt-shovel-name", false)]
    [InlineData("x-opt-mqtt-client-id", false)]
    [InlineData("x-opt-reply-to-topic", false)]
    [InlineData("x-mine", false)]
    [InlineData("Tenant", false)]
    public void Annotation_shows_where_a_message_comes_from(string header, bool isRefused) =>
        (Amqp10Loss.Refusal(Letter(With(header, "a"u8.ToArray())), _four) is not null).ShouldBe(isRefused);

    [Fact]
    public void Binary_id_shows_where_a_message_comes_from()
    {
        Amqp10Loss.Refusal(Letter(With("x-message-id", new BinaryTableValue([1, 2]))), _four).ShouldNotBeNull();
        Amqp10Loss.Refusal(Letter(With("x-correlation-id", new BinaryTableValue([1, 2]))), _four).ShouldNotBeNull();
        Amqp10Loss.Refusal(Letter(With("x-message-id", "an application's own"u8.ToArray())), _four).ShouldBeNull();
    }

    [Theory]
    [InlineData("urn:uuid:11223344-5566-7788-99aa-bbccddeeff00", true)]
    [InlineData("11223344-5566-7788-99aa-bbccddeeff00", false)]
    [InlineData(null, false)]
    public void Id_in_the_form_of_a_uuid_of_AMQP_1_0_is_a_warning_only(string? id, bool isWarned)
    {
        var letter = Letter(new BasicProperties { MessageId = id });

        Amqp10Loss.Refusal(letter, _four).ShouldBeNull();
        (Amqp10Loss.Warning(letter, _four) is not null).ShouldBe(isWarned);
        Amqp10Loss.Warning(letter, new Version(3, 10, 8)).ShouldBeNull();
    }

    [Theory]
    [InlineData("MT-Reason", "fault")]
    [InlineData("MT-Reason", "dead-letter")]
    [InlineData("Replay-Id", "a.1")]
    [InlineData("Discarded-Id", "a")]
    [InlineData("Original-Expiration", "1000")]
    public void Message_that_was_moved_before_has_nothing_left_to_lose(string header, string value)
    {
        var properties = Section();
        properties.Headers = new Dictionary<string, object?> { [header] = value };

        Amqp10Loss.Refusal(Letter(properties), _four).ShouldBeNull();
        Amqp10Loss.Warning(Letter(properties), _four).ShouldBeNull();
    }

    [Theory]
    [InlineData("Replay-Policy")]
    [InlineData("Discarded-By-Me")]
    public void Property_of_the_sender_with_a_name_like_ours_is_no_earlier_move(string header)
    {
        var properties = Section();
        properties.Headers = new Dictionary<string, object?> { [header] = "x" };

        Amqp10Loss.Refusal(Letter(properties), _four).ShouldNotBeNull();
    }

    [Fact]
    public void Every_move_keeps_the_type_without_which_the_section_is_lost()
    {
        var letter = Letter(Section());
        var entry = new AuditEntry { Id = "1", Verb = "discard", Queue = "some_error", Filter = "all", By = "jane", At = DateTimeOffset.UnixEpoch };
        var request = new ReplayRequest { Queue = "some_error", Filter = DeadLetterFilter.All, By = "jane" };

        foreach (var moved in new[] { MovedProperties.Replayed(letter, request, "1.1", DateTimeOffset.UnixEpoch), MovedProperties.Discarded(letter, entry, TimeSpan.FromDays(30)), MovedProperties.Restored(letter), MovedProperties.Renewed(letter) })
            moved.Type.ShouldBe("amqp-1.0");
    }

    private static BasicProperties Section() => new() { Type = "amqp-1.0" };

    private static BasicProperties With(string header, object value) => new() { Headers = new Dictionary<string, object?> { [header] = value } };

    private static DeadLetter Letter(BasicProperties properties)
    {
        byte[] body = properties.IsTypePresent() ? [0x00, 0x53, 0x77, 0x40] : [.. "{}"u8];
        return new DeadLetter("some_error", 1, 0, properties, body, DeadLetterJson.HashOf(properties, body));
    }
}
