using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;
using WorkinIt.Dev.Testing;

namespace WorkinIt.Dev.Scanning;

/// <summary>
/// Web and Consumers for a scan, as they run in production: with HTTPS, and not as localhost, which has special rules. They use the broker and the
/// mail catcher of the tests.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="folder">The folder for their files.</param>
internal sealed partial class ScannedServices(TestRun run, string folder) : IAsyncDisposable
{
    private const string Host = "127.0.0.2";
    private readonly List<Process> _processes = [];
    private readonly int _consumersPort = Ports.TakeFree();
    private readonly CookieContainer _cookies = new();
    private HttpClient? _client; // trusts the certificate, which does not exist before the start

    /// <summary>The address of Web.</summary>
    public string Web { get; } = $"https://{Host}:{Ports.TakeFree()}";

    /// <summary>The id of a submission that was sent.</summary>
    public string Submission { get; private set; } = "";

    /// <summary>The cookies of a signed-in operator.</summary>
    public string OperatorCookies { get; private set; } = "";

    /// <summary>The log of Web.</summary>
    public string WebLog => Path.Combine(folder, "web.log");

    /// <summary>Whether Web runs.</summary>
    public bool WebIsRunning => _processes is [{ HasExited: false }, ..];

    private string Certificate => Path.Combine(folder, "certificate.pem");

    private string Key => Path.Combine(folder, "key.pem");

    private Dictionary<string, string?> Databases => new()
    {
        ["ConnectionStrings__Submissions"] = $"Data Source={folder}/submissions.db",
        ["ConnectionStrings__Deliveries"] = $"Data Source={folder}/deliveries.db",
        ["OptOut__Secret"] = Settings.OptOutSecret,
    };

