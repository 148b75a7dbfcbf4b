namespace WorkinIt.Consumers.Mail;

/// <summary>Not sent, and a later try may succeed: the server is unreachable, busy, or said 4xx.</summary>
/// <param name="message">What happened, without addresses.</param>
/// <param name="serverIsDown">The server has failed so often just now that it makes no sense to ask it again within seconds.</param>
/// <param name="notAsked">It was not even asked, because it is down or all connections were busy: this was not a try.</param>
/// <param name="saidLater">The server answered, and asked for a later try. Asked again within seconds it says the same, and some servers punish that.</param>
internal sealed class MailDeferredException(string message, bool serverIsDown = false, bool notAsked = false, bool saidLater = false) : Exception(message)
{
    public bool ServerIsDown { get; } = serverIsDown;

    public bool NotAsked { get; } = notAsked;

    public bool SaidLater { get; } = saidLater;
}

/// <summary>Not sent, and no try will succeed: the server said 5xx to this recipient or this mail, or no server could take the address.</summary>
internal sealed class MailRefusedException(string message) : Exception(message);

/// <summary>
/// All of the mail was written and no reply came, or one that is neither yes nor no: it may have arrived. Sending again could make two of
/// one, so a person decides.
/// </summary>
internal sealed class MailOutcomeUnknownException(string message) : Exception(message);
