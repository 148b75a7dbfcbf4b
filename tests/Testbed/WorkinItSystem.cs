using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace WorkinIt.Testbed;

/// <summary>The whole of it for one test: a virtual host, a mail server of ours, and the services as processes.</summary>
public sealed partial class WorkinItSystem : IAsyncDisposable
{
    /// <summary>What the services share for the list of opt-outs.</summary>
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

    /// <summary>Its queues.</summary>
    public TestVirtualHost VirtualHost { get; }

    /// <summary>Where the mails go.</summary>
    public SmtpServer Mail { get; } = new();

    /// <summary>The broker itself.</summary>
    public TestBroker Broker => _broker;

    /// <summary>For files of this test.</summary>
    public string Folder { get; }

    /// <summary>Settings of both services beyond the usual; set before a process is made.</summary>
    public Dictionary<string, string> Settings { get; } = [];

    /// <summary>How the services reach the broker, as one of its users.</summary>
    public Func<string, string> ConnectionString { get; set; }

    /// <summary>What all processes have written.</summary>
    public string Logs => string.Concat(_processes.Select(process => process.Log));

    /// <summary>A virtual host and a mail server; nothing runs, no queue exists.</summary>
    /// <param name="broker">The cluster of a test; the broker that ./test started unless told.</param>
    public static async Task<WorkinItSystem> CreateAsync(TestBroker? broker = null)
    {
        broker ??= TestBroker.FromEnvironment();
        var system = new WorkinItSystem(broker, await broker.CreateVirtualHostAsync());
        system.Mail.Start();
        return system;
    }

    /// <summary>All of it, ready: the topology deployed, one Web, one Consumers.</summary>
    /// <param name="settings">Settings beyond the usual.</param>
    public static async Task<(WorkinItSystem System, ServiceProcess Web, ServiceProcess Consumers)> StartAsync(params (string Name, string Value)[] settings)
    {
        var system = await CreateAsync();
        var (web, consumers) = await system.StartServicesAsync(settings);
        return (system, web, consumers);
    }

    /// <summary>Deploys, migrates, and starts one of each service.</summary>
    /// <param name="settings">Settings beyond the usual.</param>
    public async Task<(ServiceProcess Web, ServiceProcess Consumers)> StartServicesAsync(params (string Name, string Value)[] settings)
    {
        foreach (var (name, value) in settings)
            Settings[name] = value;
        await Task.WhenAll(DeployAsync(), MigrateAsync());
        var (web, consumers) = (NewWeb(), NewConsumers());
        await Task.WhenAll(web.StartAsync(), consumers.StartAsync());
        return (web, consumers);
    }

    /// <summary>Deploys the topology, as the user topology.</summary>
    public Task DeployAsync() => RunToEndAsync(New("Consumers", "topology"), "--deploy-topology");

    /// <summary>Creates the tables of the store and of the ledger.</summary>
    public async Task MigrateAsync()
    {
        await RunToEndAsync(NewWeb(), "--migrate");
        await RunToEndAsync(NewConsumers(), "--migrate");
    }

    /// <summary>A Web process, not started.</summary>
    public ServiceProcess NewWeb() => New("Web", "web");

    /// <summary>A Consumers process, not started.</summary>
    public ServiceProcess NewConsumers() => New("Consumers", "consumers");

    /// <summary>Submits by the API; the same once more where it says "not now", as a careful client does.</summary>
    /// <returns>The submission's id.</returns>
    public static async Task<Guid> SubmitAsync(ServiceProcess web, string email, string thought)
    {
        var key = Guid.CreateVersion7();
        for (var repeats = 10; ; repeats--)
        {
            using var post = new HttpRequestMessage(HttpMethod.Post, "/api/submissions") { Content = JsonContent.Create(new { email, thought }) };
            post.Headers.Add("Idempotency-Key", key.ToString());
            using var response = await web.Http.SendAsync(post);
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable && repeats > 0)
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

    /// <summary>Asks the API how far a submission is.</summary>
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

    /// <summary>Waits until so many mails were taken by the mail server.</summary>
    public Task SeeMailsAsync(int count, TimeSpan? within = null) =>
        Eventually.SeeAsync(() => Task.FromResult(Mail.MailCount), seen => seen >= count, $"{count} mails at the mail server", within);

    /// <summary>Waits until a queue holds so many ready messages.</summary>
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

    /// <summary>The settings of a service, by their names in the environment.</summary>
    /// <param name="user">The RabbitMQ user that it is.</param>
    public Dictionary<string, string> SettingsOf(string user) => new(Settings)
    {
        ["ConnectionStrings__Submissions"] = Settings.GetValueOrDefault("ConnectionStrings__Submissions", $"Data Source={Path.Combine(Folder, "submissions.db")}"),
        ["ConnectionStrings__Deliveries"] = Settings.GetValueOrDefault("ConnectionStrings__Deliveries", $"Data Source={Path.Combine(Folder, "deliveries.db")}"),
        ["ConnectionStrings__RabbitMq"] = ConnectionString(user),
        ["Smtp__Host"] = "127.0.0.1",
        ["OptOut__Secret"] = OptOutSecret,
        ["OptOut__Url"] = Settings.GetValueOrDefault("OptOut__Url", "https://workinit.example"), // a test takes the path of a link, for Web's port is known later
        // The tests are one client that submits thousands.
        ["Limits__PerClientPerMinute"] = Settings.GetValueOrDefault("Limits__PerClientPerMinute", "0"),
        ["Limits__PerRecipientPerHour"] = Settings.GetValueOrDefault("Limits__PerRecipientPerHour", "0"),
        ["Smtp__Port"] = Settings.GetValueOrDefault("Smtp__Port", $"{Mail.Port}"), // the catcher's, to see mails as a mail program shows them
        ["Smtp__Security"] = "None",
        ["Smtp__From"] = "WorkinIt <gifs@workinit.example>",
    };

    private ServiceProcess New(string service, string user)
    {
        var process = new ServiceProcess(service, SettingsOf(user));
        _processes.Add(process);
        return process;
    }

    private static async Task RunToEndAsync(ServiceProcess process, params string[] arguments)
    {
        if (await process.RunAsync(arguments) is not 0 and var code)
            throw new InvalidOperationException($"{string.Join(' ', arguments)} ended with {code}:\n{process.Log}");
    }

    [GeneratedRegex("""<input[^>]*name="(?<name>[^"]+)"[^>]*type="hidden"[^>]*value="(?<value>[^"]*)""")]
    private static partial Regex HiddenField();
}

/// <summary>A form that stands open in a browser, with its hidden fields and its cookie.</summary>
/// <param name="Fields">The hidden fields.</param>
/// <param name="Cookie">The cookie header.</param>
public sealed record OpenForm(IReadOnlyList<KeyValuePair<string, string>> Fields, string Cookie)
{
    /// <summary>Sends it.</summary>
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

/// <summary>What the API says of a submission.</summary>
public sealed record SubmissionStatus(
    Guid Id, string State, DateTimeOffset AcceptedAt, DateTimeOffset? SentAt, DateTimeOffset? NextTryAt, int Attempts, string Detail);
