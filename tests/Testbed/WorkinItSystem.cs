using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace WorkinIt.Testbed;

/// <summary>A complete system for one test: a virtual host, a test mail server, and the services as processes.</summary>
public sealed partial class WorkinItSystem : IAsyncDisposable
{
    /// <summary>The value of OptOut__Secret, which the services share for the suppression list.</summary>
    public const string OptOutSecret = "a secret of the tests, long enough to be one";

    private readonly List<ServiceProcess> _processes = [];
    private readonly TestBroker _broker;

    private WorkinItSystem(TestBroker broker, TestVirtualHost virtualHost)
    {
        _broker = broker;
        VirtualHost = virtualHost;
        ConnectionString = virtualHost.ConnectionString;
        Folder = Directory.CreateTempSubdirectory("workinit-").FullName;
    }

    /// <summary>The virtual host with the system's queues.</summary>
    public TestVirtualHost VirtualHost { get; }

    /// <summary>The mail server that receives the mails.</summary>
    public SmtpServer Mail { get; } = new();

    /// <summary>The broker.</summary>
    public TestBroker Broker => _broker;

    /// <summary>A folder for the files of this test; deleted on disposal.</summary>
    public string Folder { get; }

    /// <summary>Additional settings of both services; must be set before a process is created.</summary>
    public Dictionary<string, string> Settings { get; } = [];

    /// <summary>The folder with the published services, if they are not those of ./test or ./bench; must be set before a process is created.</summary>
    public string? Services { get; init; }

    /// <summary>The connection string with which the services reach the broker as one of its users.</summary>
    public Func<string, string> ConnectionString { get; set; }

    /// <summary>The output of all processes.</summary>
    public string Logs => string.Concat(_processes.Select(process => process.Log));

    /// <summary>Creates a virtual host and a mail server. No service runs, and no queue exists.</summary>
    /// <param name="broker">The broker or cluster; null uses the broker that ./test started.</param>
    /// <param name="services">The folder with the published services; null uses those of ./test or ./bench.</param>
    public static async Task<WorkinItSystem> CreateAsync(TestBroker? broker = null, string? services = null)
    {
        broker ??= TestBroker.FromEnvironment();
        var system = new WorkinItSystem(broker, await broker.CreateVirtualHostAsync()) { Services = services };
        system.Mail.Start();
        return system;
    }

    /// <summary>Creates a system that is ready: the topology deployed, one Web and one Consumers running.</summary>
    /// <param name="settings">Additional settings of both services.</param>
    public static async Task<(WorkinItSystem System, ServiceProcess Web, ServiceProcess Consumers)> StartAsync(params (string Name, string Value)[] settings)
    {
        var system = await CreateAsync();
        var (web, consumers) = await system.StartServicesAsync(settings);
        return (system, web, consumers);
    }

    /// <summary>Deploys the topology, creates the tables, and starts one process of each service.</summary>
    /// <param name="settings">Additional settings of both services.</param>
    public async Task<(ServiceProcess Web, ServiceProcess Consumers)> StartServicesAsync(params (string Name, string Value)[] settings)
    {
        foreach (var (name, value) in settings)
            Settings[name] = value;
        await PrepareAsync();
        var (web, consumers) = (NewWeb(), NewConsumers());
        await Task.WhenAll(web.StartAsync(), consumers.StartAsync());
        return (web, consumers);
    }

    /// <summary>Deploys the topology and creates the tables. Only the first system with the same settings runs the services for that; the others get a copy.</summary>
    public Task PrepareAsync() => Services is null ? SystemTemplate.PrepareAsync(this) : Task.WhenAll(DeployAsync(), MigrateAsync()); // another build may have other tables

    /// <summary>Deploys the topology as the RabbitMQ user topology, by the service.</summary>
    public Task DeployAsync() => RunToEndAsync(CreateProcess("Consumers", "topology"), "--deploy-topology");

    /// <summary>Creates the tables of the store and of the ledger, by the services.</summary>
    public Task MigrateAsync() => Task.WhenAll(RunToEndAsync(NewWeb(), "--migrate"), RunToEndAsync(NewConsumers(), "--migrate"));

    /// <summary>Creates a Web process without starting it.</summary>
    public ServiceProcess NewWeb() => CreateProcess("Web", "web");

    /// <summary>Creates a Consumers process without starting it.</summary>
    public ServiceProcess NewConsumers() => CreateProcess("Consumers", "consumers");

    /// <summary>Creates a process with its own settings, without starting it.</summary>
    /// <param name="service">Web or Consumers.</param>
    /// <param name="settings">All settings, by their environment variable names; see <see cref="SettingsOf"/>.</param>
    public ServiceProcess NewProcess(string service, IReadOnlyDictionary<string, string> settings)
    {
        var process = new ServiceProcess(service, settings, Services);
        _processes.Add(process);
        return process;
    }

