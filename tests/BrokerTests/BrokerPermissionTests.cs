using System.Net;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>
/// The users of dev/definitions.json on a broker with the WorkinIt topology: each user is tried on each queue and exchange. All other tests
/// here show that these permissions are sufficient: the services and the operator's command run as these users.
/// </summary>
public sealed class BrokerPermissionTests(DeployedTopology deployed) : IClassFixture<DeployedTopology>
{
    private const string Commands = "WorkinIt.Contracts:SendGifEmail";
    private static readonly string[] _events = ["WorkinIt.Contracts:GifEmailSent", "WorkinIt.Contracts:GifEmailDelayed", "WorkinIt.Contracts:GifEmailBlocked"];
    private static readonly string[] _deadLetters = ["send-gif-email_error", "send-gif-email_skipped", "submission-status_error", "submission-status_skipped"];

    [Fact]
    public async Task RabbitMQ_user_web_may_only_publish_the_command_and_read_the_status_queue()
    {
        var rights = await deployed.TryAsync("web");
        rights.QueuesRead.ShouldHaveSingleItem().ShouldBe("submission-status");
        rights.QueuesDeclared.ShouldBeEmpty(); // nor deleted: both need the configure permission
        rights.ExchangesDeclared.ShouldBe([Commands, DeployedTopology.Faults], ignoreOrder: true);
        rights.ExchangesWritten.ShouldBe([Commands, DeployedTopology.Faults, "send-gif-email", "submission-status_error", "submission-status_skipped"], ignoreOrder: true);
    }

    [Fact]
    public async Task RabbitMQ_user_consumers_may_process_its_queues_and_publish_no_command()
    {
        var rights = await deployed.TryAsync("consumers");
        rights.QueuesRead.ShouldBe(["send-gif-email", "send-gif-email_suspect", "send-gif-email_ledger"], ignoreOrder: true);
        rights.QueuesDeclared.ShouldBeEmpty();
        rights.ExchangesDeclared.ShouldBe([.. _events, DeployedTopology.Faults, "send-gif-email_move"], ignoreOrder: true);
        // Write is the smallest permission with which RabbitMQ 4 reports whether a queue exists. The delay queues and the status queue have exchanges of
        // the same name, so these are listed too.
        rights.ExchangesWritten.ShouldBe(
            [
                .. _events, DeployedTopology.Faults, "send-gif-email_move", "send-gif-email_error", "send-gif-email_skipped", "send-gif-email_dead", "submission-status", "dead-letters.reports",
                .. deployed.Queues.Where(queue => queue.StartsWith("send-gif-email_delay_", StringComparison.Ordinal)),
            ],
            ignoreOrder: true);
    }

    [Fact]
    public async Task RabbitMQ_user_replay_may_read_dead_letters_and_declare_only_its_own_queues()
    {
        var rights = await deployed.TryAsync("replay");
        rights.QueuesRead.ShouldBe(_deadLetters, ignoreOrder: true);
        rights.QueuesDeclared.ShouldBeEmpty();
        rights.ExchangesDeclared.ShouldBe(["dead-letters.reports"]);
        rights.ExchangesWritten.ShouldBe(["", "send-gif-email", "submission-status", "dead-letters.reports"], ignoreOrder: true); // "": discard and restore publish directly to a queue; the last: to bind its queue
        (await deployed.RefusalAsync("replay", channel => channel.QueueDeclareAsync("send-gif-email_discarded", durable: true, exclusive: false, autoDelete: false))).ShouldBeNull();
        (await deployed.RefusalAsync("replay", channel => channel.QueueDeclareAsync("dead-letters-lock:send-gif-email_error", exclusive: true))).ShouldBeNull();
        (await deployed.RefusalAsync("replay", channel => channel.ExchangeDeclareAsync("dead-letters.reports", ExchangeType.Topic, durable: true))).ShouldBeNull();
        (await deployed.RefusalAsync("replay", async channel =>
        {
            await channel.QueueDeclareAsync("dead-letters.reports", durable: true, exclusive: false, autoDelete: false);
            await channel.QueueBindAsync("dead-letters.reports", "dead-letters.reports", "#");
            await channel.BasicGetAsync("dead-letters.reports", autoAck: true);
        })).ShouldBeNull();
        (await deployed.RefusalAsync("replay", channel => channel.QueueDeclareAsync("of-its-own", exclusive: true))).ShouldBe(Constants.AccessRefused);
    }

    /// <summary>Declaring a queue with a dead-letter exchange requires permission to read it, so only the deployment's user may declare queues.</summary>
    [Fact]
    public async Task RabbitMQ_user_topology_may_declare_the_topology_of_WorkinIt_and_nothing_else()
    {
        var rights = await deployed.TryAsync("topology");
        rights.QueuesDeclared.ShouldBe(deployed.Queues, ignoreOrder: true);
        rights.ExchangesDeclared.ShouldBe(deployed.Exchanges.Where(exchange => exchange.Length > 0 && !exchange.StartsWith("amq.", StringComparison.Ordinal)), ignoreOrder: true);
        rights.ExchangesWritten.ShouldNotContain("");
        (await deployed.RefusalAsync("topology", channel => channel.QueueDeclareAsync("orders", exclusive: false))).ShouldBe(Constants.AccessRefused);
        (await deployed.RefusalAsync("topology", channel => channel.BasicGetAsync("send-gif-email_discarded", autoAck: false))).ShouldBe(Constants.AccessRefused);
    }

