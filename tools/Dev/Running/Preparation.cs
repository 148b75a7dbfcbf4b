using WorkinIt.Dev.Building;
using WorkinIt.Dev.Machine;

namespace WorkinIt.Dev.Running;

/// <summary>
/// What the last successful start of ./run --local has deployed and migrated. If nothing has changed since, Web and Consumers need not wait until it is
/// done again: the deployment and the migrations run beside them.
/// </summary>
/// <param name="folder">The folder for the state of ./run.</param>
/// <param name="settings">The settings of the services.</param>
internal sealed class Preparation(string folder, LocalSettings settings)
{
    private readonly string _file = Path.Combine(folder, "prepared");

    /// <summary>Whether the broker has the queues and the databases have the tables of these services.</summary>
    public bool IsDone => Read("prepared") == State()
        && UsesOwnDatabases && File.Exists(Path.Combine(folder, "submissions.db")) && File.Exists(Path.Combine(folder, "deliveries.db"));

    /// <summary>Records that everything is deployed and migrated.</summary>
    public void Remember() => File.WriteAllText(_file, State());

    // Another database may have been replaced since.
    private static bool UsesOwnDatabases => Settings.Find("ConnectionStrings__Submissions") is null && Settings.Find("ConnectionStrings__Deliveries") is null;

    // The sources, the broker, and the settings that queues depend on.
    private string State() => string.Join('\n',
    [
        SourceState.Of(["src"]), Read("broker/name"),
        .. settings.Topology.OrderBy(setting => setting.Key, StringComparer.Ordinal).Select(setting => $"{setting.Key}={setting.Value}"),
        .. Settings.StartingWith("Redelivery__").Concat(Settings.StartingWith("DeadLetterQueues__")).Order(StringComparer.Ordinal).Select(name => $"{name}={Environment.GetEnvironmentVariable(name)}"),
    ]);

    private string Read(string name) => Path.Combine(folder, name) is var path && File.Exists(path) ? File.ReadAllText(path) : "";
}
