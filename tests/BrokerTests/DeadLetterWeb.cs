using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>A Web with the dead-letter pages. Without Consumers, so that replayed messages stay in the input queue.</summary>
public sealed class DeadLetterWeb : IAsyncLifetime
{
    public const string Errors = "send-gif-email_error";
    public const string Jane = """{"submissionId":"0199c4f0-0000-7000-8000-000000000001","email":"jane@example.com","thought":"Monday, and <b>no</b> coffee"}""";

    private WorkinItSystem? _system;
    private int _clients;

    public WorkinItSystem System => _system!;

    public ServiceProcess Process { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _system = await WorkinItSystem.CreateAsync();
        DeadLetterPages.AddTo(_system);
        _system.Settings["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true";
        _system.Settings["DeadLetters__OutcomeWait"] = "00:00:02"; // no consumer runs, so no outcome comes
        await _system.PrepareAsync();
        Process = _system.NewWeb();
        await Process.StartAsync();
    }

    /// <summary>A client that is not signed in, with a client address of its own.</summary>
    public PageClient NewClient() => new(Process.Address, $"203.0.113.{Interlocked.Increment(ref _clients)}");

    /// <summary>Another Web of the system, with other settings.</summary>
    /// <param name="change">Changes the settings, by their environment variable names.</param>
    public ServiceProcess NewProcess(Action<Dictionary<string, string>> change)
    {
        var settings = System.SettingsOf("web");
        change(settings);
        return System.NewProcess("Web", settings);
    }

    public async ValueTask DisposeAsync()
    {
        if (_system is not null)
            await _system.DisposeAsync();
    }
}
