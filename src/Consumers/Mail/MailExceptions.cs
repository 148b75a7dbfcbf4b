namespace WorkinIt.Consumers.Mail;

/// <summary>Not sent, and a later try may succeed: the server is unreachable, busy, or said 4xx.</summary>
/// <param name="message">What happened, without addresses.</param>
/// <param name="serverIsDown">The server has failed so often recently that a retry within seconds is pointless.</param>
/// <param name="notAsked">The server was not asked, because it is down or all connections were busy. This does not count as a try.</param>
/// <param name="saidLater">
/// The server answered and asked for a later try. A retry within seconds gets the same answer, and some servers penalize it.
/// </param>
internal sealed class MailDeferredException(string message, bool serverIsDown = false, bool notAsked = false, bool saidLater = false) : Exception(message)
{
    public bool ServerIsDown { get; } = serverIsDown;

    public bool NotAsked { get; } = notAsked;

    public bool SaidLater { get; } = saidLater;
}

/// <summary>Not sent, and no retry will succeed: the server said 5xx to this recipient or this mail, or no server could accept the address.</summary>
internal sealed class MailRefusedException(string message) : Exception(message);

/// <summary>
/// The complete mail was written, and no reply came, or one that neither accepts nor refuses it: the mail may have arrived. Sending it again could
/// deliver it twice, so an operator decides.
/// </summary>
internal sealed class MailOutcomeUnknownException(string message) : Exception(message);
