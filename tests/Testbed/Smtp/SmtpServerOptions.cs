using System.Security.Cryptography.X509Certificates;

namespace WorkinIt.Testbed;

/// <summary>When the server speaks TLS.</summary>
public enum SmtpServerTls
{
    /// <summary>Never.</summary>
    None,

    /// <summary>After <c>STARTTLS</c>; mail before it is answered by 530.</summary>
    StartTls,

    /// <summary>From the first byte.</summary>
    Implicit,
}

/// <summary>What an <see cref="SmtpServer"/> offers.</summary>
public sealed record SmtpServerOptions
{
    /// <summary>The port on 127.0.0.1; 0 takes a free one, which is kept over stops.</summary>
    public int Port { get; init; }

    /// <summary>Whether <c>SMTPUTF8</c> is offered. Without it an address that is not ASCII is answered by 553.</summary>
    public bool SmtpUtf8 { get; init; } = true;

    /// <summary>Whether <c>PIPELINING</c> is offered.</summary>
    public bool Pipelining { get; init; } = true;

    /// <summary>When TLS is spoken; it takes a <see cref="Certificate"/>.</summary>
    public SmtpServerTls Tls { get; init; }

    /// <summary>With its private key; further certificates of its chain are not sent.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>With one, <c>AUTH PLAIN</c> and <c>AUTH LOGIN</c> are offered, and mail without it is answered by 530.</summary>
    public string? Username { get; init; }

    /// <summary>Belongs to <see cref="Username"/>.</summary>
    public string? Password { get; init; }

    /// <summary>Whether <see cref="ReceivedMail.Content"/> is kept. Off, a million mails cost little memory.</summary>
    public bool KeepContent { get; init; } = true;

    /// <summary>With one, whoever connects beyond that many is greeted by 421, as Postfix does it.</summary>
    public int? MaxConnections { get; init; }

    /// <summary>Bytes that the kernel takes from a client before this server reads them; 0 leaves it to the system. Small ones make a cut in the body felt early.</summary>
    public int ReceiveBuffer { get; init; }
}