    /// <summary>Submits through the API. After a 503 response, retriesLeft the request with the same key, as a careful client does.</summary>
    /// <returns>The submission's id.</returns>
    public static async Task<Guid> SubmitAsync(ServiceProcess web, string email, string thought)
    {
        var key = Guid.CreateVersion7();
        for (var retriesLeft = 10; ; retriesLeft--)
        {
            using var post = new HttpRequestMessage(HttpMethod.Post, "/api/submissions") { Content = JsonContent.Create(new { email, thought }) };
            post.Headers.Add("Idempotency-Key", key.ToString());
            using var response = await web.Http.SendAsync(post);
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable && retriesLeft > 0)
            {
                await Task.Delay(300);
                continue;
            }
            return await IdAsync(response);
        }
    }

    private static async Task<Guid> IdAsync(HttpResponseMessage response)
    {
        if (response.StatusCode != HttpStatusCode.Accepted)
            throw new InvalidOperationException($"Not accepted: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
    }

    /// <summary>Gets the status of a submission from the API.</summary>
    public static async Task<SubmissionStatus> StatusAsync(ServiceProcess web, Guid id) =>
        (await web.Http.GetFromJsonAsync<SubmissionStatus>($"/api/submissions/{id}"))!;

    /// <summary>Opens the form, as a browser does.</summary>
    public static async Task<OpenForm> OpenFormAsync(ServiceProcess web)
    {
        using var page = await web.Http.GetAsync("/");
        var html = await page.Content.ReadAsStringAsync();
        var fields = HiddenField().Matches(html).Select(match => KeyValuePair.Create(match.Groups["name"].Value, match.Groups["value"].Value));
        var cookies = page.Headers.TryGetValues("Set-Cookie", out var set) ? set.Select(cookie => cookie.Split(';')[0]) : [];
        return new OpenForm([.. fields], string.Join("; ", cookies));
    }

    /// <summary>Opens the form and sends it.</summary>
    public static async Task<HttpResponseMessage> SubmitFormAsync(ServiceProcess web, string email, string thought) =>
        await (await OpenFormAsync(web)).PostAsync(web, email, thought);

    /// <summary>Waits until the mail server has accepted at least <paramref name="count"/> mails.</summary>
    public Task SeeMailsAsync(int count, TimeSpan? within = null) =>
        Eventually.SeeAsync(() => Task.FromResult(Mail.MailCount), seen => seen >= count, $"{count} mails at the mail server", within);

    /// <summary>Waits until a queue holds exactly <paramref name="count"/> ready messages.</summary>
    public Task SeeReadyAsync(string queue, long count, TimeSpan? within = null) =>
        Eventually.SeeAsync(() => VirtualHost.ReadyAsync(queue), seen => seen == count, $"{count} messages ready in {queue}", within);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
            await process.DisposeAsync();
        await Mail.DisposeAsync();
        await VirtualHost.DisposeAsync();
        _broker.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Returns the settings of a service, by their environment variable names.</summary>
    /// <param name="user">The RabbitMQ user that the service signs in as.</param>
    public Dictionary<string, string> SettingsOf(string user) => new(Settings)
    {
        ["ConnectionStrings__Submissions"] = Settings.GetValueOrDefault("ConnectionStrings__Submissions", $"Data Source={Path.Combine(Folder, "submissions.db")}"),
        ["ConnectionStrings__Deliveries"] = Settings.GetValueOrDefault("ConnectionStrings__Deliveries", $"Data Source={Path.Combine(Folder, "deliveries.db")}"),
        ["ConnectionStrings__RabbitMq"] = ConnectionString(user),
        ["Smtp__Host"] = "127.0.0.1",
        ["OptOut__Secret"] = OptOutSecret,
        ["OptOut__Url"] = Settings.GetValueOrDefault("OptOut__Url", "https://workinit.example"), // tests use only the path of a link, because Web's port is assigned later
        // Disabled by default, because the tests submit thousands of requests as one client.
        ["Limits__PerClientPerMinute"] = Settings.GetValueOrDefault("Limits__PerClientPerMinute", "0"),
        ["Limits__PerRecipientPerHour"] = Settings.GetValueOrDefault("Limits__PerRecipientPerHour", "0"),
        ["Smtp__Port"] = Settings.GetValueOrDefault("Smtp__Port", $"{Mail.Port}"), // browser tests set the mail catcher's port, to see mails as a mail program shows them
        ["Smtp__Security"] = "None",
        ["Smtp__From"] = "WorkinIt <gifs@workinit.example>",
    };

    private ServiceProcess CreateProcess(string service, string user) => NewProcess(service, SettingsOf(user));

    private static async Task RunToEndAsync(ServiceProcess process, params string[] arguments)
    {
        if (await process.RunAsync(arguments) is not 0 and var code)
            throw new InvalidOperationException($"{string.Join(' ', arguments)} ended with {code}:\n{process.Log}");
    }

    [GeneratedRegex("""<input[^>]*name="(?<name>[^"]+)"[^>]*type="hidden"[^>]*value="(?<value>[^"]*)""")]
    private static partial Regex HiddenField();
}

/// <summary>A form that is open in a browser, with its hidden fields and its cookie.</summary>
/// <param name="Fields">The hidden fields.</param>
/// <param name="Cookie">The cookie header.</param>
public sealed record OpenForm(IReadOnlyList<KeyValuePair<string, string>> Fields, string Cookie)
{
    /// <summary>Submits the form.</summary>
    public async Task<HttpResponseMessage> PostAsync(ServiceProcess web, string email, string thought)
    {
        using var post = new HttpRequestMessage(HttpMethod.Post, "/")
        {
            Content = new FormUrlEncodedContent([.. Fields, KeyValuePair.Create("email", email), KeyValuePair.Create("thought", thought)]),
        };
        post.Headers.Add("Cookie", Cookie);
        return await web.Http.SendAsync(post);
    }
}

/// <summary>The API's response about a submission.</summary>
public sealed record SubmissionStatus(
    Guid Id, string State, DateTimeOffset AcceptedAt, DateTimeOffset? SentAt, DateTimeOffset? NextTryAt, int Attempts, string Detail);
