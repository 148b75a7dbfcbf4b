using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>One running system, shared by tests that do not change it.</summary>
public sealed class RunningSystem : IAsyncLifetime
{
    private WorkinItSystem? _system;

    public WorkinItSystem System => _system!;

    public ServiceProcess Web { get; private set; } = null!;

    public async ValueTask InitializeAsync() => (_system, Web, _) = await WorkinItSystem.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_system is not null)
            await _system.DisposeAsync();
    }
}

[CollectionDefinition(nameof(RunningSystem))]
public sealed class RunningSystemDefinition : ICollectionFixture<RunningSystem>;
