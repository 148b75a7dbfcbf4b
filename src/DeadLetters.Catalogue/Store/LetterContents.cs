using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>
/// A letter's properties, headers and body as the catalogue keeps them: four bytes with their length, then, compressed with Brotli, one line of
/// JSON as in an export file, and the body byte for byte.
/// </summary>
internal static class LetterContents
{
    private const int Quality = 1;
    private const int Window = 18; // bits: a letter is at most some hundred kilobytes
    private const int Prefix = sizeof(int);

    /// <summary>Compresses a letter; null if its headers are nested too deeply to be written.</summary>
    public static byte[]? Write(DeadLetter letter)
    {
        var plain = new ArrayBufferWriter<byte>(letter.Body.Length + 4096);
        if (!TryWriteHead(letter, plain))
            return null;
        plain.Write("\n"u8);
        plain.Write(letter.Body.Span);
        var buffer = ArrayPool<byte>.Shared.Rent(Prefix + BrotliEncoder.GetMaxCompressedLength(plain.WrittenCount));
        BinaryPrimitives.WriteInt32LittleEndian(buffer, plain.WrittenCount);
        var isWritten = BrotliEncoder.TryCompress(plain.WrittenSpan, buffer.AsSpan(Prefix), out var length, Quality, Window);
        var contents = isWritten ? buffer[..(Prefix + length)] : null;
        ArrayPool<byte>.Shared.Return(buffer);
        return contents;
    }

    /// <summary>The complete contents of a letter; null if its headers are nested too deeply to be written.</summary>
    public static WholeLetter? WriteWhole(DeadLetter letter)
    {
        var head = new ArrayBufferWriter<byte>();
        return TryWriteHead(letter, head) ? new WholeLetter(head.WrittenSpan.ToArray(), letter.Body.ToArray()) : null;
    }

    /// <summary>Reads a letter from its complete contents; null if it can't be read.</summary>
    public static DeadLetter? Read(WholeLetter whole, string queue, LetterId id)
    {
        try
        {
            return new DeadLetter(queue, 0, (int)id.Number, DeadLetterJson.Read(whole.Head).Properties, whole.Body, unchecked((ulong)id.Hash));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>Reads a letter.</summary>
    /// <param name="contents">The output of <see cref="Write"/>.</param>
    /// <param name="queue">The letter's queue.</param>
    /// <param name="id">The letter's id.</param>
    /// <returns>Null if it can't be read; the letter is then read from its queue.</returns>
    public static DeadLetter? Read(byte[] contents, string queue, LetterId id)
    {
        if (contents.Length < Prefix)
            return null;
        var plain = new byte[BinaryPrimitives.ReadInt32LittleEndian(contents)];
        if (!BrotliDecoder.TryDecompress(contents.AsSpan(Prefix), plain, out var length) || length != plain.Length || plain.AsSpan().IndexOf((byte)'\n') is not (>= 0 and var end))
            return null;
        try
        {
            BasicProperties properties = DeadLetterJson.Read(plain.AsMemory(0, end)).Properties;
            return new DeadLetter(queue, 0, (int)id.Number, properties, plain.AsMemory(end + 1), unchecked((ulong)id.Hash));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static bool TryWriteHead(DeadLetter letter, ArrayBufferWriter<byte> output)
    {
        try
        {
            using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true });
            DeadLetterJson.WriteHead(letter.Properties, writer);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
