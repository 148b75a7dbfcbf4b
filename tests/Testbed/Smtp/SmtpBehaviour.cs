namespace WorkinIt.Testbed;

/// <summary>The points of an SMTP dialogue at which the server can misbehave.</summary>
public enum SmtpStage
{
    /// <summary>The client has connected and waits for the greeting.</summary>
    Greeting,

    /// <summary>The answer to <c>EHLO</c> or <c>HELO</c>.</summary>
    Ehlo,

    /// <summary>The answer to the user and the password.</summary>
    Login,

    /// <summary>The answer to <c>NOOP</c>, between two mails.</summary>
    Noop,

    /// <summary>The answer to <c>MAIL FROM</c>.</summary>
    Mail,

    /// <summary>The answer to <c>RCPT TO</c>.</summary>
    Rcpt,

    /// <summary>The answer to <c>DATA</c>.</summary>
    Data,

    /// <summary>The whole mail was read; the answer to the final dot is due.</summary>
    AfterDot,
}

/// <summary>What is known about a mail at the moment when its behaviour is asked for.</summary>
/// <param name="Connection">The number of the connection, from 1.</param>
/// <param name="Number">The number of the mail among all that this server was offered, from 1; 0 at the greeting.</param>
/// <param name="Stage">How far the dialogue is.</param>
/// <param name="Sender">From <see cref="SmtpStage.Mail"/> on.</param>
/// <param name="Recipient">From <see cref="SmtpStage.Rcpt"/> on.</param>
/// <param name="MessageId">Without angle brackets; at <see cref="SmtpStage.AfterDot"/>.</param>
public sealed record SmtpTransaction(
    int Connection, int Number, SmtpStage Stage, string? Sender = null, string? Recipient = null, string? MessageId = null);

/// <summary>
/// How the server treats one mail or, where the stage is <see cref="SmtpStage.Greeting"/>, <see cref="SmtpStage.Ehlo"/>,
/// <see cref="SmtpStage.Login"/> or <see cref="SmtpStage.Noop"/>, one connection or question.
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

    /// <summary>As a mail server should.</summary>
    public static SmtpBehaviour Accept { get; } = new(SmtpAction.None, SmtpStage.AfterDot);

    /// <summary>Closes the connection without a greeting.</summary>
    public static SmtpBehaviour CloseAtConnect { get; } = new(SmtpAction.Cut, SmtpStage.Greeting);

    /// <summary>Closes the connection when <c>DATA</c> comes, without an answer.</summary>
    public static SmtpBehaviour CutBeforeData { get; } = new(SmtpAction.Cut, SmtpStage.Data);

    /// <summary>Reads the whole mail, records it in <see cref="SmtpServer.TakenWithoutReply"/> and closes the connection without an answer.</summary>
    public static SmtpBehaviour CutAfterDot { get; } = new(SmtpAction.Cut, SmtpStage.AfterDot);

    /// <summary>Takes the mail, says so, and closes the connection.</summary>
    public static SmtpBehaviour CutAfterReply { get; } = new(SmtpAction.CutAfterReply, SmtpStage.AfterDot);

    /// <summary>Sends each reply byte by byte, each in a segment of its own.</summary>
    public static SmtpBehaviour ByteDribble { get; } = new(SmtpAction.None, SmtpStage.AfterDot) { Dribbles = true };

    /// <summary>Greets with 554 (or what is given) and closes the connection.</summary>
    /// <param name="code">The code.</param>
    /// <param name="text">The text after it.</param>
    public static SmtpBehaviour RefuseConnection(int code = 554, string text = "No mail is taken here") => Reply(SmtpStage.Greeting, code, text);

    /// <summary>Answers one stage in its own way. After 421 the connection is closed.</summary>
    /// <param name="stage">The stage; the others are answered as usual.</param>
    /// <param name="code">The code: 4xx, 5xx, or what else the server may come up with. After the dot the mail is taken unless it is one of those; it is in <see cref="SmtpServer.Mails"/> with 2xx, else in <see cref="SmtpServer.TakenWithoutReply"/>.</param>
    /// <param name="text">The text after it; <c>{recipient}</c> and <c>{sender}</c> are filled in, a line break begins a further line of the reply.</param>
    public static SmtpBehaviour Reply(SmtpStage stage, int code, string text) => new(SmtpAction.Reply, stage) { Code = code, Text = text };

    /// <summary>
    /// Does not answer at this stage until <see cref="SmtpServer.Release"/> is called (then it goes on as usual), the client hangs up or the server stops.
    /// A mail stalled after its dot stands in <see cref="SmtpServer.TakenWithoutReply"/> meanwhile.
    /// </summary>
    /// <param name="stage">The stage.</param>
    public static SmtpBehaviour Stall(SmtpStage stage) => new(SmtpAction.Stall, stage);

    /// <summary>
    /// Closes the connection once this many bytes of the mail were read. A client notices in the middle of its writing only if the mail
    /// is larger than what the sockets hold: see <see cref="SmtpServerOptions.ReceiveBuffer"/>.
    /// </summary>
    /// <param name="afterBytes">Bytes after <c>DATA</c>.</param>
    public static SmtpBehaviour CutInBody(long afterBytes) => new(SmtpAction.CutInBody, SmtpStage.AfterDot) { Bytes = afterBytes };

    /// <summary>Waits this long before the reply of each stage of a mail.</summary>
    /// <param name="delay">For each stage.</param>
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
