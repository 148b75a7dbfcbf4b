namespace WorkinIt.Contracts;

/// <summary>
/// What the exceptions of a <c>Fault&lt;SendGifEmail&gt;</c> carry in their <c>Data</c>. Part of the wire format, as an exception
/// type's name is not: that may change with any refactoring.
/// </summary>
public static class FaultData
{
    /// <summary>An integer: the number of the try that failed, from 1; never reset.</summary>
    public const string Attempt = "WorkinIt-Attempt";

    /// <summary>Present when nobody knows whether the mail was sent: the message is held for an operator.</summary>
    public const string Held = "WorkinIt-Held";
}
