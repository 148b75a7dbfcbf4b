namespace WorkinIt.Contracts;

/// <summary>
/// Keys of the <c>Data</c> of exceptions in a <c>Fault&lt;SendGifEmail&gt;</c>. They are part of the wire format. The names of exception types are
/// not: they may change with any refactoring.
/// </summary>
public static class FaultData
{
    /// <summary>An integer: the number of the try that failed, from 1; never reset.</summary>
    public const string Attempt = "WorkinIt-Attempt";

    /// <summary>Present if the outcome is unknown: the mail may have been sent, and the message is held for an operator.</summary>
    public const string Held = "WorkinIt-Held";
}
