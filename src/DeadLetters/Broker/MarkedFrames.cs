using System.Buffers;
using System.Buffers.Binary;

namespace WorkinIt.DeadLetters;

/// <summary>Incoming AMQP frames, in pieces of any length. All bytes pass unchanged, except the <see cref="EmptyFields"/> of content headers.</summary>
internal sealed class MarkedFrames
{
    private const int FrameHeader = 7;

    private readonly ArrayBufferWriter<byte> _frame = new();
    private readonly ArrayBufferWriter<byte> _ready = new();
    private long _passing; // remaining bytes of a frame that passes unchanged
    private int _taken;

    public bool HasSome => _taken < _ready.WrittenCount;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var count = (int)Math.Min(bytes.Length, _passing > 0 ? _passing : Length - _frame.WrittenCount);
            (_passing > 0 ? _ready : _frame).Write(bytes[..count]);
            bytes = bytes[count..];
            if (_passing > 0)
                _passing -= count;
            else if (_frame.WrittenCount == FrameHeader && !EmptyFields.HasProperties(_frame.WrittenSpan))
                Pass();
            else if (_frame.WrittenCount == Length)
                PassMarked();
        }
    }

    public int Take(Span<byte> destination)
    {
        var count = Math.Min(destination.Length, _ready.WrittenCount - _taken);
        _ready.WrittenSpan.Slice(_taken, count).CopyTo(destination);
        _taken += count;
        if (!HasSome)
        {
            _ready.ResetWrittenCount();
            _taken = 0;
        }
        return count;
    }

    // The length of the header alone, until it is complete.
    private long Length => _frame.WrittenCount < FrameHeader ? FrameHeader : FrameHeader + Payload + 1;

    private long Payload => BinaryPrimitives.ReadUInt32BigEndian(_frame.WrittenSpan[3..]);

    private void Pass()
    {
        _passing = Payload + 1;
        _ready.Write(_frame.WrittenSpan);
        _frame.ResetWrittenCount();
    }

    private void PassMarked()
    {
        var frame = _frame.WrittenSpan.ToArray();
        EmptyFields.Mark(frame);
        _ready.Write(frame);
        _frame.ResetWrittenCount();
    }
}
