using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Amqp;
using Amqp.Framing;
using Amqp.Types;
using RabbitMQ.Client;
using WorkinIt.Cli.Erasing;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Bodies that are encoded sections of AMQP 1.0: what is shown of them, and that no bytes of a sender can do harm.</summary>
public sealed class Amqp10BodyTests
{
    private const string Value = "005377";

    // A size, a count of one, and the constructor of the element: an array, described by zero.
    private static readonly byte[] _describedArray = [0, 0, 0, 0, 0, 0, 0, 1, 0x00, 0x43, 0xf0];

    public static TheoryData<string, string> Scalars => new()
    {
        { "40", "null" },
        { "41", "true" },
        { "42", "false" },
        { "5601", "true" },
        { "50ff", "255" },
        { "51ff", "-1" },
        { "60ffff", "65535" },
        { "61ffff", "-1" },
        { "70ffffffff", "4294967295" },
        { "43", "0" },
        { "52ff", "255" },
        { "71ffffffff", "-1" },
        { "54fe", "-2" },
        { "80ffffffffffffffff", "18446744073709551615" },
        { "44", "0" },
        { "53ff", "255" },
        { "818000000000000000", "-9223372036854775808" },
        { "55fe", "-2" },
        { "723fc00000", "1.5" },
        { "727fc00000", "\"NaN\"" },
        { "824004000000000000", "2.5" },
        { "82fff0000000000000", "\"-Infinity\"" },
        { "7432800001", "\"1\"" },
        { "74b20004e2", "\"-1250E-1\"" },
        { "7478000000", "\"Infinity\"" },
        { "7460000001", "\"8388609E-101\"" }, // the digits begin with 100
        { "8431a00000000003e8", "\"1000E-1\"" },
        { "94303e000000000000000000000000007b", "\"123E-1\"" },
        { "7300000041", "\"A\"" },
        { "730001f600", "\"\\uD83D\\uDE00\"" },
        { "830000019b7ca98f2e", "\"2026-01-02T03:04:05.678Z\"" },
        { "837fffffffffffffff", "\"9223372036854775807\"" },
        { "98112233445566778899aabbccddeeff00", "\"11223344-5566-7788-99aa-bbccddeeff00\"" },
        { "a003010203", """{"binary":"AQID"}""" },
        { "b0000000020102", """{"binary":"AQI="}""" },
        { "a10568656c6c6f", "\"hello\"" },
        { "b10000000568656c6c6f", "\"hello\"" },
        { "a303616263", """{"symbol":"abc"}""" },
        { "b300000003616263", """{"symbol":"abc"}""" },
    };

    public static TheoryData<string, string> Compounds => new()
    {
        { "45", "[]" },
        { "c003025401", "unreadable" }, // fewer values than declared
        { "c00502540154" + "02", "[1,2]" },
        { "d0000000080000000254015402", "[1,2]" },
        { "c10100", "{}" },
        { "c10b04a10161" + "5401" + "a10161" + "5402", """{"a":1,"a":2}""" }, // a key twice: both are shown
        { "c10a04" + "5305" + "5401" + "a10135" + "5402", """{"5":1,"5":2}""" }, // 5 and "5"
        { "c10402405401", """{"null":1}""" },
        { "c108" + "02" + "c003015401" + "5402", """{"[1]":2}""" },
        { "e0020541", "[true,true,true,true,true]" },
        { "e00402" + "540102", "[1,2]" },
        { "f000000007" + "00000002" + "540102", "[1,2]" },
        { "e00802" + "00a30178" + "540102", """{"descriptor":{"symbol":"x"},"values":[1,2]}""" },
        { "e00c02" + "c0" + "03015401" + "0401540154", "unreadable" },
        { "00a30178" + "a10179", """{"descriptor":{"symbol":"x"},"value":"y"}""" },
        { "0000530153025403", """{"descriptor":{"descriptor":1,"value":2},"value":3}""" },
    };

