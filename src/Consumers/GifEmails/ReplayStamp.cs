namespace WorkinIt.Consumers.GifEmails;

/// <summary>The replay that brought a message back, as its headers name it.</summary>
/// <param name="Id">The replay's id and the message's number in it.</param>
/// <param name="SendsAgain">Whether an operator asked to send it again even if its outcome is unknown.</param>
internal sealed record ReplayStamp(string Id, bool SendsAgain)
{
    /// <summary>The id if it is to be sent again even if its outcome is unknown; otherwise null.</summary>
    public string? SendAgain => SendsAgain ? Id : null;
}
