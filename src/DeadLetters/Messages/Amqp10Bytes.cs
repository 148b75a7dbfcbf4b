using System.Buffers.Binary;

namespace WorkinIt.DeadLetters;

/// <summary>The bytes of encoded AMQP 1.0 values, from the first one that was not read.</summary>
/// <param name="bytes">The bytes.</param>
internal ref struct Amqp10Bytes(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>How many bytes are left.</summary>
    public readonly int Left => _rest.Length;

    /// <summary>Takes one byte.</summary>
    /// <exception cref="FormatException">None is left.</exception>
    public byte Byte() => Take(1)[0];

    /// <summary>Takes a number of four bytes.</summary>
    /// <exception cref="FormatException">Fewer are left.</exception>
    public uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    /// <summary>Takes the bytes of a scalar, after its format code.</summary>
    /// <param name="format">The format code: its first half gives the length.</param>
    /// <exception cref="FormatException">Fewer are left, or the format is not of a scalar.</exception>
    public ReadOnlySpan<byte> Scalar(byte format) => (format >> 4) switch
    {
        0x4 => [],
        0x5 => Take(1),
        0x6 => Take(2),
        0x7 => Take(4),
        0x8 => Take(8),
        0x9 => Take(16),
        0xa => Take(Byte()),
        0xb => Take(UInt32()),
        _ => throw Amqp10Format.Unknown(format),
    };

    /// <summary>The error of a value that is longer than what is left.</summary>
    public static FormatException Short() => new("it ends within a value");

    private ReadOnlySpan<byte> Take(uint length)
    {
        if (length > _rest.Length)
            throw Short();
        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }
}
