using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;

namespace WorkinIt.Testbed;

/// <summary>
/// Prepares systems for tests. The services themselves prepare the first system of a kind: they deploy the topology and create the tables. Each
/// further system gets a copy of that, for which no process starts.
/// </summary>
internal static class SystemTemplate
{
    // The settings that the topology depends on.
    private static readonly string[] _ofTopology = ["Redelivery__", "DeadLetterQueues__"];

    private static readonly ConcurrentDictionary<string, Lazy<Task<JsonElement>>> _topologies = new();
    private static readonly Lock _lock = new();
    private static Task<IReadOnlyList<DatabaseFile>>? _databases;

    /// <summary>Deploys the topology and creates the tables.</summary>
    public static Task PrepareAsync(WorkinItSystem system) => Task.WhenAll(
        CopyTopologyAsync(system),
        system.Settings.Keys.Any(name => name is "ConnectionStrings__Submissions" or "ConnectionStrings__Deliveries") ? system.MigrateAsync() : CopyDatabasesAsync(system));

    private static async Task CopyTopologyAsync(WorkinItSystem system)
    {
        var kind = string.Join('\n', system.Settings.Where(setting => _ofTopology.Any(setting.Key.StartsWith)).Select(setting => $"{setting.Key}={setting.Value}").Order(StringComparer.Ordinal));
        var first = new Lazy<Task<JsonElement>>(() => DeployAsync(system));
        var topology = _topologies.GetOrAdd($"{system.Broker.Management.BaseAddress}\n{kind}", first);
        var definitions = await topology.Value;
        if (topology != first)
            (await system.Broker.Management.PostAsJsonAsync($"/api/definitions/{system.VirtualHost.Name}", definitions)).EnsureSuccessStatusCode();
    }

    private static async Task<JsonElement> DeployAsync(WorkinItSystem system)
    {
        await system.DeployAsync();
        return await system.VirtualHost.ManagementAsync("definitions/{vhost}");
    }

    private static async Task CopyDatabasesAsync(WorkinItSystem system)
    {
        Task<IReadOnlyList<DatabaseFile>> databases;
        var isFirst = false;
        lock (_lock)
        {
            isFirst = _databases is null;
            databases = _databases ??= MigrateAsync(system);
        }
        foreach (var file in await databases)
        {
            if (!isFirst)
                await file.WriteAsync(system.Folder);
        }
    }

    private static async Task<IReadOnlyList<DatabaseFile>> MigrateAsync(WorkinItSystem system)
    {
        await system.MigrateAsync();
        return [.. Directory.GetFiles(system.Folder, "*.db*").Select(path => new DatabaseFile(Path.GetFileName(path), File.ReadAllBytes(path)))];
    }

    private sealed record DatabaseFile(string Name, byte[] Content)
    {
        public Task WriteAsync(string folder) => File.WriteAllBytesAsync(Path.Combine(folder, Name), Content);
    }
}
