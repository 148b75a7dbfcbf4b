namespace WorkinIt.Testbed;

/// <summary>The stages of an SMTP session at which the server can misbehave.</summary>
public enum SmtpStage
{
    /// <summary>The client has connected and waits for the greeting.</summary>
    Greeting,

    /// <summary>The reply to <c>EHLO</c> or <c>HELO</c>.</summary>
    Ehlo,

    /// <summary>The reply to <c>STARTTLS</c>. Only after 220 does the server encrypt.</summary>
    StartTls,

    /// <summary>The reply to the user name and password.</summary>
    Login,

    /// <summary>The reply to <c>NOOP</c>, between two mails.</summary>
    Noop,

    /// <summary>The reply to <c>MAIL FROM</c>.</summary>
    Mail,

    /// <summary>The reply to <c>RCPT TO</c>.</summary>
    Rcpt,

    /// <summary>The reply to <c>DATA</c>.</summary>
    Data,

    /// <summary>The complete mail was read; the reply to the final dot is due.</summary>
    AfterDot,
}

/// <summary>The details of a mail at the moment when the server decides its behaviour.</summary>
/// <param name="Connection">The number of the connection, from 1.</param>
/// <param name="Number">The number of the mail among all mails that clients have offered to this server, from 1; 0 at the greeting.</param>
/// <param name="Stage">The current stage of the session.</param>
/// <param name="Sender">The envelope sender; available from <see cref="SmtpStage.Mail"/> on.</param>
/// <param name="Recipient">The envelope recipient; available from <see cref="SmtpStage.Rcpt"/> on.</param>
/// <param name="MessageId">The Message-ID without angle brackets; available at <see cref="SmtpStage.AfterDot"/>.</param>
public sealed record SmtpTransaction(
    int Connection, int Number, SmtpStage Stage, string? Sender = null, string? Recipient = null, string? MessageId = null);

/// <summary>
/// How the server treats one mail or, if the stage is <see cref="SmtpStage.Greeting"/>, <see cref="SmtpStage.Ehlo"/>,
/// <see cref="SmtpStage.StartTls"/>, <see cref="SmtpStage.Login"/> or <see cref="SmtpStage.Noop"/>, one connection or one <c>NOOP</c>.
/// </summary>
public sealed record SmtpBehaviour
{
    private SmtpBehaviour(SmtpAction action, SmtpStage stage) => (Action, Stage) = (action, stage);

    internal SmtpAction Action { get; }

    internal SmtpStage Stage { get; }

    internal int Code { get; private init; }

    internal string Text { get; private init; } = "";

    internal long Bytes { get; private init; }

    internal TimeSpan Delay { get; private init; }

    internal bool Dribbles { get; private init; }

    /// <summary>Accepts, as a correct mail server does.</summary>
    public static SmtpBehaviour Accept { get; } = new(SmtpAction.None, SmtpStage.AfterDot);

    /// <summary>Closes the connection without a greeting.</summary>
    public static SmtpBehaviour CloseAtConnect { get; } = new(SmtpAction.Cut, SmtpStage.Greeting);

    /// <summary>Closes the connection after <c>DATA</c>, without a reply.</summary>
    public static SmtpBehaviour CutBeforeData { get; } = new(SmtpAction.Cut, SmtpStage.Data);

    /// <summary>Reads the complete mail, records it in <see cref="SmtpServer.TakenWithoutReply"/> and closes the connection without a reply.</summary>
    public static SmtpBehaviour CutAfterDot { get; } = new(SmtpAction.Cut, SmtpStage.AfterDot);

    /// <summary>Accepts the mail, sends the reply, and closes the connection.</summary>
    public static SmtpBehaviour CutAfterReply { get; } = new(SmtpAction.CutAfterReply, SmtpStage.AfterDot);

    /// <summary>Sends each reply byte by byte, each byte in a separate segment.</summary>
    public static SmtpBehaviour ByteDribble { get; } = new(SmtpAction.None, SmtpStage.AfterDot) { Dribbles = true };

    /// <summary>Greets with 554 (or another code) and closes the connection.</summary>
    /// <param name="code">The reply code.</param>
    /// <param name="text">The text after the code.</param>
    public static SmtpBehaviour RefuseConnection(int code = 554, string text = "No mail is taken here") => Reply(SmtpStage.Greeting, code, text);

    /// <summary>Sends a given reply at one stage. After a 421 reply, the connection is closed.</summary>
    /// <param name="stage">The stage; the others get their usual replies.</param>
    /// <param name="code">
    /// The reply code, valid or not. After the dot, 4xx and 5xx refuse the mail. Any other code takes it: with 2xx it is in
    /// <see cref="SmtpServer.Mails"/>, otherwise in <see cref="SmtpServer.TakenWithoutReply"/>.
    /// </param>
    /// <param name="text">The text after the code. <c>{recipient}</c> and <c>{sender}</c> are replaced; a line break starts another line of the reply.</param>
    public static SmtpBehaviour Reply(SmtpStage stage, int code, string text) => new(SmtpAction.Reply, stage) { Code = code, Text = text };

    /// <summary>
    /// Does not reply at this stage until <see cref="SmtpServer.Release"/> is called (then it continues as usual), the client closes the connection, or
    /// the server stops. A mail that stalls after its dot is in <see cref="SmtpServer.TakenWithoutReply"/> meanwhile.
    /// </summary>
    /// <param name="stage">The stage.</param>
    public static SmtpBehaviour Stall(SmtpStage stage) => new(SmtpAction.Stall, stage);

    /// <summary>
    /// Closes the connection once this many bytes of the mail were read. A client notices this while it writes only if the mail
    /// is larger than the socket buffers: see <see cref="SmtpServerOptions.ReceiveBuffer"/>.
    /// </summary>
    /// <param name="afterBytes">The number of bytes after <c>DATA</c>.</param>
    public static SmtpBehaviour CutInBody(long afterBytes) => new(SmtpAction.CutInBody, SmtpStage.AfterDot) { Bytes = afterBytes };

    /// <summary>Waits this long before the reply of each stage of a mail.</summary>
    /// <param name="delay">The delay per stage.</param>
    public static SmtpBehaviour Slow(TimeSpan delay) => new(SmtpAction.None, SmtpStage.AfterDot) { Delay = delay };
}

internal enum SmtpAction
{
    None,
    Reply,
    Stall,
    Cut,
    CutInBody,
    CutAfterReply,
}
