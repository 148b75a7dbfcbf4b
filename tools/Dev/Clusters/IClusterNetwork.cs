namespace WorkinIt.Dev.Clusters;

/// <summary>The network between the nodes of a cluster.</summary>
internal interface IClusterNetwork
{
    /// <summary>Cuts the network between a node and the other two.</summary>
    Task CutOffAsync(int number);

    /// <summary>Ends the cut.</summary>
    Task HealAsync();
}
