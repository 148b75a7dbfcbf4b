using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>The broker's limits for names and headers, and the expiry of messages.</summary>
public sealed class BrokerLimitTests
{
    [Theory]
    [InlineData("dead-letters-lock:", 237, "", false)]
    [InlineData("dead-letters-lock:", 238, "", true)]
    [InlineData("", 245, "_discarded", false)]
    [InlineData("", 246, "_discarded", true)]
    public void Derived_queue_name_fits_255_bytes_and_is_stable_and_unique_per_queue(string prefix, int length, string suffix, bool hashed)
    {
        var queue = new string('q', length);
        var name = BrokerNames.Of(prefix, queue, suffix);

        Encoding.UTF8.GetByteCount(name).ShouldBeLessThanOrEqualTo(255);
        (name != prefix + queue + suffix).ShouldBe(hashed);
        (name.StartsWith(prefix, StringComparison.Ordinal), name.EndsWith(suffix, StringComparison.Ordinal)).ShouldBe((true, true));
        BrokerNames.Of(prefix, queue, suffix).ShouldBe(name);
        BrokerNames.Of(prefix, queue[1..] + "r", suffix).ShouldNotBe(name);
        Encoding.UTF8.GetByteCount(BrokerNames.Of(prefix, new string('ü', 127), suffix)).ShouldBeLessThanOrEqualTo(255);
    }

    [Fact]
    public void Derived_queue_name_never_overflows_an_error_reply_of_the_broker()
    {
        var name = BrokerNames.Of("", new string('ü', 127), "_discarded");

        name.ShouldStartWith("____");
        BrokerNames.MayOverflowReply(name).ShouldBeFalse();
        BrokerNames.MayOverflowReply(new string('q', 255)).ShouldBeFalse(); // RabbitMQ truncates the reply text to fit
        BrokerNames.MayOverflowReply(new string('ü', 20)).ShouldBeFalse();
        BrokerNames.MayOverflowReply(new string('ü', 120)).ShouldBeTrue();
    }

    [Fact]
    public void Connection_closed_because_of_a_long_queue_name_is_reported_with_its_possible_reasons()
    {
        var closed = new OperationInterruptedException(new ShutdownEventArgs(ShutdownInitiator.Peer, 541, "INTERNAL_ERROR"));

        BrokerConnection.InWords(closed, new string('ü', 120)).Message.ShouldContain("the queue does not exist, is exclusive, or the RabbitMQ user lacks a permission");
        BrokerConnection.InWords(closed, "orders_error").Message.ShouldBe("The broker closed the connection: INTERNAL_ERROR");
    }

    [Fact]
    public void Computed_header_size_equals_the_size_of_the_AMQP_header_frame()
    {
        HeaderFrame.SizeOf(new BasicProperties()).ShouldBe(22);
        HeaderFrame.SizeOf(new BasicProperties { MessageId = "ü", DeliveryMode = DeliveryModes.Persistent, Timestamp = new AmqpTimestamp(1) }).ShouldBe(22 + 3 + 1 + 8);
        // Each header takes a length byte and the name, a byte for the type, then the value.
        HeaderFrame.SizeOf(new BasicProperties
        {
            Headers = new Dictionary<string, object?>
            {
                ["a"] = "12",
                ["b"] = 1L,
                ["c"] = new List<object?> { true, null },
                ["d"] = new Dictionary<string, object?> { ["e"] = new byte[] { 1 } },
            },
        }).ShouldBe(22 + 4 + (3 + 6) + (3 + 8) + (3 + 4 + 2 + 1) + (3 + 4 + (3 + 5)));
    }

    [Fact]
    public void Operator_name_in_the_replay_stamp_is_cut_so_that_the_headers_fit_into_one_frame()
    {
        WorkinIt.DeadLetters.Headers.Bounded("jane").ShouldBe("jane");
        WorkinIt.DeadLetters.Headers.Bounded(new string('j', 200_000)).Length.ShouldBeLessThan(200);
    }

    [Theory]
    [InlineData("60000", null, null, "expires in at most 60 s")]
    [InlineData("60000", 1_000L, null, "expires in at most 1000 ms")]
    [InlineData(null, 172_800_000L, null, "expires in at most 2 days")]
    [InlineData("7200000", null, 30, "expires in 90 min")]
    [InlineData("60000", null, 30, "expires in at most 60 s")] // it failed longer ago than that, so it was moved here later
    [InlineData(null, null, 30, null)]
    public void Dead_letter_reports_when_it_expires(string? messageTtl, long? queueTtl, int? minutesAgo, string? expected)
    {
        var now = DateTimeOffset.UnixEpoch.AddDays(20_000);
        var properties = new BasicProperties { Headers = new Dictionary<string, object?>() };
        if (messageTtl is not null)
            properties.Expiration = messageTtl;
        if (minutesAgo is { } minutes)
            properties.Headers["MT-Fault-Timestamp"] = now.AddMinutes(-minutes).ToString("O", CultureInfo.InvariantCulture);
        new DeadLetter("some_error", 1, 0, properties, ReadOnlyMemory<byte>.Empty, 1) { QueueTimeToLive = queueTtl is { } ttl ? TimeSpan.FromMilliseconds(ttl) : null }
            .Expires(now).ShouldBe(expected);
    }
}
