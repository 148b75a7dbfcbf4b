using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>A cluster of three nodes, shared by the tests of one class.</summary>
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