    public static TheoryData<string, string> Damaged => new()
    {
        { "", "it is empty" },
        { "7b7d7b", "it does not begin with a section" },
        { "00", "it ends within a value" },
        { "0053", "it ends within a value" },
        { "00537040", "a section header is not part of a body" },
        { "00537345", "a section properties is not part of a body" },
        { "00537940", "its section 121 is unknown" },
        { "00457740", "its section is unknown" },
        { "00a3046a616e6540", "its section is unknown" }, // its name may be personal
        { "00a1046a616e6540", "its section is unknown" },
        { "00a10231324045", "its section is unknown" },
        { Value, "it ends within a value" },
        { Value + "3f", "the type 0x3f is unknown" },
        { Value + "5602", "a boolean is neither true nor false" },
        { Value + "a1ff61", "it ends within a value" },
        { Value + "b1ffffffff61", "it ends within a value" },
        { Value + "b07fffffff61", "it ends within a value" },
        { Value + "a101ff", "a text is not UTF-8" },
        { Value + "730011ffff", "a text is not UTF-32" },
        { Value + "c0095401", "it ends within a value" },
        { Value + "c003015401" + "40", "it does not begin with a section" }, // a second value in one section
        { Value + "c00401540140", "the size of a list, map or array is not that of its values" },
        { Value + "c1030154" + "01", "a map has a key without a value" },
        { Value + "c00a01" + "c00701" + "5401", "it ends within a value" },
        { Value + "d0ffffffff7fffffff", "it ends within a value" },
        { Value + "d0000000057fffffff40", "it ends within a value" },
        { Value + "f0000000057fffffff40", "it declares far more values than it has bytes" },
        { Value + "f000000005ffffffff45", "it declares far more values than it has bytes" },
        { Value + "f000000005000f424040", "it declares far more values than it has bytes" },
        { Value + "e00601" + "0053010053", "the elements of an array are described twice" },
        { "00537540", "its data is not binary" },
    };

    [Theory]
    [MemberData(nameof(Scalars))]
    [MemberData(nameof(Compounds))]
    public void Value_of_each_type_is_shown(string encoded, string json)
    {
        var sections = Letter(Value + encoded).Amqp10.ShouldNotBeNull();

        if (json == "unreadable")
            sections.Problem.ShouldNotBeNull();
        else
            sections.Text.ShouldBe($$"""{"amqp-value":{{json}}}""");
    }

    [Theory]
    [MemberData(nameof(Damaged))]
    public void Damaged_body_is_unreadable_and_says_why(string encoded, string problem)
    {
        var letter = Letter(encoded);

        letter.Unreadable.ShouldBe($"as AMQP 1.0: {problem}");
        letter.Amqp10!.Json.ShouldBeNull();
        new LetterView(letter, true).Message.ShouldBeNull();
        letter.Contains("hello").ShouldBeFalse();
    }

    [Theory]
    [InlineData(Nesting.Lists, 127, true)]
    [InlineData(Nesting.Lists, 129, false)]
    [InlineData(Nesting.Lists, 100_000, false)]
    [InlineData(Nesting.Descriptors, 100_000, false)]
    [InlineData(Nesting.Values, 100_000, false)]
    [InlineData(Nesting.Arrays, 63, true)]
    [InlineData(Nesting.Arrays, 64, false)] // each level is an object and an array
    [InlineData(Nesting.Arrays, 127, false)]
    [InlineData(Nesting.Arrays, 100_000, false)]
    [InlineData(Nesting.Keys, 1, true)]
    [InlineData(Nesting.Keys, 40, false)] // each level would double the escapes of the one before
    public void Nesting_is_limited(Nesting nesting, int levels, bool isReadable)
    {
        var letter = Letter([0x00, 0x53, 0x77, .. Nested(nesting, levels)]);

        (letter.Amqp10!.Problem is null).ShouldBe(isReadable, letter.Amqp10.Problem);
        if (isReadable)
            new LetterView(letter, false).Message.ShouldNotBeNull();
        letter.Contains("zzz").ShouldBeFalse();
        SearchText.Of("", letter).ShouldNotContain("zzz");
    }

    [Fact]
    public void Array_without_bytes_is_shown_if_it_is_short()
    {
        var json = JsonElement.Parse(Letter(Value + "f000000005000003e840").Amqp10!.Text!);

        json.GetProperty("amqp-value").GetArrayLength().ShouldBe(1_000);
    }

