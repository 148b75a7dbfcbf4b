using System.Text;
using Amqp;
using Amqp.Framing;
using Amqp.Types;
using RabbitMQ.Client;
using WorkinIt.Cli.Erasing;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Store;
using static WorkinIt.Tests.DeadLetters.Amqp10BodyTests;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>A text filter and an erasure find what an AMQP 1.0 client sent, also in binary values, which are shown in base64.</summary>
public sealed class Amqp10SearchTests
{
    private static readonly Person _jane = new("jane@example.com");

    // In the second one, the byte before the address is the letter A: its length.
    public static TheoryData<byte[]> Binaries => new()
    {
        (byte[])[0xff, 0xd8, 0x01, .. "jane@example.com"u8, 0x00, 0xff],
        (byte[])[.. "jane@example.com"u8, .. new byte[49]],
        "<jane@example.com>"u8.ToArray(),
    };

    [Theory]
    [MemberData(nameof(Binaries))]
    public void Address_in_a_binary_value_is_found(byte[] binary)
    {
        var letter = Letter(Encoded(new AmqpValue { Value = new Map { ["orderId"] = 4711, ["photo"] = binary } }));

        letter.Amqp10!.Text!.ShouldNotContain("jane");
        _jane.IsRecipientOf(letter).ShouldBeTrue();
        letter.Contains("jane@example.com").ShouldBeTrue();
        SearchText.Of("", letter).ShouldContain("jane@example.com");
    }

    [Fact]
    public void Address_of_another_person_is_not_found_in_a_binary_value()
    {
        _jane.IsRecipientOf(Letter(Encoded(new AmqpValue { Value = "notjane@example.com"u8.ToArray() }))).ShouldBeFalse();
        _jane.IsRecipientOf(Letter(Encoded(new AmqpValue { Value = new Map { ["emailAddress"] = "joe@example.com", ["thought"] = "jane@example.com"u8.ToArray() } }))).ShouldBeFalse();
    }

    [Fact]
    public void Address_field_is_found_whatever_the_type_of_its_value()
    {
        object[] values = ["jane@example.com", new Symbol("jane@example.com"), "jane@example.com"u8.ToArray(), new DescribedValue(new Symbol("mail"), "jane@example.com")];
        foreach (var value in values)
        {
            var letter = Letter(Encoded(new AmqpValue { Value = new List { new Map { ["emailAddress"] = "joe@example.com" }, new Map { ["emailAddress"] = value } } }));
            _jane.IsRecipientOf(letter).ShouldBeTrue(value.ToString());
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Address_in_a_binary_header_of_RabbitMQ_3_is_found(bool isTable)
    {
        var properties = Encoded(new Amqp.Framing.Properties { UserId = "jane@example.com"u8.ToArray() });
        foreach (var bytes in new[] { properties, [7, .. "jane@example.com"u8] }) // the second one is unreadable
        {
            var letter = Letter("{}"u8.ToArray(), new BasicProperties { Headers = new Dictionary<string, object?> { ["x-amqp-1.0-properties"] = isTable ? new BinaryTableValue(bytes) : bytes } });

            _jane.IsRecipientOf(letter).ShouldBeTrue();
            SearchText.Of("", letter).ShouldContain("jane@example.com");
        }
    }

    // RabbitMQ 4 gives a 0-9-1 consumer a binary id of an AMQP 1.0 client so. In base64, it looks like an id or a name.
    [Theory]
    [InlineData("x-message-id")]
    [InlineData("customerId")]
    public void Address_in_any_binary_header_is_found_and_masked(string header)
    {
        var letter = Letter("{}"u8.ToArray(), new BasicProperties { Headers = new Dictionary<string, object?> { [header] = new BinaryTableValue("jane@example.com/1"u8.ToArray()) } });
        var shown = Convert.ToBase64String("jane@example.com/1"u8);

        _jane.IsRecipientOf(letter).ShouldBeTrue();
        SearchText.Of("", letter).ShouldContain("jane@example.com");
        new LetterView(letter, true).Headers.ShouldContain(KeyValuePair.Create(header, shown));
        new LetterView(letter, false).Headers.Single(it => it.Key == header).Value.ShouldNotContain(shown);
    }

    [Fact]
    public void Address_in_a_binary_key_is_found_and_masked()
    {
        var letter = Letter(Encoded(new AmqpValue { Value = new Map { ["jane@example.com/1"u8.ToArray()] = 1 } }));
        var shown = Convert.ToBase64String("jane@example.com/1"u8);

        _jane.IsRecipientOf(letter).ShouldBeTrue();
        SearchText.Of("", letter).ShouldContain("jane@example.com");
        new LetterView(letter, true).Message!.Text.ShouldContain($"\"binary {shown}\"");
        new LetterView(letter, false).Message!.Text.ShouldNotContain(shown);
    }

    [Theory]
    [InlineData("ok 😀 done")]
    [InlineData("she said \"no\" to it")]
    [InlineData("C:\\temp\\a")]
    [InlineData("two\nlines")]
    public void Catalogue_finds_what_the_filter_finds(string text)
    {
        object[] values = [text, new Symbol(text), Encoding.UTF8.GetBytes(text), new Map { [text] = 1 }];
        foreach (var value in values)
        {
            var letter = Letter(Encoded(new AmqpValue { Value = new Map { ["note"] = value } }));

            letter.Contains(text).ShouldBeTrue();
            SearchText.Of("", letter).ShouldContain(text);
        }
    }
}
