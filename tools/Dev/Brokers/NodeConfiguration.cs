using System.Collections;

namespace WorkinIt.Dev.Brokers;

/// <summary>The configuration of a node on this machine: all its files are in its folder.</summary>
internal static class NodeConfiguration
{
    /// <summary>Writes the configuration files.</summary>
    public static async Task WriteAsync(BrokerFolder folder, int amqp, int management, CancellationToken cancellation)
    {
        foreach (var name in new[] { "data", "log", "generated" })
            Directory.CreateDirectory(folder.File(name));
        folder.WriteCookie();
        await File.WriteAllTextAsync(folder.File("rabbitmq-env.conf"), "", cancellation);
        File.Copy(Path.Combine(Repository.Dev, "enabled_plugins"), folder.File("enabled_plugins"), overwrite: true);
        var cluster = folder.Read("cluster.conf"); // for a node of dev/cluster
        await File.WriteAllTextAsync(
            folder.File("rabbitmq.conf"),
            $"""
            listeners.tcp.local = 127.0.0.1:{amqp}
            management.tcp.ip = 127.0.0.1
            management.tcp.port = {management}
            load_definitions = {Path.Combine(Repository.Dev, "definitions.json")}
            # A developer's disk is often nearly full; with the default, RabbitMQ would block publishers.
            disk_free_limit.absolute = 50MB
            {cluster}

            """,
            cancellation);
    }

    /// <summary>Returns the environment of the node.</summary>
    /// <param name="folder">The folder of the broker.</param>
    /// <param name="distribution">The port for connections between nodes.</param>
    public static Dictionary<string, string?> Variables(BrokerFolder folder, int distribution)
    {
        // A RABBITMQ_* variable of the user could make the node use files outside the folder.
        var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(entry => (string)entry.Key)
            .Where(name => name.StartsWith("RABBITMQ_", StringComparison.Ordinal)).ToDictionary(name => name, _ => (string?)null);
        variables["HOME"] = folder.Path;
        variables["ERL_EPMD_ADDRESS"] = "127.0.0.1";
        variables["ERL_CRASH_DUMP"] = folder.File("erl_crash.dump");
        // The start script becomes the Erlang VM instead of supervising it: its process id is the node's, and SIGTERM stops the node in order.
        variables["RUNNING_UNDER_SYSTEMD"] = "true";
        variables["RABBITMQ_NODENAME"] = $"{folder.Name}@localhost";
        variables["RABBITMQ_CONF_ENV_FILE"] = folder.File("rabbitmq-env.conf");
        variables["RABBITMQ_CONFIG_FILE"] = folder.File("rabbitmq.conf");
        variables["RABBITMQ_CONFIG_FILES"] = folder.File("conf.d");
        variables["RABBITMQ_ADVANCED_CONFIG_FILE"] = folder.File("advanced.config");
        variables["RABBITMQ_ENABLED_PLUGINS_FILE"] = folder.File("enabled_plugins");
        variables["RABBITMQ_MNESIA_BASE"] = folder.File("data");
        variables["RABBITMQ_MNESIA_DIR"] = folder.File("data/node");
        variables["RABBITMQ_PLUGINS_EXPAND_DIR"] = folder.File("data/plugins");
        variables["RABBITMQ_FEATURE_FLAGS_FILE"] = folder.File("data/feature_flags");
        variables["RABBITMQ_GENERATED_CONFIG_DIR"] = folder.File("generated");
        variables["RABBITMQ_LOG_BASE"] = folder.File("log");
        variables["RABBITMQ_LOGS"] = "-";
        variables["RABBITMQ_PID_FILE"] = folder.File("rabbitmq.pid");
        variables["RABBITMQ_DIST_PORT"] = $"{distribution}";
        variables["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] =
            $"-kernel inet_dist_use_interface {{127,0,0,1}} +sbwt none +sbwtdcpu none +sbwtdio none {folder.Read("cluster.args")}";
        return variables;
    }
}
