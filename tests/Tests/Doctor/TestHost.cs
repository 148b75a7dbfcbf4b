using System.Text.Json;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.Doctor;

/// <summary>A virtual host for the rules of the doctor, in the JSON of the management API. Empty, it trips no rule.</summary>
internal sealed class TestHost
{
    private readonly List<object> _queues = [];
    private readonly List<object> _exchanges = [new { name = "", type = "direct", arguments = new { } }];
    private readonly List<object> _bindings = [];
    private readonly List<object> _policies = [];
    private readonly List<UserPermission> _permissions = [];

    /// <summary>The broker's version.</summary>
    public string Broker { get; init; } = "4.3.6";

    public string? DefaultQueueType { get; init; } = "classic";

    /// <summary>Whether the user that reads is an administrator.</summary>
    public bool IsAdministrator { get; init; } = true;

    /// <summary>Adds a queue.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its type.</param>
    /// <param name="arguments">Its arguments, such as <c>("x-max-length", 5)</c>.</param>
    /// <param name="policy">What the policy <c>broad</c> sets.</param>
    /// <param name="figures">Its messages, their bytes, its consumers, and its rates of redeliveries and acks per second.</param>
    /// <param name="durable">Whether it is durable.</param>
    /// <param name="exclusive">Whether it is exclusive.</param>
    /// <param name="autoDelete">Whether it is auto-delete.</param>
    public TestHost Queue(
        string name, string type = "classic", (string Name, object Value)[]? arguments = null, (string Name, object Value)[]? policy = null,
        (long Messages, long Bytes, int Consumers, double Redelivered, double Acked) figures = default, bool durable = true, bool exclusive = false, bool autoDelete = false)
    {
        _queues.Add(new
        {
            name,
            type,
            durable,
            exclusive,
            auto_delete = autoDelete,
            arguments = (arguments ?? []).ToDictionary(one => one.Name, one => one.Value),
            policy = policy is null ? null : "broad",
            effective_policy_definition = policy is null ? (object)Array.Empty<object>() : policy.ToDictionary(one => one.Name, one => one.Value), // as the API writes "none"
            messages = figures.Messages,
            message_bytes = figures.Bytes,
            consumers = figures.Consumers,
            message_stats = new { redeliver_details = new { rate = figures.Redelivered }, ack_details = new { rate = figures.Acked } },
        });
        return this;
    }

    /// <summary>Adds a fanout exchange, as MassTransit has one in front of each queue.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="to">The queue that is bound to it; null: none.</param>
    /// <param name="alternate">Its alternate exchange by argument.</param>
    /// <param name="policy">The name of its policy.</param>
    public TestHost Exchange(string name, string? to, string? alternate = null, string? policy = null)
    {
        _exchanges.Add(new { name, type = "fanout", policy, arguments = alternate is null ? [] : new Dictionary<string, string> { ["alternate-exchange"] = alternate } });
        if (to is not null)
            _bindings.Add(new { source = name, destination = to, destination_type = "queue", routing_key = "", arguments = new { } });
        return this;
    }

    /// <summary>Adds a policy that sets an alternate exchange.</summary>
    public TestHost AlternatePolicy(string name, string alternate)
    {
        _policies.Add(new { name, definition = new Dictionary<string, string> { ["alternate-exchange"] = alternate } });
        return this;
    }

    /// <summary>Adds a user that is not an administrator.</summary>
    public TestHost User(string name, string configure, string write, string read)
    {
        _permissions.Add(new UserPermission(name, configure, write, read));
        return this;
    }

    public VirtualHostSnapshot Read(DeadLetterQueueNames? names = null) => new()
    {
        Broker = Version.Parse(Broker),
        Names = names ?? DeadLetterQueueNames.Usual,
        Queues = As<BrokerQueue>(_queues),
        Exchanges = As<BrokerExchange>(_exchanges),
        Bindings = As<BrokerBinding>(_bindings),
        DefaultQueueType = DefaultQueueType,
        Policies = IsAdministrator ? As<NamedPolicy>(_policies) : null,
        Permissions = IsAdministrator ? _permissions : null,
    };

    private static List<T> As<T>(List<object> items) => JsonSerializer.Deserialize<List<T>>(JsonSerializer.Serialize(items))!;
}