    /// <summary>Starts the services and waits until they are ready.</summary>
    public async Task StartAsync(StepLog log)
    {
        await log.RunAsync(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", $"/CN={Host}", "-addext", $"subjectAltName=IP:{Host}", "-keyout", Key, "-out", Certificate);
        _client = CreateClient();
        await OnceAsync(log, "Consumers", "--deploy-topology", new() { ["ConnectionStrings__RabbitMq"] = Amqp("topology") });
        await OnceAsync(log, "Consumers", "--migrate", Databases);
        await OnceAsync(log, "Web", "--migrate", Databases);
        _processes.Add(CommandOf("Web", WebSettings, WebLog).Start());
        _processes.Add(CommandOf("Consumers", ConsumersSettings, Path.Combine(folder, "consumers.log")).Start());
        await log.AwaitAsync("Web is ready", 60, async () =>
        {
            using var response = await _client.GetAsync(new Uri($"{Web}/health/ready"));
            return response.IsSuccessStatusCode;
        });
        await log.AwaitAsync("Consumers are ready", 60, () => HttpProbe.AnswersOkAsync(_consumersPort, "/health/ready"));
    }

    /// <summary>Fills the system with what is to be scanned: a sent mail, dead letters, a signed-in operator.</summary>
    public async Task FillAsync(StepLog log)
    {
        using var accepted = await _client!.PostAsJsonAsync(new Uri($"{Web}/api/submissions"), new { email = "ann@example.org", thought = "<b>scanned</b>" });
        accepted.EnsureSuccessStatusCode();
        Submission = (await accepted.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
        await log.AwaitAsync("the mail is sent", 30, async () =>
            (await _client!.GetFromJsonAsync<JsonElement>(new Uri($"{Web}/api/submissions/{Submission}"))).GetProperty("state").GetString() == "sent");
        for (var number = 1; number <= 30; number++) // more than the operator's scan removes
            await PublishDeadLetterAsync(number);
        await SignInAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        foreach (var process in _processes)
        {
            if (!process.HasExited)
                await Ending.EndAsync(process.Id, TimeSpan.FromSeconds(15));
            process.Dispose();
        }
    }

    private Dictionary<string, string?> WebSettings => new(Databases)
    {
        ["ASPNETCORE_URLS"] = Web,
        ["Kestrel__Certificates__Default__Path"] = Certificate,
        ["Kestrel__Certificates__Default__KeyPath"] = Key,
        ["ConnectionStrings__RabbitMq"] = Amqp("web"),
        ["ConnectionStrings__DeadLetters"] = Amqp("replay"),
        ["RabbitMqManagement__Url"] = Environment.GetEnvironmentVariable("WORKINIT_TEST_MANAGEMENT"),
        ["DataProtection__KeysDirectory"] = Path.Combine(folder, "keys"),
        ["Limits__PerClientPerMinute"] = "0", // limits would reject most of the scanner's requests
        ["Limits__PerRecipientPerHour"] = "0",
    };

    private Dictionary<string, string?> ConsumersSettings => new(Databases)
    {
        ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{_consumersPort}",
        ["ConnectionStrings__RabbitMq"] = Amqp("consumers"),
        ["OptOut__Url"] = "https://workinit.example",
        ["Smtp__Host"] = "127.0.0.1",
        ["Smtp__Port"] = Environment.GetEnvironmentVariable("WORKINIT_TEST_SMTP_PORT"),
        ["Smtp__Security"] = "None",
        ["Smtp__From"] = "WorkinIt <gifs@workinit.example>",
    };

    private static string Amqp(string user) => $"amqp://{user}:{user}@{Environment.GetEnvironmentVariable("WORKINIT_TEST_AMQP")!.Split('@')[1]}";

    private Command CommandOf(string project, Dictionary<string, string?> settings, string? log, params string[] arguments) =>
        new("dotnet", [$"WorkinIt.{project}.dll", .. arguments]) { Folder = Path.Combine(run.State, "bin", project), Variables = settings, Log = log };

    private async Task OnceAsync(StepLog log, string project, string argument, Dictionary<string, string?> settings)
    {
        if (!(await log.RunAsync(CommandOf(project, settings, null, argument))).Succeeded)
            throw new ToolException($"{project} {argument} failed.");
    }

    // Trusts the certificate of Web, and nothing else.
    private HttpClient CreateClient()
    {
        var authority = X509CertificateLoader.LoadCertificateFromFile(Certificate);
#pragma warning disable CA2000 // the client disposes of it
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = _cookies, UseProxy = false };
#pragma warning restore CA2000
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        handler.SslOptions.CertificateChainPolicy.CustomTrustStore.Add(authority);
        return new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(10) };
    }

    private async Task PublishDeadLetterAsync(int number)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{Environment.GetEnvironmentVariable("WORKINIT_TEST_MANAGEMENT")}/api/exchanges/%2F/amq.default/publish"))
        {
            Content = JsonContent.Create(new
            {
                properties = new { delivery_mode = 2, headers = new Dictionary<string, string> { ["MT-Fault-Message"] = $"<script>alert({number})</script>" } },
                routing_key = "send-gif-email_error",
                payload = $$$"""{"message":{"thought":"{{{number}}}"}}""",
                payload_encoding = "string",
            }),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("operator:operator")));
        using var response = await _client!.SendAsync(request);
        response.EnsureSuccessStatusCode();
    }

    private async Task SignInAsync()
    {
        var page = new Uri($"{Web}/dead-letters/sign-in");
        var token = Token().Match(await _client!.GetStringAsync(page)).Groups[1].Value;
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["username"] = "operator", ["password"] = "operator", ["__RequestVerificationToken"] = token });
        using var response = await _client.PostAsync(page, form);
        // With the cookie that belongs to the tokens of the forms: without it, Web rejects all posts of the scanner.
        OperatorCookies = string.Join("; ", _cookies.GetAllCookies().Select(cookie => $"{cookie.Name}={cookie.Value}"));
        if (!OperatorCookies.Contains("WorkinIt.Operator=", StringComparison.Ordinal))
            throw new ToolException($"The operator was not signed in: {(int)response.StatusCode}");
    }

    [GeneratedRegex("""name="__RequestVerificationToken"[^>]* value="([^"]+)""")]
    private static partial Regex Token();
}
