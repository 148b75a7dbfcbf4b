using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.Dev;
using WorkinIt.Dev.Brokers;
using WorkinIt.Dev.Machine;

namespace WorkinIt.Testbed;

/// <summary>The broker that ./test started, or a cluster: its addresses, and operations to stop, start and kill it.</summary>
public sealed class TestBroker : IDisposable
{
    private static Broker? _own;

    private readonly HttpClient _management;
    private readonly string _definitions = Path.Combine(Repository.Root, "dev", "definitions.json");
    private readonly IReadOnlyList<Uri> _amqp;
    private readonly Broker? _node;

    private TestBroker(IReadOnlyList<Uri> amqp, IReadOnlyList<Uri> management, Broker? node)
    {
        (_amqp, ManagementAddresses, _node) = (amqp, management, node);
        _management = new HttpClient(new FirstThatAnswers(management)) { BaseAddress = management[0] };
        _management.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes(amqp[0].UserInfo)));
    }

    /// <summary>The AMQP address, with the user operator and the virtual host /.</summary>
    public Uri Amqp => _amqp[0];

    /// <summary>A client for the management API, with the user operator. For a cluster, it uses a node that responds.</summary>
    public HttpClient Management => _management;

    /// <summary>The address of the management API of each node.</summary>
    public IReadOnlyList<Uri> ManagementAddresses { get; }

    /// <summary>The broker named by WORKINIT_TEST_AMQP and WORKINIT_TEST_MANAGEMENT.</summary>
    public static TestBroker FromEnvironment() => new(
        [new Uri(Required("WORKINIT_TEST_AMQP"))], [new Uri(Required("WORKINIT_TEST_MANAGEMENT"))],
        new Broker(Required("WORKINIT_TEST_BROKER_DIR")));

    /// <summary>Creates a broker that represents several nodes.</summary>
    /// <param name="nodes">All nodes of the cluster.</param>
    public static TestBroker OfCluster(IReadOnlyList<TestBroker> nodes) => new(
        [.. nodes.Select(node => node.Amqp)], [.. nodes.SelectMany(node => node.ManagementAddresses)], null);

    /// <summary>
    /// Starts a separate broker, for tests that stop it: no other test depends on it, and a broker with few virtual hosts restarts within seconds.
    /// Its folder is WORKINIT_TEST_OWN_BROKER_DIR; <see cref="RemoveAsync"/> removes it.
    /// </summary>
    /// <param name="image">The image of a container; null: the same version as the broker of the tests.</param>
    public static async Task<TestBroker> StartOwnAsync(string? image = null)
    {
        var (amqp, management) = (Ports.TakeFree(), Ports.TakeFree());
        var node = new Broker(Required("WORKINIT_TEST_OWN_BROKER_DIR"));
        if (Interlocked.CompareExchange(ref _own, node, null) is not null)
            throw new InvalidOperationException("Another test has the broker to stop now, and has not removed it. Classes that stop a broker belong to one collection, and run in sequence");
        await node.StartAsync(amqp, management, image ?? Image);
        return OfNode(new Uri($"amqp://operator:operator@127.0.0.1:{amqp}"), new Uri($"http://127.0.0.1:{management}"), node);
    }

    /// <summary>The image of a container, if WORKINIT_TEST_IMAGE names one; otherwise null.</summary>
    internal static string? Image => Environment.GetEnvironmentVariable("WORKINIT_TEST_IMAGE") is { Length: > 0 } image ? image : null;

    internal static TestBroker OfNode(Uri amqp, Uri management, Broker node) => new([amqp], [management], node);

    /// <summary>Returns the value of an environment variable that ./test sets. Without ./test, starts what the tests need.</summary>
    /// <param name="variable">The name of the variable.</param>
    public static string Required(string variable) => TestEnvironment.Get(variable);

    /// <summary>Creates an empty virtual host in which each user has the same permissions as on a development broker.</summary>
    public async Task<TestVirtualHost> CreateVirtualHostAsync()
    {
        var name = $"test-{Guid.NewGuid():N}"[..13];
        (await _management.PutAsync($"/api/vhosts/{name}", null)).EnsureSuccessStatusCode();
        using var definitions = JsonDocument.Parse(await File.ReadAllTextAsync(_definitions));
        foreach (var permission in definitions.RootElement.GetProperty("permissions").EnumerateArray())
        {
            var rights = new
            {
                configure = permission.GetProperty("configure").GetString(),
                write = permission.GetProperty("write").GetString(),
                read = permission.GetProperty("read").GetString(),
            };
            (await _management.PutAsJsonAsync($"/api/permissions/{name}/{permission.GetProperty("user").GetString()}", rights)).EnsureSuccessStatusCode();
        }
        return new TestVirtualHost(this, name);
    }

    /// <summary>The id of the broker's process.</summary>
    public int ProcessId => int.Parse(File.ReadAllText(Path.Combine(Node.Folder, "broker.pid")), CultureInfo.InvariantCulture);

    /// <summary>The broker's version, such as 3.10.8.</summary>
    public async Task<string> VersionAsync()
    {
        await using var connection = await ConnectAsync("operator", "/", "version");
        return Encoding.ASCII.GetString((byte[])connection.ServerProperties!["version"]!);
    }

    /// <summary>Freezes the broker with SIGSTOP: it stops responding, but its connections stay open.</summary>
    public Task FreezeAsync() => Node.FreezeAsync();

    /// <summary>Resumes a frozen broker.</summary>
    public Task ThawAsync() => Node.ThawAsync();

    /// <summary>Stops the broker gracefully; its queues are kept.</summary>
    public Task StopAsync() => Node.StopAsync();

    /// <summary>Kills the broker with SIGKILL.</summary>
    public Task KillAsync() => Node.KillAsync();

    /// <summary>Sets or clears an alarm. During an alarm, the broker accepts no messages.</summary>
    /// <param name="on">True sets the alarm; false clears it.</param>
    /// <param name="resource">What the broker is low on: memory or disk.</param>
    public Task SetAlarmAsync(bool on, string resource = "memory") => resource switch
    {
        "memory" => Node.SetAlarmAsync(on),
        "disk" => Node.SetDiskAlarmAsync(on),
        _ => throw new ArgumentOutOfRangeException(nameof(resource), resource, "memory or disk"),
    };

    /// <summary>Sets the broker's consumer_timeout to 3 s until its next start.</summary>
    public Task SetShortConsumerTimeoutAsync() => Node.HurryAsync();

    /// <summary>
    /// Until the broker's next start, a quorum queue that is declared from now on repeats an at-least-once dead-lettering that no queue has confirmed
    /// after 1 s instead of 3 min.
    /// </summary>
    public Task RepeatDeadLetteringSoonAsync() => Node.RepeatDeadLetteringSoonAsync();

    /// <summary>Lets a quorum queue not answer for a time, as on a loaded broker.</summary>
    /// <param name="virtualHost">The virtual host.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="time">How long.</param>
    public Task SuspendQueueAsync(TestVirtualHost virtualHost, string queue, TimeSpan time) => Node.SuspendQueueAsync(virtualHost.Name, queue, time);

    /// <summary>Enables the plugin rabbitmq_prometheus.</summary>
    /// <returns>The address of its metrics.</returns>
    public async Task<Uri> EnablePrometheusAsync()
    {
        var port = Ports.TakeFree();
        await Node.EnablePrometheusAsync(port);
        return new Uri($"http://127.0.0.1:{port}");
    }

    /// <summary>Makes the broker accept AMQP 1.0 clients; RabbitMQ 4 always does.</summary>
    public async Task EnableAmqp10Async()
    {
        if ((await VersionAsync())[0] == '3')
            await Node.EnableAmqp10Async();
    }

    /// <summary>Starts the broker again and waits until it responds.</summary>
    public Task StartAsync() => Node.StartAsync();

    /// <summary>Creates another instance for the same broker, for one system, which disposes of it.</summary>
    public TestBroker ForOneSystem() => new(_amqp, ManagementAddresses, _node);

    /// <summary>Stops the broker and deletes its data.</summary>
    public async Task RemoveAsync()
    {
        await Node.RemoveAsync();
        Interlocked.CompareExchange(ref _own, null, Node);
    }

    /// <inheritdoc/>
    public void Dispose() => _management.Dispose();

    internal string Address(string user, string virtualHost) =>
        $"amqp://{user}:{user}@{string.Join(',', _amqp.Select(node => $"{node.Host}:{node.Port}"))}/{virtualHost}";

    internal Task<IConnection> ConnectAsync(string user, string virtualHost, string name)
    {
        var factory = new ConnectionFactory { UserName = user, Password = user, VirtualHost = virtualHost, AutomaticRecoveryEnabled = false };
        return factory.CreateConnectionAsync([.. _amqp.Select(node => new AmqpTcpEndpoint(node.Host, node.Port))], name);
    }

    private Broker Node => _node ?? throw new InvalidOperationException("A cluster can't be stopped, started or killed as one: use its nodes");

    /// <summary>Sends a request to the nodes in turn, until one answers.</summary>
    private sealed class FirstThatAnswers(IReadOnlyList<Uri> nodes) : DelegatingHandler(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2) })
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var path = request.RequestUri!.PathAndQuery;
            foreach (var node in nodes.SkipLast(1))
            {
                try
                {
                    request.RequestUri = new Uri(node, path);
                    return await base.SendAsync(request, cancellationToken);
                }
                catch (HttpRequestException)
                {
                    // Try the next node.
                }
            }
            request.RequestUri = new Uri(nodes[^1], path);
            return await base.SendAsync(request, cancellationToken);
        }
    }
}

