using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>Three nodes for one class of tests.</summary>
public sealed class Cluster : IAsyncLifetime
{
    /// <summary>False where ./test runs on a container: these nodes are of the system's RabbitMQ.</summary>
    public static bool IsAtHand => TestCluster.IsAtHand;

    /// <summary>For what is in the long form only.</summary>
    public static bool IsAtHandAndLong => IsAtHand && Scale.IsLong;

    public TestCluster Nodes { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (IsAtHand)
            Nodes = await TestCluster.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Nodes is not null)
            await Nodes.DisposeAsync();
    }
}
