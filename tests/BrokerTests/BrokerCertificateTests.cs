using System.Net;
using System.Security.Cryptography.X509Certificates;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>amqps to a broker whose certificate authority is in SSL_CERT_FILE: services, topology deployment and the operator's command.</summary>
[Trait("broker", "any")] // a test proxy in front of the broker terminates TLS
public sealed class BrokerCertificateTests : IAsyncLifetime
{
    private const string Host = "localhost";
    private readonly TestAuthority _authority = new();
    private WorkinItSystem _system = null!;

    public async ValueTask InitializeAsync()
    {
        _system = await WorkinItSystem.CreateAsync();
        var bundle = Path.Combine(_system.Folder, "authority.pem");
        await File.WriteAllTextAsync(bundle, _authority.Pem);
        _system.Settings["SSL_CERT_FILE"] = bundle;
    }

    public async ValueTask DisposeAsync()
    {
        await _system.DisposeAsync();
        _authority.Dispose();
    }

    [Fact]
    public async Task Services_and_command_work_over_TLS_with_a_valid_broker_certificate()
    {
        using var certificate = _authority.Certify(Host);
        // As in a cluster whose first node is down: the certificate names only the second node.
        await using var broker = StartTlsProxy(certificate, password: null, firstNode: $"127.0.0.1:{Ports.TakeFree()},");
        await Task.WhenAll(_system.DeployAsync(), _system.MigrateAsync());
        var (web, consumers) = (_system.NewWeb(), _system.NewConsumers());
        await Task.WhenAll(web.StartAsync(), consumers.StartAsync());
        await WorkinItSystem.SubmitAsync(web, "jane@example.com", "sealed");
        await _system.SeeMailsAsync(1);

        await DeadLetterPages.PutAsync(_system.VirtualHost, "send-gif-email_error", "{}", "System.TimeoutException", "It took 30 s");
        var listed = await Command().RunProcessAsync("dead-letters", "list", "--queue", "send-gif-email_error");
        listed.Code.ShouldBe(0, listed.ToString());
        listed.Output.ShouldContain("TimeoutException");
        broker.Handshakes.ShouldBeGreaterThan(5); // the services and the command all used TLS
    }

    [Theory]
    [InlineData("another name", "is for broker.example: connect with one of its names")]
    [InlineData("expired", "renew it, or set this machine's clock")]
    [InlineData("self-signed", "which this machine does not trust")]
    [InlineData("of an unknown authority", "which this machine does not trust")]
    public async Task Invalid_broker_certificate_is_explained_and_no_password_is_sent(string certificateKind, string problem)
    {
        using var unknownAuthority = new TestAuthority();
        using var certificate = certificateKind switch
        {
            "another name" => _authority.Certify("broker.example"),
            "expired" => _authority.Certify(Host, TimeSpan.FromHours(-1)),
            "self-signed" => TestAuthority.SelfSigned(Host),
            _ => unknownAuthority.Certify(Host),
        };
        await using var broker = StartTlsProxy(certificate, password: "sesame");
        _system.ConnectionString("web").ShouldContain("sesame");
        var web = _system.NewWeb();
        await web.RunAsync("--migrate");

        var deploying = Should.ThrowAsync<InvalidOperationException>(_system.DeployAsync);
        var listing = Command().RunProcessAsync("dead-letters", "list", "--queue", "send-gif-email_error");
        await web.StartAsync("live");
        await Eventually.SeeAsync(() => web.Log.Contains(problem, StringComparison.Ordinal), "the log names the certificate problem", TimeSpan.FromSeconds(60));
        using (var ready = await web.Http.GetAsync("/health/ready"))
            ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await deploying).Message.ShouldContain(problem);
        var listed = await listing;
        listed.Code.ShouldBe(3, listed.ToString());
        listed.Errors.ShouldContain(problem);

        (_system.Logs + listed).ShouldNotContain("sesame");
        (broker.Handshakes, broker.Bytes).ShouldBe((0, 0));
    }

    // Only AMQP goes through the proxy, not the management API.
    private TlsProxy StartTlsProxy(X509Certificate2 certificate, string? password, string firstNode = "")
    {
        var plain = new Uri(_system.VirtualHost.ConnectionString("operator"));
        var broker = new TlsProxy(certificate, plain.Host, plain.Port);
        _system.ConnectionString = user => $"amqps://{user}:{password ?? user}@{firstNode}{Host}:{broker.Port}{plain.AbsolutePath}";
        return broker;
    }

    private OperatorCommand Command() => new(new Dictionary<string, string>
    {
        ["SSL_CERT_FILE"] = _system.Settings["SSL_CERT_FILE"],
        ["ConnectionStrings__RabbitMq"] = _system.ConnectionString("replay"),
        ["RabbitMqManagement__Url"] = _system.Broker.Management.BaseAddress!.ToString(),
        ["DeadLetters__AuditFile"] = Path.Combine(_system.Folder, "audit.jsonl"),
    });
}