    [Theory]
    [InlineData("a0080102030405060708", null)]
    [InlineData("a009010203040506070809", "a value is longer than 8 bytes")]
    [InlineData("a109616263646566676869", "a value is longer than 8 bytes")]
    [InlineData("a309616263646566676869", "a value is longer than 8 bytes")]
    [InlineData("c10d02a10961626364656667686940", "a value is longer than 8 bytes")] // a key
    [InlineData("c10702c00301540140", null)] // a key [1]
    [InlineData("c10f02c00b055401540154015401540140", "a value is longer than 8 bytes")] // a key of 11 characters
    [InlineData("e00604a300000000", "its values are too long to be shown")]
    public void Long_value_is_refused(string encoded, string? problem)
    {
        var bytes = Convert.FromHexString(encoded);

        if (problem is null)
            Read();
        else
            Should.Throw<FormatException>(Read).Message.ShouldBe(problem);

        void Read()
        {
            using var writer = new Utf8JsonWriter(Stream.Null);
            new Amqp10Reader(bytes, longest: 8).ReadValue(writer);
        }
    }

    [Fact]
    public void Kept_JSON_has_no_spare_room()
    {
        MemoryMarshal.TryGetArray(Letter(Value + "a10568656c6c6f").Amqp10!.Json!.Value, out var kept).ShouldBeTrue();

        kept.Array!.Length.ShouldBe(kept.Count);
    }