/// <summary>A virtual host of one test.</summary>
/// <param name="broker">The broker.</param>
/// <param name="name">The name of the virtual host.</param>
public sealed class TestVirtualHost(TestBroker broker, string name) : IAsyncDisposable
{
    private IConnection? _connection;

    /// <summary>The name of the virtual host.</summary>
    public string Name => name;

    /// <summary>Returns a connection string for one of the users.</summary>
    /// <param name="user">topology, web, consumers, replay or operator.</param>
    public string ConnectionString(string user) => broker.Address(user, name);

    /// <summary>Opens a channel as the user operator, on a new connection if the last one is closed.</summary>
    /// <param name="confirms">Whether a publish waits for the broker's confirm, and fails if the message is returned.</param>
    public async Task<IChannel> OpenChannelAsync(bool confirms = false)
    {
        if (_connection is not { IsOpen: true })
        {
            if (_connection is not null)
                await _connection.DisposeAsync();
            _connection = null;
            _connection = await broker.ConnectAsync("operator", name, "testbed");
        }
        return await _connection.CreateChannelAsync(new CreateChannelOptions(confirms, confirms));
    }

    /// <summary>Returns the number of ready messages in a queue, or -1 if the queue does not exist.</summary>
    /// <param name="queue">The name of the queue.</param>
    public async Task<long> ReadyAsync(string queue) => await FindAsync(queue) is { } found ? found.MessageCount : -1;

