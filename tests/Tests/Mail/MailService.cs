using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using MimeKit;
using WorkinIt.Consumers.Mail;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

/// <summary>The mail sender and its connection pool, set up as in Consumers, with a test mail server that fails in the ways a test chooses.</summary>
internal sealed class MailService : IAsyncDisposable
{
    public const string Recipient = "jane.doe@people.example";
    private readonly Lazy<(SmtpConnectionPool Pool, SmtpMailSender Sender)> _parts;

    public MailService(SmtpServerOptions? server = null, Action<SmtpOptions>? change = null)
    {
        Server = new SmtpServer(server);
        Options = new SmtpOptions
        {
            Host = "127.0.0.1",
            Port = Server.Port,
            Security = SmtpSecurity.None,
            From = "WorkinIt <gifs@workinit.example>",
            Connections = 4,
            SendTimeout = TimeSpan.FromSeconds(25),
        };
        change?.Invoke(Options);
        _parts = new(() =>
        {
            var options = Microsoft.Extensions.Options.Options.Create(Options);
            var pool = new SmtpConnectionPool(options, Time, NullLogger<SmtpConnectionPool>.Instance);
            return (pool, new SmtpMailSender(pool, options, Time, NullLogger<SmtpMailSender>.Instance));
        });
    }

    public SmtpServer Server { get; }

    public SmtpOptions Options { get; }

    public FakeTimeProvider Time { get; } = new();

    public SmtpConnectionPool Pool => _parts.Value.Pool;

    public async Task<string> SendAsync(MimeMessage mail)
    {
        await using var connection = await _parts.Value.Sender.ConnectAsync(mail.To.Mailboxes.Single(), CancellationToken.None);
        return await connection.SendAsync(mail);
    }

    public async Task<string> SendAsync(string recipient = Recipient)
    {
        using var mail = new MimeMessage { Subject = "hello", Body = new TextPart("plain") { Text = "hello" } };
        mail.From.Add(Options.Sender);
        mail.To.Add(MailboxAddress.Parse(recipient));
        return await SendAsync(mail);
    }

    public async ValueTask DisposeAsync()
    {
        if (_parts.IsValueCreated)
            await Pool.DisposeAsync();
        await Server.DisposeAsync();
    }
}
