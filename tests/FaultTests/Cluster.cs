using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>Three nodes for one class of tests.</summary>
public sealed class Cluster : IAsyncLifetime
{
    public TestCluster Nodes { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Nodes = await TestCluster.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (Nodes is not null)
            await Nodes.DisposeAsync();
    }
}