    /// <summary>
    /// Waits until a queue has a consumer. MassTransit declares a queue, then binds it, then consumes: a message that is published after the first of
    /// these steps may go nowhere.
    /// </summary>
    /// <param name="queue">The name of the queue.</param>
    /// <param name="within">How long to wait at most; null: the default of <see cref="Eventually"/>.</param>
    public Task SeeConsumerAsync(string queue, TimeSpan? within = null) =>
        Eventually.SeeAsync(async () => await FindAsync(queue) is { ConsumerCount: > 0 }, consumed => consumed, $"queue {queue} has a consumer", within);

    /// <summary>Returns the number of ready messages in a queue that exists, or null if RabbitMQ can't count them now.</summary>
    /// <param name="channel">The channel to ask on.</param>
    /// <param name="queue">The name of the queue.</param>
    public static async Task<long?> TryReadyAsync(IChannel channel, string queue) => (await TryFindAsync(channel, queue))?.MessageCount;

    // RabbitMQ reports nothing at all about a quorum queue that does not answer it within 250 ms.
    private static async Task<QueueDeclareOk?> TryFindAsync(IChannel channel, string queue)
    {
        var asked = Stopwatch.GetTimestamp();
        var answer = await channel.QueueDeclarePassiveAsync(queue);
        return answer.MessageCount > 0 || answer.ConsumerCount > 0 || Stopwatch.GetElapsedTime(asked) < TimeSpan.FromMilliseconds(240) ? answer : null;
    }

