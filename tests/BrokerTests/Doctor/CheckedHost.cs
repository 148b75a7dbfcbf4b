using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A virtual host that a test sets up and the doctor checks. It has the queue orders with its dead-letter queue, as MassTransit declares them, without a finding.</summary>
internal sealed class CheckedHost : IAsyncDisposable
{
    private readonly TestBroker _broker = TestBroker.FromEnvironment();

    private CheckedHost(Orders orders, Version version) => (Orders, Version) = (orders, version);

    public Orders Orders { get; }

    /// <summary>The broker's version.</summary>
    public Version Version { get; }

    /// <summary>Whether the broker is one of RabbitMQ 4.3 or later.</summary>
    public bool IsLatest => Version >= new Version(4, 3);

    public static async Task<CheckedHost> CreateAsync()
    {
        var orders = await Orders.CreateAsync();
        await orders.VirtualHost.SetPolicyAsync("net", Orders.Input, new Dictionary<string, object> { ["dead-letter-exchange"] = Orders.Error });
        using var broker = TestBroker.FromEnvironment();
        return new CheckedHost(orders, Version.Parse(await broker.VersionAsync()));
    }

    /// <summary>Declares a queue, and nothing in front of it.</summary>
    public Task QueueAsync(string name, string type = "classic", bool durable = true, bool autoDelete = false, params (string Name, object? Value)[] arguments) =>
        Orders.Channel.QueueDeclareAsync(name, durable, exclusive: false, autoDelete, arguments.Append(("x-queue-type", type)).ToDictionary(one => one.Item1, one => one.Item2));

    /// <summary>Declares an input queue with a fanout exchange of its name and a dead-letter queue, as MassTransit has them after a first failure.</summary>
    public async Task InputAsync(string name, string type = "classic", params (string Name, object? Value)[] arguments)
    {
        await Orders.DeclareAsync(name, arguments.Append(("x-queue-type", type)).ToDictionary(one => one.Item1, one => one.Item2));
        await QueueAsync(name + "_error");
    }

    /// <summary>Sets a policy for all queues whose names match a pattern.</summary>
    public async Task PolicyAsync(string name, string pattern, Dictionary<string, object> definition, string applyTo = "queues") =>
        (await _broker.Management.PutAsJsonAsync(
            $"/api/policies/{Orders.VirtualHost.Name}/{name}", new Dictionary<string, object> { ["pattern"] = pattern, ["definition"] = definition, ["apply-to"] = applyTo, ["priority"] = 1 }))
        .EnsureSuccessStatusCode();

    /// <summary>Sets the type of a queue that is declared without one.</summary>
    public async Task DefaultTypeAsync(string type) =>
        (await _broker.Management.PutAsJsonAsync($"/api/vhosts/{Orders.VirtualHost.Name}", new { default_queue_type = type })).EnsureSuccessStatusCode();

    /// <summary>Adds a user with permissions in this virtual host. Its password is its name.</summary>
    public async Task<string> UserAsync(string tags, string configure, string write, string read)
    {
        var user = $"doctor-{Guid.NewGuid():N}"[..14];
        await DeadLetterPages.AddUserAsync(_broker, user, tags);
        (await _broker.Management.PutAsJsonAsync($"/api/permissions/{Orders.VirtualHost.Name}/{user}", new { configure, write, read })).EnsureSuccessStatusCode();
        return user;
    }

    /// <summary>
    /// Waits until the doctor finds this, and until the management API shows the figures and policies of all queues, which takes some seconds. Then nothing
    /// else may be found. The broker's version is left out, because it is the same in all virtual hosts.
    /// </summary>
    /// <param name="expected">Each as <c>rule queue</c>, in any order.</param>
    public async Task SeeAsync(params IEnumerable<string> expected)
    {
        var sorted = string.Join("; ", expected.Order(StringComparer.Ordinal));
        await Eventually.SeeAsync(FindingsAsync, found => found == sorted, $"the findings are: {sorted}");
        await Eventually.SeeAsync(MissingAsync, missing => missing.Length == 0, "the management API shows figures and policies of all queues");
        (await FindingsAsync()).ShouldBe(sorted, "after all figures and policies were there");
    }

    private async Task<string> FindingsAsync() =>
        string.Join("; ", (await Orders.Client.DiagnoseAsync(null, default)).Findings.Where(finding => finding.Rule != "broker-version")
            .Select(finding => $"{finding.Rule} {finding.Queue}").Order(StringComparer.Ordinal));

    // The queues whose figures or policy are not in the management API yet.
    private async Task<string> MissingAsync()
    {
        var policies = (await Orders.VirtualHost.ManagementAsync("policies/{vhost}")).EnumerateArray().Where(policy => policy.GetProperty("apply-to").GetString() != "exchanges").ToList();
        return string.Join(", ", (await Orders.VirtualHost.ManagementAsync("queues/{vhost}")).EnumerateArray()
            .Where(queue => !queue.TryGetProperty("messages", out _) || (queue.TryGetProperty("policy", out var shown) ? shown.GetString() : null) is var name
                && !policies.Where(policy => Regex.IsMatch(Name(queue), policy.GetProperty("pattern").GetString()!)).Select(Name).DefaultIfEmpty(name ?? "").Contains(name ?? ""))
            .Select(Name));
    }

    /// <summary>A queue as the management API shows it once it shows the queue's policy.</summary>
    public async Task<BrokerQueue> ShownAsync(string queue) => JsonSerializer.Deserialize<BrokerQueue>(await Eventually.SeeAsync(
        () => Orders.VirtualHost.ManagementAsync("queues/{vhost}/" + queue), shown => shown.TryGetProperty("policy", out var policy) && policy.GetString() is { Length: > 0 }, $"the management API shows the policy of {queue}"))!;

    /// <summary>All that is declared in the virtual host, and what its queues hold, as the broker reports it.</summary>
    public async Task<string> StateAsync()
    {
        var queues = (await Orders.VirtualHost.ManagementAsync("queues/{vhost}")).EnumerateArray().OrderBy(Name, StringComparer.Ordinal)
            .Select(queue => $"{Name(queue)} {Counters(queue, "messages")} {Counters(queue, "message_stats")}");
        return $"{await Orders.VirtualHost.ManagementAsync("definitions/{vhost}")}\n{string.Join('\n', queues)}";
    }

    public ValueTask DisposeAsync()
    {
        _broker.Dispose();
        return Orders.DisposeAsync();
    }

    private static string Name(JsonElement queue) => queue.GetProperty("name").GetString()!;

    // Without the rates, which change by themselves.
    private static string Counters(JsonElement queue, string name) => !queue.TryGetProperty(name, out var value) ? ""
        : value.ValueKind != JsonValueKind.Object ? value.ToString()
        : string.Join(',', value.EnumerateObject().Where(one => one.Value.ValueKind == JsonValueKind.Number).OrderBy(one => one.Name, StringComparer.Ordinal).Select(one => $"{one.Name}={one.Value}"));
}
