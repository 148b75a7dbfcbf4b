namespace WorkinIt.DeadLetters;

/// <summary>The operations of RFC 6902.</summary>
internal enum PatchKind
{
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

/// <summary>One operation of a patch.</summary>
/// <param name="Number">Its number in the patch, from 1.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Path">Where it does it.</param>
/// <param name="From">Where the value comes from; only for move and copy.</param>
/// <param name="Value">The value as JSON, byte for byte; only for add, replace and test.</param>
internal sealed record PatchOperation(int Number, PatchKind Kind, JsonPointer Path, JsonPointer? From, byte[]? Value)
{
    /// <summary>The value of an operation that has one.</summary>
    public ReadOnlySpan<byte> NewValue => Value!;

    public override string ToString() => $"operation {Number} ({Kind.ToString().ToLowerInvariant()} {Path})";
}