    private async Task<QueueDeclareOk?> FindAsync(string queue)
    {
        await using var channel = await OpenChannelAsync();
        try
        {
            for (var tries = 0; ; tries++)
            {
                if (await TryFindAsync(channel, queue) is { } answer)
                    return answer;
                if (tries == 100)
                    throw new TimeoutException($"RabbitMQ can't count the messages in {queue}");
            }
        }
        catch (RabbitMQ.Client.Exceptions.OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == 404)
        {
            return null;
        }
    }

    /// <summary>Removes the messages of all queues.</summary>
    public async Task PurgeAllAsync()
    {
        await using var channel = await OpenChannelAsync();
        var names = (await ManagementAsync("queues/{vhost}?columns=name")).EnumerateArray().Select(queue => queue.GetProperty("name").GetString()!);
        foreach (var name in names.Where(name => !name.StartsWith("dead-letters-lock:", StringComparison.Ordinal))) // these come and go, and hold no messages
            await channel.QueuePurgeAsync(name);
    }

    /// <summary>Removes and returns all messages of a queue.</summary>
    /// <param name="queue">The name of the queue.</param>
    public async Task<IReadOnlyList<BasicGetResult>> TakeAllAsync(string queue)
    {
        await using var channel = await OpenChannelAsync();
        var messages = new List<BasicGetResult>();
        while (await channel.BasicGetAsync(queue, autoAck: true) is { } message)
            messages.Add(message);
        return messages;
    }

    /// <summary>Reads messages and returns them to the queue, as the management UI does.</summary>
    /// <param name="queue">The name of the queue.</param>
    /// <param name="ackMode">The ack mode of the UI: ack_requeue_true or reject_requeue_true.</param>
    /// <param name="count">The maximum number of messages.</param>
    public async Task<JsonElement> LookAsync(string queue, string ackMode = "ack_requeue_true", int count = 10)
    {
        var response = await broker.Management.PostAsJsonAsync(
            $"/api/queues/{name}/{queue}/get", new { count, ackmode = ackMode, encoding = "auto", truncate = 50000 });
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Sends a GET request to the management API.</summary>
    /// <param name="path">The path below /api/; {vhost} is replaced by this virtual host.</param>
    public Task<JsonElement> ManagementAsync(string path) =>
        broker.Management.GetFromJsonAsync<JsonElement>("/api/" + path.Replace("{vhost}", name, StringComparison.Ordinal));

    /// <summary>Sets a policy and waits until the management API shows it on a queue.</summary>
    /// <param name="policy">The policy's name.</param>
    /// <param name="queue">The queue; the policy matches this name only.</param>
    /// <param name="definition">The policy's definition, such as <c>new Dictionary { ["max-length"] = 2 }</c>.</param>
    /// <param name="applyTo">What the policy applies to: queues, exchanges or all.</param>
    public async Task SetPolicyAsync(string policy, string queue, Dictionary<string, object> definition, string applyTo = "queues")
    {
        var body = new Dictionary<string, object> { ["pattern"] = $"^{queue}$", ["definition"] = definition, ["apply-to"] = applyTo };
        (await broker.Management.PutAsJsonAsync($"/api/policies/{name}/{policy}", body)).EnsureSuccessStatusCode();
        var kind = applyTo == "exchanges" ? "exchanges" : "queues";
        await Eventually.SeeAsync(
            async () => (await ManagementAsync($"{kind}/{{vhost}}/{queue}")).TryGetProperty("policy", out var now) ? now.GetString() : null,
            now => now == policy, $"policy {policy} applied to {queue}");
    }

    /// <summary>
    /// Does not delete the virtual host; it exists until the broker is removed. Deleting a virtual host with at-least-once queues soon after a
    /// restart can crash RabbitMQ 3.10's supervisor of those queues, after which no other virtual host gets any.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
    }
}
