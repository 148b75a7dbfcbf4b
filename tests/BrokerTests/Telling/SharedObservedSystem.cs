namespace WorkinIt.BrokerTests.Telling;

/// <summary>The observed system of all test classes: the first class that needs it starts it, and the others wait for it.</summary>
public sealed class SharedObservedSystem : IAsyncLifetime
{
    private static readonly Lazy<Task<ObservedSystem>> _one = new(ObserveAsync);

    /// <summary>The system; it has ended, and its telemetry is complete.</summary>
    public ObservedSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync() => System = await _one.Value;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static async Task<ObservedSystem> ObserveAsync()
    {
        var system = new ObservedSystem();
        await system.ObserveAsync();
        return system;
    }
}
