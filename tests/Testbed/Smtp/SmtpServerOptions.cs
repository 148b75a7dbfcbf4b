using System.Security.Cryptography.X509Certificates;

namespace WorkinIt.Testbed;

/// <summary>When the server speaks TLS.</summary>
public enum SmtpServerTls
{
    /// <summary>Never.</summary>
    None,

    /// <summary>After <c>STARTTLS</c>; a mail before it gets a 530 reply.</summary>
    StartTls,

    /// <summary>From the first byte.</summary>
    Implicit,
}

/// <summary>The options of an <see cref="SmtpServer"/>.</summary>
public sealed record SmtpServerOptions
{
    /// <summary>The port on 127.0.0.1; 0 selects a free port, which is kept across stops.</summary>
    public int Port { get; init; }

    /// <summary>Whether <c>SMTPUTF8</c> is offered. Without it, a non-ASCII address gets a 553 reply.</summary>
    public bool SmtpUtf8 { get; init; } = true;

    /// <summary>Whether <c>PIPELINING</c> is offered.</summary>
    public bool Pipelining { get; init; } = true;

    /// <summary>When the server uses TLS; requires a <see cref="Certificate"/>.</summary>
    public SmtpServerTls Tls { get; init; }

    /// <summary>The server certificate with its private key; other certificates of its chain are not sent.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>The user name. If set, <c>AUTH PLAIN</c> and <c>AUTH LOGIN</c> are offered, and a mail without authentication gets a 530 reply.</summary>
    public string? Username { get; init; }

    /// <summary>The password of <see cref="Username"/>.</summary>
    public string? Password { get; init; }

    /// <summary>Whether <see cref="ReceivedMail.Content"/> is kept. If false, a million mails need little memory.</summary>
    public bool KeepContent { get; init; } = true;

    /// <summary>The maximum number of connections; null sets no limit. Connections beyond it get a 421 greeting, as with Postfix.</summary>
    public int? MaxConnections { get; init; }

    /// <summary>The size of the kernel's receive buffer in bytes; 0 uses the system's default. With a small buffer, a client notices a cut in the body early.</summary>
    public int ReceiveBuffer { get; init; }
}