    [Fact]
    public async Task RabbitMQ_user_operator_may_do_everything_and_only_operator_and_replay_may_use_the_management_API()
    {
        var rights = await deployed.TryAsync("operator");
        rights.QueuesRead.ShouldBe(deployed.Queues, ignoreOrder: true);
        rights.QueuesDeclared.ShouldBe(deployed.Queues, ignoreOrder: true);
        rights.ExchangesWritten.ShouldBe(deployed.Exchanges.Where(exchange => !exchange.StartsWith("amq.rabbitmq", StringComparison.Ordinal)), ignoreOrder: true);
        foreach (var (user, tags) in new[] { ("operator", "administrator"), ("replay", "monitoring"), ("topology", ""), ("web", ""), ("consumers", "") })
        {
            var actual = (await deployed.System.VirtualHost.ManagementAsync($"users/{user}")).GetProperty("tags");
            actual.EnumerateArray().Select(tag => tag.GetString()).ShouldBe(tags.Length == 0 ? [] : [tags], user);
        }
    }

    [Fact]
    public async Task RabbitMQ_has_no_user_guest()
    {
        using var answer = await deployed.System.Broker.Management.GetAsync("/api/users/guest");
        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        var factory = new ConnectionFactory { Uri = new Uri(deployed.System.VirtualHost.ConnectionString("guest")), AutomaticRecoveryEnabled = false };
        var refused = await Should.ThrowAsync<BrokerUnreachableException>(() => factory.CreateConnectionAsync());
        refused.InnerException.ShouldBeOfType<AuthenticationFailureException>();
    }
}

/// <summary>A virtual host with the WorkinIt topology and no running service.</summary>
public sealed class DeployedTopology : IAsyncLifetime
{
    /// <summary>A placeholder for all of MassTransit's fault exchanges.</summary>
    public const string Faults = "MassTransit:Fault…";

    private readonly Dictionary<string, IConnection> _connections = [];

    public WorkinItSystem System { get; private set; } = null!;

    public IReadOnlyList<string> Queues { get; private set; } = [];

    public IReadOnlyList<string> Exchanges { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        System = await WorkinItSystem.CreateAsync();
        await System.DeployAsync();
        Queues = Names(await System.VirtualHost.ManagementAsync("queues/{vhost}"));
        Exchanges = Names(await System.VirtualHost.ManagementAsync("exchanges/{vhost}"));
        Queues.Count.ShouldBe(13); // input queue, five delay queues, quarantine queue, the ledger's queue, status queue, four dead-letter queues
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections.Values)
            await connection.DisposeAsync();
        await System.DisposeAsync();
    }

    /// <summary>
    /// Tries each permission on each queue and exchange. Changes nothing, apart from the messages that it publishes: a declaration with different
    /// arguments is always refused, with 403 to a user without permission and with 406 to a user with permission.
    /// </summary>
    public async Task<Rights> TryAsync(string user)
    {
        var (read, queues, exchanges, written) = (new List<string>(), new List<string>(), new SortedSet<string>(), new SortedSet<string>());
        foreach (var queue in Queues)
        {
            if (await RefusalAsync(user, channel => channel.BasicGetAsync(queue, autoAck: false)) is null)
                read.Add(queue);
            if (await RefusalAsync(user, channel => channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: true)) != Constants.AccessRefused)
                queues.Add(queue);
        }
        foreach (var exchange in Exchanges)
        {
            var name = exchange.StartsWith("MassTransit:Fault", StringComparison.Ordinal) || exchange == "MassTransit:ReceiveFault" ? Faults : exchange;
            if (await RefusalAsync(user, channel => channel.ExchangeDeclareAsync(exchange, ExchangeType.Headers, durable: false)) != Constants.AccessRefused)
                exchanges.Add(user is "topology" or "operator" ? exchange : name);
            if (await RefusalAsync(user, async channel => await channel.BasicPublishAsync(exchange, "nowhere", new ReadOnlyMemory<byte>([1]))) is null)
                written.Add(user is "topology" or "operator" ? exchange : name);
        }
        return new Rights(read, queues, exchanges, written);
    }

    /// <summary>Runs an action as a user.</summary>
    /// <returns>The reply code with which the broker refuses it; null if the broker allows it.</returns>
    public async Task<int?> RefusalAsync(string user, Func<IChannel, Task> act)
    {
        if (!_connections.TryGetValue(user, out var connection))
        {
            var factory = new ConnectionFactory { Uri = new Uri(System.VirtualHost.ConnectionString(user)), AutomaticRecoveryEnabled = false };
            _connections[user] = connection = await factory.CreateConnectionAsync($"rights of {user}");
        }
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true)); // without confirms, a refused message goes unnoticed
        try
        {
            await act(channel);
            return null;
        }
        catch (Exception e) when (e is OperationInterruptedException or AlreadyClosedException or PublishException && channel.CloseReason is { } reason)
        {
            return reason.ReplyCode;
        }
    }

    private static List<string> Names(JsonElement items) => [.. items.EnumerateArray().Select(item => item.GetProperty("name").GetString()!)];
}

/// <summary>The queues and exchanges on which a user has each permission.</summary>
public sealed record Rights(
    IReadOnlyCollection<string> QueuesRead, IReadOnlyCollection<string> QueuesDeclared,
    IReadOnlyCollection<string> ExchangesDeclared, IReadOnlyCollection<string> ExchangesWritten);
