using System.Buffers.Binary;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Empty tables and arrays in AMQP frames, which arrive in pieces of any length.</summary>
public sealed class EmptyFieldTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10_000)]
    public void Empty_AMQP_fields_are_marked_in_content_headers_and_nothing_else_changes(int piece)
    {
        byte[] before = [.. Frame(1, [1, 2, (byte)'F', 0, 0, 0, 0]), .. Header(Table()), .. Frame(3, [(byte)'A', 0, 0, 0, 0]), .. Header([]), .. Frame(8, [])];
        var frames = new MarkedFrames();
        var after = new List<byte>();
        foreach (var chunk in before.Chunk(piece))
        {
            frames.Add(chunk);
            var buffer = new byte[2];
            while (frames.HasSome)
                after.AddRange(buffer[..frames.Take(buffer)]);
        }
        after.Count.ShouldBe(before.Length);
        var changed = Enumerable.Range(0, before.Length).Where(i => before[i] != after[i]).Select(i => before[i]).ToList();
        changed.Count.ShouldBe(4 * 5); // four empty values: a byte for the type and four for the length of each
        changed.Count(b => b == 'F').ShouldBe(2);
        changed.Count(b => b == 'A').ShouldBe(2);
    }

    [Fact]
    public void Marked_empty_AMQP_fields_are_restored_when_read()
    {
        static float Read(int bits) => BitConverter.Int32BitsToSingle(bits);
        var properties = EmptyFields.Restore(new BasicProperties
        {
            Headers = new Dictionary<string, object?> { ["F"] = Read(0x7FE5A0F1), ["deep"] = new List<object?> { Read(0x7FE5A0A1), 1.5f, float.NaN, null }, ["V"] = null },
        });
        properties.Headers!["F"].ShouldBeOfType<Dictionary<string, object?>>().ShouldBeEmpty();
        var deep = properties.Headers["deep"].ShouldBeOfType<List<object?>>();
        deep[0].ShouldBeOfType<List<object?>>().ShouldBeEmpty();
        deep[1..].ShouldBe([1.5f, float.NaN, null]);
        properties.Headers["V"].ShouldBeNull();
    }

    private static byte[] Table() =>
    [
        .. Field("a", [(byte)'F', 0, 0, 0, 0]),
        .. Field("text", [(byte)'S', 0, 0, 0, 5, (byte)'F', 0, 0, 0, 0]),
        .. Field("x", [(byte)'x', 0, 0, 0, 0]), .. Field("i", [(byte)'I', 0, 0, 0, 0]), .. Field("t", [(byte)'t', 1]), .. Field("l", [(byte)'l', 0, 0, 0, 0, 0, 0, 0, 0]),
        .. Field("D", [(byte)'D', 1, 0, 0, 0, 0]), .. Field("s", [(byte)'s', 0, 0]), .. Field("V", [(byte)'V']),
        .. Field("list", [(byte)'A', 0, 0, 0, 10, (byte)'A', 0, 0, 0, 0, (byte)'F', 0, 0, 0, 0]),
        .. Field("table", [(byte)'F', 0, 0, 0, 7, 1, (byte)'b', (byte)'A', 0, 0, 0, 0]),
    ];

    private static byte[] Field(string name, byte[] value) => [(byte)name.Length, .. Encoding.UTF8.GetBytes(name), .. value];

    private static byte[] Header(byte[] table) =>
        Frame(2, [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xA0, 0, 4, (byte)'F', 0, 0, 0, .. Number(table.Length), .. table]);

    private static byte[] Frame(byte type, byte[] payload) => [type, 0, 1, .. Number(payload.Length), .. payload, 0xCE];

    private static byte[] Number(int number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return bytes;
    }
}