    [Fact]
    public void No_change_of_a_byte_does_harm()
    {
        byte[] body = [.. Encoded(new AmqpValue { Value = Everything() }), .. Encoded(new AmqpSequence { List = new List { 1, "two" } })];
        var (random, jane) = (new Random(20), new Person("jane@example.com"));
        for (var round = 0; round < 20_000; round++)
        {
            byte[] changed = [.. body];
            for (var change = random.Next(1, 4); change > 0; change--)
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            var letter = Letter(random.Next(2) == 0 ? changed : changed[..random.Next(changed.Length)]);
            if (letter.Amqp10?.Json is { } json)
                JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 256 }).Dispose();
            else
                letter.Amqp10?.Problem.ShouldNotBeNullOrEmpty();
            (new LetterView(letter, false).Message is null).ShouldBe(letter.ShownMessage is null);
            (new LetterView(letter, true).Message is null).ShouldBe(letter.ShownMessage is null);
            letter.Contains("not in it").ShouldBeFalse();
            SearchText.Of("", letter).ShouldNotContain("not in it");
            jane.IsRecipientOf(letter).ShouldBeFalse();
        }
    }

    [Fact]
    public void Sections_that_another_library_has_encoded_are_shown()
    {
        var json = JsonElement.Parse(Letter(Encoded(new AmqpValue { Value = Everything() })).Amqp10!.Text!).GetProperty("amqp-value");

        json.GetProperty("number").GetUInt64().ShouldBe(ulong.MaxValue);
        json.GetProperty("text").GetString().ShouldBe("Ünïcode “text”");
        json.GetProperty("time").GetString().ShouldBe("2026-01-02T03:04:05.678Z");
        json.GetProperty("id").GetGuid().ShouldBe(Guid.Parse("11223344-5566-7788-99aa-bbccddeeff00"));
        json.GetProperty("list")[1].GetProperty("symbol").GetString().ShouldBe("sym");
        json.GetProperty("list")[2].GetProperty("inner").GetBoolean().ShouldBeTrue();
        json.GetProperty("array").EnumerateArray().Select(number => number.GetInt32()).ShouldBe([1, 2, 300]);
        json.GetProperty("bytes").GetProperty("binary").GetBytesFromBase64().ShouldBe([1, 2, 255]);
        json.GetProperty("described").GetProperty("descriptor").GetProperty("symbol").GetString().ShouldBe("my:type");
        json.GetProperty("7").GetString().ShouldBe("seven");
    }

    [Fact]
    public void Several_sections_are_shown_one_after_the_other()
    {
        Letter([.. Encoded(new AmqpSequence { List = new List { 1, "two" } }), .. Encoded(new AmqpSequence { List = new List { 3 } })]).Amqp10!.Text
            .ShouldBe("""[{"amqp-sequence":[1,"two"]},{"amqp-sequence":[3]}]""");
        Letter([.. Encoded(new Data { Binary = "BB"u8.ToArray() }), .. Encoded(new Data { Binary = [0, 1] })]).Amqp10!.Text
            .ShouldBe("""[{"data":"BB"},{"data":{"binary":"AAE="}}]""");
    }

    [Fact]
    public void Decoded_message_is_masked_searched_and_exported()
    {
        var letter = Letter(Encoded(new AmqpValue { Value = new Map { ["customer"] = "jane@example.com", ["orderId"] = 4711UL, ["note"] = "ok 😀", ["at"] = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc) } }));

        letter.Unreadable.ShouldBeNull();
        var (masked, revealed) = (new LetterView(letter, false).Message!.Text, new LetterView(letter, true).Message!.Text);
        masked.ShouldNotContain("jane");
        masked.ShouldContain("\"orderId\": 4711");
        revealed.ShouldContain("\"customer\": \"jane@example.com\"");
        letter.Contains("4711").ShouldBeTrue();
        letter.Contains("2026-01-02t03").ShouldBeTrue();
        letter.Contains("4712").ShouldBeFalse();
        letter.Contains("😀").ShouldBeTrue();
        SearchText.Of("", letter).ShouldContain("\"orderId\":4711");
        Line(letter, revealed: true).GetProperty("message").GetProperty("amqp-value").GetProperty("orderId").GetInt32().ShouldBe(4711);
        Line(letter, revealed: true).GetProperty("body").GetBytesFromBase64().ShouldBe(letter.Body.ToArray());
        Line(letter, revealed: false).ToString().ShouldNotContain("jane");
    }

    [Fact]
    public void Sections_that_RabbitMQ_3_puts_into_headers_are_shown_with_the_names_of_their_fields()
    {
        var properties = new Amqp.Framing.Properties { MessageId = "m1", To = "to-me", Subject = "about jane", GroupSequence = 7 };
        var letter = Letter("{}"u8.ToArray(), new BasicProperties { Type = "binary", Headers = new Dictionary<string, object?> { ["x-amqp-1.0-properties"] = Encoded(properties), ["x-amqp-1.0-footer"] = new byte[] { 7 } } });

        new LetterView(letter, true).Headers.ShouldBe([new("x-amqp-1.0-footer", "\a"), new("x-amqp-1.0-properties", """{"properties":{"message-id":"m1","to":"to-me","subject":"about jane","group-sequence":7}}""")]);
        new LetterView(letter, false).Headers.Last().Value.ShouldBe("""{"properties":{"message-id":"m1","to":"t…","subject":"a…","group-sequence":"…"}}""");
    }

    [Fact]
    public void Value_is_masked_by_the_name_that_it_has_in_the_message()
    {
        const string Birth = "1980-02-03", Hash = "00112233445566778899aabbccddeeff00112233";
        var date = new Symbol(Birth);
        var shown = Masked(new Map
        {
            ["birthDate"] = date,
            ["userBirth"] = new DescribedValue(new Symbol(Birth), date),
            ["loginIds"] = new List { date, new Map { ["value"] = Birth } },
            ["mailId"] = Convert.FromBase64String(Hash),
            ["accounts"] = new DescribedValue(7UL, 19800203),
            ["due"] = date,
            ["user"] = new Map { ["dueDate"] = "1980-02-04" },
        });

        shown.Split(Birth).Length.ShouldBe(2); // due
        shown.ShouldContain("1980-02-04");
        shown.ShouldNotContain("0011");
        shown.ShouldNotContain("19800203");
        Masking.Json("""{"birth":{"value":"1980-02-03"}}""").ShouldContain(Birth); // not of AMQP 1.0
        Masking.Json("""{"properties":{"user-id":{"binary":"00112233445566778899aabbccddeeff00112233"}}}""").ShouldNotContain("0011");

        static string Masked(object value) => new LetterView(Letter(Encoded(new AmqpValue { Value = value })), false).Message!.Text;
    }

    [Fact]
    public void Described_array_is_masked_by_its_name()
    {
        // {"birth": an array of a described "1980-02-03"}
        var letter = Letter(Value + "c11a02" + "a1056269727468" + "e01001" + "00" + "5301" + "a1" + "0a313938302d30322d3033");

        new LetterView(letter, true).Message!.Text.ShouldContain("1980-02-03");
        new LetterView(letter, false).Message!.Text.ShouldNotContain("1980-02-03");
    }

    [Theory]
    [InlineData("amqp-1.0", "{\"a\":1}")]
    [InlineData(null, "\0SwA")]
    [InlineData("order", "\0SwA")]
    public void Body_of_another_message_is_not_taken_for_a_section(string? type, string body)
    {
        var properties = new BasicProperties();
        if (type is not null)
            properties.Type = type;

        Letter(Encoding.UTF8.GetBytes(body), properties).Amqp10.ShouldBeNull();
    }

    [Fact]
    public void Edit_and_repair_are_refused_with_the_reason()
    {
        var letter = Letter(Value + "40");

        letter.CanBeEdited.ShouldBeFalse();
        letter.EditProblem.ShouldNotBeNull().ShouldContain("AMQP 1.0");
        new Repair(MessagePatch.Parse("""[{ "op": "add", "path": "/a", "value": 1 }]"""), null!, "1").Apply(letter).Problem.ShouldBe(letter.EditProblem);
    }

    [Fact]
    public void Message_that_MassTransit_could_not_read_stays_unreadable()
    {
        var letter = Letter(Convert.FromHexString(Value + "40"), new BasicProperties { Type = Amqp10Body.Type, Headers = new Dictionary<string, object?> { ["MT-Reason"] = "fault" } });

        letter.Unreadable.ShouldBe("no MassTransit content type (none)");
        new LetterView(letter, false).Message!.Text.ShouldContain("amqp-value");
    }

    public enum Nesting
    {
        Lists,
        Descriptors,
        Values,
        Arrays,
        Keys,
    }

    private static byte[] Nested(Nesting nesting, int levels)
    {
        switch (nesting)
        {
            case Nesting.Descriptors:
                return [.. Enumerable.Repeat((byte)0, levels)];
            case Nesting.Values:
                return [.. Enumerable.Range(0, levels).SelectMany(_ => new byte[] { 0x00, 0x43 }), 0x40];
            case Nesting.Arrays:
                var arrays = new byte[1 + (levels * _describedArray.Length) + 9];
                for (var level = 0; level <= levels; level++)
                {
                    var at = 1 + (level * _describedArray.Length);
                    if (level < levels)
                        _describedArray.CopyTo(arrays, at);
                    BinaryPrimitives.WriteInt32BigEndian(arrays.AsSpan(at), arrays.Length - at - 4);
                }
                (arrays[0], arrays[^1]) = (0xf0, 0x40);
                return arrays;
            default:
                var (overhead, isMap) = (nesting == Nesting.Keys ? 10 : 9, nesting == Nesting.Keys);
                var bytes = new byte[(levels * overhead) + 1];
                for (var level = 0; level < levels; level++)
                {
                    var at = level * 9;
                    bytes[at] = isMap ? (byte)0xd1 : (byte)0xd0;
                    BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(at + 1), ((levels - level - 1) * overhead) + 5 + (isMap ? 1 : 0));
                    BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(at + 5), isMap ? 2 : 1);
                }
                bytes.AsSpan(levels * 9).Fill(0x40); // the innermost key or value; for maps, the values too
                return bytes;
        }
    }

    private static Map Everything() => new()
    {
        ["number"] = ulong.MaxValue,
        ["text"] = "Ünïcode “text”",
        ["time"] = new DateTime(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc),
        ["id"] = Guid.Parse("11223344-5566-7788-99aa-bbccddeeff00"),
        ["list"] = new List { 1, new Symbol("sym"), new Map { ["inner"] = true } },
        ["array"] = new[] { 1, 2, 300 },
        ["bytes"] = new byte[] { 1, 2, 255 },
        ["described"] = new DescribedValue(new Symbol("my:type"), 1.5),
        [7] = "seven",
    };

    internal static byte[] Encoded(RestrictedDescribed section)
    {
        var buffer = new ByteBuffer(256, autoGrow: true);
        section.Encode(buffer);
        return buffer.Buffer[buffer.Offset..(buffer.Offset + buffer.Length)];
    }

    private static JsonElement Line(DeadLetter letter, bool revealed)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            new LetterView(letter, revealed).Write(writer);
        return JsonElement.Parse(buffer.ToArray());
    }

    private static DeadLetter Letter(string hexadecimal) => Letter(Convert.FromHexString(hexadecimal));

    internal static DeadLetter Letter(byte[] body) => Letter(body, new BasicProperties { Type = Amqp10Body.Type });

    internal static DeadLetter Letter(byte[] body, BasicProperties properties) => new("some_error", 1, 0, properties, body, DeadLetterJson.HashOf(properties, body));
}
