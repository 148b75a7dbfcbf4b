using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;

namespace WorkinIt.Consumers.Mail;

/// <summary>One connection, with its socket and stream.</summary>
internal sealed record SmtpConnection(SmtpClient Client, Socket Socket, SmtpSocketStream Stream)
{
    /// <summary>A timestamp from the pool's time provider.</summary>
    public long LastUsed { get; set; }

    /// <summary>Connects, secures the connection, and logs in.</summary>
    /// <exception cref="SmtpPutOffException">The server answered 4xx.</exception>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The connection that is returned owns both")]
    public static async Task<SmtpConnection> OpenAsync(SmtpOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        // MailKit leaves Nagle's algorithm on, which holds back the end of each large mail. So it gets a socket with NoDelay.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var client = new FirstDigitSmtpClient(new LastReply())
        {
            Timeout = Timeout.Infinite, // the sender has the deadline
            CheckCertificateRevocation = false, // a private authority publishes no revocation list, and most mail servers can't reach a public one
        };
        try
        {
            await socket.ConnectAsync(options.Host!, options.Port, cancellationToken);
            var stream = new SmtpSocketStream(socket);
            await client.ConnectAsync(stream, options.Host!, options.Port, options.SocketOptions, cancellationToken);
            if (!string.IsNullOrEmpty(options.Username))
                await LogInAsync(client, options, cancellationToken);
            // MailKit would use UTF8 for an international domain wherever the server offers it. Every server further on accepts the domain in ASCII.
            client.Capabilities &= ~SmtpCapabilities.UTF8;
            return new SmtpConnection(client, socket, stream) { LastUsed = time.GetTimestamp() };
        }
        catch (Exception e)
        {
            client.Dispose();
            socket.Dispose();
            if (SmtpReplies.IsPutOff(e, client.LastCode))
                throw new SmtpPutOffException(client.LastCode, e);
            throw;
        }
    }

    private static async Task LogInAsync(SmtpClient client, SmtpOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await client.AuthenticateAsync(options.Username!, options.Password!, cancellationToken);
        }
        catch (NotSupportedException e)
        {
            throw new AuthenticationException("The server does not offer a login", e);
        }
    }
}

/// <summary>All connections were busy until the mail's deadline, so the server was not asked.</summary>
internal sealed class SmtpPoolBusyException(int connections, Exception inner) : Exception($"all {connections} connections to the mail server were busy", inner);

/// <summary>The server refused the connection for now: it answered 4xx before the connection could be used.</summary>
internal sealed class SmtpPutOffException(SmtpStatusCode? code, Exception inner) : Exception(inner.Message, inner)
{
    /// <summary>Only the code: the text of the reply may contain an address.</summary>
    public string Reply { get; } = $"{(int?)code}";
}
