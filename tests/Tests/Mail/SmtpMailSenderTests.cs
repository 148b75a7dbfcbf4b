using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using MimeKit;
using WorkinIt.Consumers.Mail;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Mail;

public sealed class SmtpMailSenderTests : IAsyncDisposable
{
    private const string Recipient = "jane.doe@people.example";
    private readonly FakeTimeProvider _time = new();
    private SmtpServer _server = new();
    private SmtpConnectionPool? _pool;
    private SmtpMailSender? _sender;
    private SmtpOptions? _options;
    private int _connected;

    [Fact]
    public async Task Sending_a_mail_returns_the_reply_of_the_server()
    {
        (await SendAsync()).ShouldNotBeEmpty();
        _server.Mails.ShouldHaveSingleItem().Recipient.ShouldBe(Recipient);
    }

    [Fact]
    public async Task SMTP_connection_is_reused()
    {
        for (var i = 0; i < 5; i++)
            await SendAsync();
        _server.ConnectionsOpened.ShouldBe(1);
        _server.ProtocolErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Concurrent_mails_never_share_a_connection_and_stay_within_the_connection_limit()
    {
        _server.OnMail = _ => SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(5));
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => SendAsync()));
        _server.MailCount.ShouldBe(40);
        _server.MostConnectionsOpen.ShouldBeLessThanOrEqualTo(4);
        _server.ProtocolErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Mails_up_to_the_connection_limit_are_sent_in_parallel_and_the_next_one_waits()
    {
        _server.Next(Enumerable.Repeat(SmtpBehaviour.Stall(SmtpStage.AfterDot), 5));
        var sends = Enumerable.Range(0, 5).Select(_ => SendAsync(seconds: 25)).ToArray();
        await Eventually.SeeAsync(() => _server.StalledNow == 4, "four mails are in flight");
        _server.MailsOffered.ShouldBe(4);
        _server.Release();
        await Eventually.SeeAsync(() => _server is { MailCount: 4, MailsOffered: 5, StalledNow: 1 }, "the fifth mail is in flight");
        _server.Release();
        await Task.WhenAll(sends);
        _server.MostConnectionsOpen.ShouldBe(4);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(11)]
    public async Task Idle_connection_closed_by_the_server_loses_no_mail(int seconds)
    {
        await SendAsync();
        _server.CloseConnections();
        await Eventually.SeeAsync(() => _server.ConnectionsOpen == 0, "all connections are closed");
        _time.Advance(TimeSpan.FromSeconds(seconds));
        await SendAsync();
        _server.MailCount.ShouldBe(2);
    }

    [Fact]
    public async Task SMTP_connections_are_closed_when_the_pool_is_disposed()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => SendAsync()));
        await _pool!.DisposeAsync();
        await Eventually.SeeAsync(() => _server.ConnectionsOpen == 0, "all connections are closed");
    }

    [Fact]
    public async Task Connection_closed_by_a_server_restart_is_noticed_before_it_is_used()
    {
        await SendAsync();
        await _server.StopAsync();
        _server.Start();
        await SendAsync();
        _server.MailCount.ShouldBe(2);
    }

    [Fact]
    public async Task Unused_SMTP_connection_is_closed()
    {
        await SendAsync();
        _time.Advance(TimeSpan.FromSeconds(31));
        await Eventually.SeeAsync(() => _server.ConnectionsOpen == 0, "all connections are closed");
    }

    public static TheoryData<SmtpStage, int> Refusals => new()
    {
        { SmtpStage.Mail, 451 }, { SmtpStage.Rcpt, 450 }, { SmtpStage.Data, 451 }, { SmtpStage.AfterDot, 452 },
        { SmtpStage.Mail, 550 }, { SmtpStage.Rcpt, 550 }, { SmtpStage.Data, 554 }, { SmtpStage.AfterDot, 554 },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Server_reply_is_reported_at_each_stage_without_the_recipient(SmtpStage stage, int code)
    {
        _server.Next(SmtpBehaviour.Reply(stage, code, "5.1.1 <{recipient}>: no such user jane.doe here"));
        Exception failure = code < 500 ? await Should.ThrowAsync<MailDeferredException>(SendAsync()) : await Should.ThrowAsync<MailRefusedException>(SendAsync());
        failure.Message.ShouldContain($"{code} 5.1.1");
        failure.ToString().ShouldNotContain("jane");
        await SendAsync();
        _server.ConnectionsOpened.ShouldBe(1);
    }

    [Fact]
    public async Task Refused_mails_do_not_count_as_failures_of_the_server()
    {
        _server.Next(Enumerable.Repeat(SmtpBehaviour.Reply(SmtpStage.Rcpt, 550, "5.1.1 unknown"), 20));
        for (var i = 0; i < 20; i++)
            await Should.ThrowAsync<MailRefusedException>(SendAsync());
        await SendAsync();
        _server.ConnectionsOpened.ShouldBe(1);
    }

    [Fact]
    public async Task Connection_cut_before_the_mail_data_means_not_sent()
    {
        _server.Next(SmtpBehaviour.CutBeforeData);
        (await Should.ThrowAsync<MailDeferredException>(SendAsync())).Message.ShouldContain("before the mail itself");
        await SendAsync();
        _server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task Connection_cut_within_the_mail_data_means_not_sent()
    {
        await _server.DisposeAsync();
        _server = new SmtpServer(new SmtpServerOptions { ReceiveBuffer = 4096 });
        _server.Next(SmtpBehaviour.CutInBody(10_000));
        (await Should.ThrowAsync<MailDeferredException>(SendAsync(size: 5_000_000))).Message.ShouldContain("bytes of the mail");
        await SendAsync();
        _server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task Connection_cut_after_the_mail_data_is_an_unknown_outcome()
    {
        _server.Next(SmtpBehaviour.CutAfterDot);
        var unknown = await Should.ThrowAsync<MailOutcomeUnknownException>(SendAsync());
        unknown.Message.ShouldContain($"127.0.0.1:{_server.Port}");
        unknown.ToString().ShouldNotContain("jane");
        _server.TakenWithoutReply.Count.ShouldBe(1);
        await SendAsync();
        _server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task No_reply_to_the_mail_data_within_the_deadline_is_an_unknown_outcome()
    {
        _server.Next(SmtpBehaviour.Stall(SmtpStage.AfterDot));
        await Should.ThrowAsync<MailOutcomeUnknownException>(SendAsync(seconds: 3));
        _options!.SendTimeout = TimeSpan.FromSeconds(25);
        await SendAsync();
        _server.ConnectionsOpened.ShouldBe(2);
    }

    [Fact]
    public async Task Mail_server_that_is_down_is_not_contacted_for_every_mail()
    {
        await _server.StopAsync();
        for (var i = 0; i < 8; i++)
            (await FailAsync()).ShouldBe((i == 7, false)); // the last of them opens the circuit breaker
        (await FailAsync()).ShouldBe((true, true));

        _time.Advance(TimeSpan.FromSeconds(11));
        (await FailAsync()).ShouldBe((true, false)); // one probe is sent; its mail must not be retried in place
        (await FailAsync()).ShouldBe((true, true));

        _server.Start();
        _time.Advance(TimeSpan.FromSeconds(11));
        await SendAsync();
        await SendAsync();

        async Task<(bool ServerIsDown, bool NotAsked)> FailAsync()
        {
            var failure = await Should.ThrowAsync<MailDeferredException>(SendAsync());
            return (failure.ServerIsDown, failure.NotAsked);
        }
    }

    [Fact]
    public async Task Connection_that_is_given_back_without_a_mail_is_used_by_the_next_one()
    {
        await _server.StopAsync();
        await Should.ThrowAsync<MailDeferredException>(SendAsync());
        _connected.ShouldBe(0);
        _server.Start();
        await SendAsync(sends: false); // as when the ledger doesn't respond
        _server.MailCount.ShouldBe(0);
        await SendAsync();
    }

    [Fact]
    public async Task Shutdown_cancels_a_mail_before_the_handover()
    {
        using var stopping = new CancellationTokenSource();
        await stopping.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(SendAsync(stopping: stopping.Token));
        _server.ConnectionsOpened.ShouldBe(0);
    }

    [Theory]
    [InlineData(SmtpServerTls.StartTls, "StartTls")]
    [InlineData(SmtpServerTls.Implicit, "Tls")]
    public async Task Server_with_an_untrusted_certificate_gets_no_mail(SmtpServerTls tls, string security)
    {
        using var certificate = CertificateOfUnknownAuthority();
        await _server.DisposeAsync();
        _server = new SmtpServer(new SmtpServerOptions { Tls = tls, Certificate = certificate });
        var failure = await Should.ThrowAsync<MailDeferredException>(SendAsync(Enum.Parse<SmtpSecurity>(security)));
        failure.Message.ShouldContain("check Smtp__Host, Smtp__Security and the server's certificate");
        _server.MailsOffered.ShouldBe(0);
    }

    [Fact]
    public async Task Server_without_STARTTLS_gets_no_mail_when_STARTTLS_is_required()
    {
        (await Should.ThrowAsync<MailDeferredException>(SendAsync(SmtpSecurity.StartTls))).Message.ShouldContain("StartTls");
        _server.MailsOffered.ShouldBe(0);
    }

    [Theory]
    [InlineData("right", true)]
    [InlineData("wrong", false)]
    public async Task Wrong_SMTP_login_is_reported_with_the_settings_to_check(string password, bool works)
    {
        await _server.DisposeAsync();
        _server = new SmtpServer(new SmtpServerOptions { Username = "workinit", Password = "right" });
        if (works)
            await SendAsync(username: "workinit", password: password);
        else
            (await Should.ThrowAsync<MailDeferredException>(SendAsync(username: "workinit", password: password))).Message.ShouldContain("check Smtp__Username and Smtp__Password");
        _server.MailCount.ShouldBe(works ? 1 : 0);
    }

    public async ValueTask DisposeAsync()
    {
        if (_pool is not null)
            await _pool.DisposeAsync();
        await _server.DisposeAsync();
    }

    private async Task<string> SendAsync(
        SmtpSecurity security = SmtpSecurity.None, int size = 100, string? username = null, string? password = null,
        bool sends = true, int seconds = 25, CancellationToken stopping = default)
    {
        if (_sender is null)
        {
            _options = new SmtpOptions
            {
                Host = "127.0.0.1",
                Port = _server.Port,
                Security = security,
                From = "gifs@workinit.example",
                Connections = 4,
                SendTimeout = TimeSpan.FromSeconds(seconds),
                Username = username,
                Password = password,
            };
            var options = Options.Create(_options);
            _pool = new SmtpConnectionPool(options, _time, NullLogger<SmtpConnectionPool>.Instance);
            _sender = new SmtpMailSender(_pool, options, _time, NullLogger<SmtpMailSender>.Instance);
        }
        using var mail = new MimeMessage { Subject = "hello", Body = new TextPart("plain") { Text = new string('x', size) } };
        mail.From.Add(MailboxAddress.Parse("gifs@workinit.example"));
        mail.To.Add(MailboxAddress.Parse(Recipient));
        await using var connection = await _sender.ConnectAsync(mail.To.Mailboxes.Single(), stopping);
        Interlocked.Increment(ref _connected);
        return sends ? await connection.SendAsync(mail) : "";
    }

    private static X509Certificate2 CertificateOfUnknownAuthority()
    {
        var (from, until) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var authorityKey = RSA.Create(2048);
        var authority = new CertificateRequest("CN=An authority of this test", authorityKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        using var issuer = authority.CreateSelfSigned(from, until);

        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(issuer, from, until, [1, 2, 3]);
        return certificate.CopyWithPrivateKey(key);
    }
}
