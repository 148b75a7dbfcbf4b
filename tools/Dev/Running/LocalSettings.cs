using WorkinIt.Dev.Machine;

namespace WorkinIt.Dev.Running;

/// <summary>The settings of the services of ./run --local. Those in the environment take precedence where a developer may want another value.</summary>
/// <param name="folder">The folder for the state of ./run.</param>
/// <param name="ports">The ports.</param>
internal sealed class LocalSettings(string folder, RunPorts ports)
{
    /// <summary>Settings of Web --migrate.</summary>
    public Dictionary<string, string?> Submissions => new()
    {
        ["ConnectionStrings__Submissions"] = Settings.Get("ConnectionStrings__Submissions", $"Data Source={folder}/submissions.db"),
    };

    /// <summary>Settings of Consumers --migrate.</summary>
    public Dictionary<string, string?> Deliveries => new()
    {
        ["ConnectionStrings__Deliveries"] = Settings.Get("ConnectionStrings__Deliveries", $"Data Source={folder}/deliveries.db"),
    };

    /// <summary>Settings of Consumers --deploy-topology.</summary>
    public Dictionary<string, string?> Topology => new(Delays) { ["ConnectionStrings__RabbitMq"] = Amqp("topology") };

    /// <summary>Settings of Web.</summary>
    public Dictionary<string, string?> Web => new([.. Submissions, .. Deliveries])
    {
        ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{ports.Web}",
        ["ConnectionStrings__RabbitMq"] = Amqp("web"),
        ["ConnectionStrings__DeadLetters"] = Amqp("replay"),
        ["RabbitMqManagement__Url"] = $"http://127.0.0.1:{ports.Management}",
        ["RabbitMqManagement__PublicUrl"] = $"http://localhost:{ports.Management}",
        ["OptOut__Secret"] = Settings.OptOutSecret,
        ["DeadLetters__AuditFile"] = Settings.Get("DeadLetters__AuditFile", $"{folder}/dead-letters-audit.jsonl"),
        ["ConnectionStrings__Catalogue"] = Settings.Get("ConnectionStrings__Catalogue", $"Data Source={folder}/dead-letters.db"),
        ["Limits__PerClientPerMinute"] = Settings.Get("Limits__PerClientPerMinute", "0"), // no limit: one client sends all submissions here
        ["Limits__PerRecipientPerHour"] = Settings.Get("Limits__PerRecipientPerHour", "0"),
    };

    /// <summary>Settings of Consumers. If the user has set Smtp__Host, that mail server is used instead of the catcher.</summary>
    public Dictionary<string, string?> Consumers => new([.. Deliveries, .. Delays, .. Mail])
    {
        ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{ports.Consumers}",
        ["ConnectionStrings__RabbitMq"] = Amqp("consumers"),
        ["OptOut__Secret"] = Settings.OptOutSecret,
        ["OptOut__Url"] = Settings.Get("OptOut__Url", $"http://localhost:{ports.Web}"),
        ["Smtp__From"] = Settings.Get("Smtp__From", "WorkinIt <gifs@workinit.example>"),
    };

    /// <summary>Delays of seconds, so that a redelivery can be watched; empty if the user has set others. Each has its own queue, so the topology needs them too.</summary>
    public static IReadOnlyDictionary<string, string?> Delays => Settings.StartingWith("Redelivery__Delays__").Count > 0 ? new Dictionary<string, string?>() : new()
    {
        ["Redelivery__Delays__0"] = "00:00:05",
        ["Redelivery__Delays__1"] = "00:00:15",
        ["Redelivery__Delays__2"] = "00:00:30",
        ["Redelivery__Delays__3"] = "00:01:00",
    };

    private IReadOnlyDictionary<string, string?> Mail => Settings.Find("Smtp__Host") is not null ? new Dictionary<string, string?>() : new()
    {
        ["Smtp__Host"] = "127.0.0.1",
        ["Smtp__Port"] = $"{ports.Smtp}",
        ["Smtp__Security"] = "None",
    };

    private string Amqp(string user) => $"amqp://{user}:{user}@127.0.0.1:{ports.Amqp}";
}
