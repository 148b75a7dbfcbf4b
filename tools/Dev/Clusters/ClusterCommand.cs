namespace WorkinIt.Dev.Clusters;

/// <summary>dev/cluster.</summary>
internal static class ClusterCommand
{
    private const string Usage = """
        A RabbitMQ cluster of three nodes on this machine. The nodes are the folders DIR/1, DIR/2, DIR/3: dev/broker stops, kills and starts
        each one as usual. The files amqp.port and management.port contain a node's ports.

          dev/cluster start DIR                   from the system's package rabbitmq-server; running nodes are left as they are
          dev/cluster start DIR --docker IMAGE    in containers
          dev/cluster cut DIR N                   cuts the network between node N and the other two; clients reach all three. Needs root
          dev/cluster heal DIR                    ends the cut
          dev/cluster remove DIR                  stop the nodes and delete DIR
        """;

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["--help" or "-h", ..])
            return Verbs.Help(Usage);
        Func<Cluster, Task>? act = arguments switch
        {
            [_, "", ..] => null,
            ["start", _] => cluster => cluster.StartAsync(),
            ["start", _, "--docker", { Length: > 0 } image] => cluster => cluster.StartAsync(image),
            ["cut", _, "1" or "2" or "3"] => cluster => cluster.CutOffAsync(arguments[2][0] - '0'),
            ["heal", _] => cluster => cluster.HealAsync(),
            ["remove", _] => cluster => cluster.RemoveAsync(),
            _ => null,
        };
        if (act is null)
            return Verbs.WrongUsage(Usage);
        await act(new Cluster(arguments[1]));
        return 0;
    }
}
